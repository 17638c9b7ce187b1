"""The labels as a model writes them, and which of them a piece of text is or begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from codex.errors import InvalidInput
from codex.signals.verifier import AROUND, spellings


class Standing(NamedTuple):
    """What the beginning of an answer says."""

    named: int | None
    """The label that stands there, by its index; the longest where one begins another."""
    begun: tuple[int, ...]
    """Labels that it may still become."""


class LabelSet:
    """Labels that differ in more than case."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises InvalidInput."""
        self.texts = tuple(texts)
        if not self.texts:
            raise InvalidInput("There are no labels: give some, or fit on rows that have them.", ["labels"])
        seen: dict[str, str] = {}
        for text in self.texts:
            bare = text.encode().strip(AROUND).decode("utf-8", "replace")
            if not bare:
                raise InvalidInput(f"{text!r} is no label: it has no letter or digit.", ["labels"])
            if bare.casefold() in seen:
                raise InvalidInput(
                    f"The labels {seen[bare.casefold()]!r} and {text!r} are the same to a model: rename one.",
                    ["labels"],
                )
            seen[bare.casefold()] = text
        self._spelled = [spellings(text.strip()) for text in self.texts]

    def __len__(self) -> int:
        return len(self.texts)

    def standing(self, answer: bytes) -> Standing:
        """Of the beginning of an answer; bytes, since a token may end inside a character."""
        piece = answer.lstrip(AROUND)
        begun, named, longest = [], None, 0
        for at, spelled in enumerate(self._spelled):
            if any(len(it) > len(piece) and it.startswith(piece) for it in spelled):
                begun.append(at)
            for it in spelled:
                if len(it) > longest and piece.startswith(it) and not _goes_on(piece[len(it) :]):
                    named, longest = at, len(it)
        return Standing(named, tuple(begun))

    def named(self, answer: str) -> int | None:
        """The label that a whole answer begins with, else the only one that it mentions."""
        found = self.standing(answer.encode()).named
        if found is not None:
            return found
        mentioned = [
            at
            for at, text in enumerate(self.texts)
            if re.search(rf"(?<!\w){re.escape(text.strip())}(?!\w)", answer, re.IGNORECASE)
        ]
        # "not spam" mentions "spam" too: what stands within another label's mention does not count.
        whole = [
            at
            for at in mentioned
            if not any(
                other != at and self.texts[at].casefold() in self.texts[other].casefold()
                for other in mentioned
            )
        ]
        return whole[0] if len(whole) == 1 else None


def _goes_on(rest: bytes) -> bool:
    """Whether the word continues, so that it is another one."""
    return bool(rest) and (rest[:1].isalnum() or rest[0] >= 0x80)
