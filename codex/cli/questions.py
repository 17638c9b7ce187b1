"""Where a command's questions go: to a workbench of this process, or to the one that serves the home."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from codex.ask.workbench import Workbench
from codex.cli.answering import Part, parts, served_parts
from codex.cli.served import Served, served
from codex.errors import StoreInUse
from codex.policy import Policy
from codex.settings import load_settings


class Questions(Protocol):
    """Asks, with the options of its command."""

    @property
    def cancels(self) -> bool:
        """Whether `cancel` stops a question; otherwise closing the iterator does."""

    def ask(
        self, question: str, follows: str | None = None, cancel: threading.Event | None = None
    ) -> Generator[Part, None, None]:
        """What is printed of a question. follows: the trace that it follows up. Raises as `Workbench.ask`."""


@contextmanager
def questions(
    overrides: Sequence[str],
    samples: int | None = None,
    evidence: bool = False,
    documents: Sequence[str] | None = None,
) -> Iterator[Questions]:
    """Open the workbench of the settings, or reach the one that has it open. Raises as `served`."""
    options: dict[str, Any] = {"n_samples": samples, "enable_rag": evidence}
    if documents:
        options["documents"] = list(documents)
    try:
        workbench = Workbench.open(overrides)
    except StoreInUse as in_use:
        settings = load_settings(overrides)
        given = any(override.startswith("policy") for override in overrides)
        with closing(served(settings.home, in_use, overrides)) as there:
            yield _There(there, options, settings.policy if given else None)
    else:
        with closing(workbench):
            yield _Here(workbench, options)


@dataclass(frozen=True)
class _Here:
    workbench: Workbench
    options: dict[str, Any]
    cancels: bool = True

    def ask(
        self, question: str, follows: str | None = None, cancel: threading.Event | None = None
    ) -> Generator[Part, None, None]:
        return parts(self.workbench.ask(question, follows=follows, cancel=cancel, **self.options))


@dataclass(frozen=True)
class _There:
    there: Served
    options: dict[str, Any]
    policy: Policy | None
    cancels: bool = False

    def ask(
        self, question: str, follows: str | None = None, cancel: threading.Event | None = None
    ) -> Generator[Part, None, None]:
        body = {"query": question, **self.options}
        if follows is not None:
            body["follows"] = follows
        if self.policy is not None:
            body["policy"] = self.policy.model_dump(mode="json", exclude={"guarantee"})
        return served_parts(self.there.ask(body))
