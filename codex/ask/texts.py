"""Texts as they stand, by the model alone: nothing is decided or kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from codex.ask.models.in_use import ModelInUse
from codex.ask.places import Client, share_of
from codex.ask.scoring import Scored, checked_text, scored_text
from codex.engines.admission import on_behalf_of
from codex.engines.base import Finished, GenerationParams
from codex.errors import Cancelled
from codex.redaction.observed import SECRETS
from codex.types import Token


class Texts:
    """What the model in use makes of a text that is no question. Thread-safe."""

    def __init__(self, model: ModelInUse) -> None:
        self._model = model

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text by the loaded model. Raises Busy, CapabilityError, ModelError."""
        with self._model.using():
            return self._model.engine.tokenize(text)

    def score(
        self,
        prompt: str,
        text: str,
        cancel: threading.Event | None = None,
        client: Client | None = None,
    ) -> Scored:
        """Signals of a text as the continuation of a prompt as it stands. Raises as `Workbench.score`."""
        checked_text(prompt, "prompt")
        checked_text(text, "text")
        stop = cancel or threading.Event()
        with self._model.answering(client, 1, stop), on_behalf_of(share_of(client)):
            scored = scored_text(self._model.engine, self._model.engine.score(prompt, text, stop))
        if not self._model.settings.store.mask_secrets:
            return scored
        return replace(scored, observation=SECRETS.observation(scored.observation))

    def write_on(
        self,
        prompt: str,
        rows: Sequence[GenerationParams],
        cancel: threading.Event | None = None,
        client: Client | None = None,
    ) -> Iterator[Token | Finished]:
        """A text written on as it stands, once for each of `rows`; see Engine.decode.

        Raises InvalidInput, PromptTooLong, ModelError, Busy, Cancelled.
        """
        stop = cancel or threading.Event()
        with self._model.answering(client, max(row.max_tokens for row in rows), stop):
            with on_behalf_of(share_of(client)):
                decoded = self._model.engine.decode(prompt, rows, cancel=stop)
            for item in decoded:
                if isinstance(item, Finished):
                    self._model.budget.spend(client, len(item.generation.tokens))
                if isinstance(item, Finished) and item.generation.finish_reason == "cancelled":
                    raise Cancelled("The text was cancelled.")
                yield item
