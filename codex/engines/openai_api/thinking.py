"""What a reasoning model thinks, apart from its answer, where the server leaves both in one text."""

from __future__ import annotations

from dataclasses import replace

from codex.engines.openai_api.shapes import Entry, nameless

OPENS, CLOSES = b"<think>", b"</think>"


class Thinking:
    """Takes `<think>...</think>` away from the start of an answer, with the tokens that spell it.

    Where the model never closes it, all of the text is reasoning.
    """

    def __init__(self, expected: bool = True) -> None:
        """expected: whether the text may begin so; not where the answer has begun already."""
        self._thought = bytearray()
        """The text so far, until the answer begins."""
        self._held: list[Entry] = []
        """The tokens that spell it, while it is not known whether they are the answer."""
        self._answering = not expected

    @property
    def text(self) -> str:
        """What was thought so far; "": nothing."""
        thought = bytes(self._thought).lstrip().removeprefix(OPENS)
        return thought.partition(CLOSES)[0].decode("utf-8", "replace").strip()

    def take(self, entry: Entry) -> list[Entry]:
        """The next token; returns those that are the answer's."""
        if self._answering:
            return [entry]
        self._thought += entry.bytes
        stripped = bytes(self._thought).lstrip()
        if not stripped.startswith(OPENS):
            self._held.append(entry)
            return [] if OPENS.startswith(stripped) else self.end()
        self._held.clear()
        answer = stripped.partition(CLOSES)[2].lstrip()
        if not answer:
            return []
        self._answering = True
        # A token that closes the reasoning and begins the answer has no probability as a part of it.
        whole = len(answer) == len(entry.bytes)
        return [entry if whole else _end_of(entry, answer)]

    def end(self) -> list[Entry]:
        """No more comes, or what came is not reasoning: the tokens that were held are the answer's."""
        held, self._held = self._held, []
        if not self._answering and not bytes(self._thought).lstrip().startswith(OPENS):
            self._answering = True
            self._thought.clear()
        return held


def _end_of(entry: Entry, answer: bytes) -> Entry:
    """The part of a token that is the answer's; white space before it is the model's own."""
    if entry.bytes.lstrip() == answer:
        return replace(entry, bytes=answer)
    return nameless(answer, None)
