"""An engine whose hidden states tell whether it knows, and runs of it to train probes on."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from codex.engines.base import Capabilities, Finished, GenerationParams, Internals
from codex.store import Store
from codex.types import Generation, HiddenStates, Prompt, Run, Token
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine

DEPTH, HIDDEN = 4, 12
TELLING = 3
"""The layer whose states tell."""


def _opened() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass
class KnowingEngine(ScriptedEngine):
    """Shows hidden states: noise, and in one layer whether the answer to a question is correct."""

    truth: dict[str, bool] = field(default_factory=dict)
    """By question; of one that is not here nothing can be told."""
    shows: Literal["all layers", "last layer", "none"] = "all layers"
    asked: list[Internals | None] = field(default_factory=list)
    """Of each decode, score and read_states."""
    gate: threading.Event = field(default_factory=_opened)
    """While it is clear, no answer is read."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, hidden_states=self.shows)

    def decode(
        self, prompt: Prompt, rows: Sequence[GenerationParams], **options: Any
    ) -> Iterator[Token | Finished]:
        wanted = options.get("internals")
        self.asked.append(wanted)
        for item in super().decode(prompt, rows, **options):
            seen = isinstance(item, Finished) and item.row == 0 and wanted and wanted.layers
            yield Finished(0, self._shown(item.generation, prompt, wanted)) if seen else item

    def score(self, prompt: Prompt, answer: str, *args: Any, **options: Any) -> Generation:
        wanted = options.get("internals") or (args[1] if len(args) > 1 else None)
        self.asked.append(wanted)
        assert self.gate.wait(60)
        scored = super().score(prompt, answer, *args, **options)
        return self._shown(scored, prompt, wanted) if wanted and wanted.layers else scored

    def read_states(
        self, prompt: Prompt, tokens: Sequence[Token], layers: tuple[int | float, ...], *args: Any
    ) -> HiddenStates:
        self.asked.append(Internals(layers))
        assert self.gate.wait(60)
        read = Generation("", tuple(tokens), "stop", 0, 0.0)
        states = self._shown(read, prompt, Internals(layers)).hidden_states
        assert states
        return states

    def _shown(self, answer: Generation, prompt: Prompt, wanted: Internals) -> Generation:
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        question = next((each for each in self.truth if each in text), None)
        told = 0.0 if question is None else 1.0 if self.truth[question] else -1.0
        layers = wanted.numbered(DEPTH)
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        # Token by token, so that the prompt's states are the same whatever follows.
        states = rng.normal(size=(1 + len(answer.tokens), DEPTH, HIDDEN)).swapaxes(0, 1).copy()
        states[TELLING - 1, :, 0] += 3 * told
        kept = states[[layer - 1 for layer in layers]].astype(np.float16)
        return replace(answer, hidden_states=HiddenStates(layers, kept[:, 0], kept[:, 1:]))


def knowing(**changes: Any) -> KnowingEngine:
    """Whatever it is asked, it answers the same."""
    return KnowingEngine(lambda _: Script(["Can", "berra", "."]), **changes)


def put_known(store: Store, engine: KnowingEngine, run_id: str = "run-1", **changes: Any) -> Run:
    """Put a run of the engine into a store; its hidden states tell which of the answers are correct."""
    run = put_run(store, run_id, model=engine.fingerprint, **({"graded": 160} | changes))
    for record in store.runs.records(run.id):
        engine.truth[record.observation.question] = bool(record.correct)
    return run
