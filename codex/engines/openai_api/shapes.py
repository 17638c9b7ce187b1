"""What servers with OpenAI's interface send, as tokens: pure functions of the JSON, one shape each."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codex.engines.entropy import entropy_estimate
from codex.types import Alternative, Token

Json = Mapping[str, Any]

CLAMPED = -9999.0
"""OpenAI's stand-in for "very unlikely"."""
LOWEST_LOGPROB = -104.0
"""Stands for the logarithm of zero, which llama.cpp sends as -3.4e38."""
_FLOAT_MIN = -3e38
ROUNDING = 1e-3
"""A log-probability above 0 by no more is 0."""
VOCABULARY = 2**17
"""Tokens of a model of which the server does not say how many. Twice as many would put the entropy higher by
half of ln 2 times the mass that the alternatives leave."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A token with its log-probability, in nats; None: the server does not know it or does not tell."""

    id: int
    """Below 0 where the server tells none: see `nameless`."""
    bytes: bytes
    logprob: float | None
    others: tuple[Entry, ...] = ()
    """The likeliest tokens at its place, likeliest first; it may be among them."""

    def is_same(self, other: Entry) -> bool:
        """Whether it is the same token, whatever its probability."""
        return self.id == other.id if self.id >= 0 and other.id >= 0 else self.bytes == other.bytes

    def token(self, vocabulary: int) -> Token:
        """As the engines have it; vocabulary: how many tokens the model has."""
        known = [it for it in self.others if it.logprob is not None]
        rank = next((at for at, it in enumerate(known, 1) if it.is_same(self)), None)
        logprobs = [it.logprob for it in known if it.logprob is not None]
        if rank is None and self.logprob is not None:
            known.append(self)
        return Token(
            id=self.id,
            bytes=self.bytes,
            logprob=self.logprob,
            entropy=entropy_estimate(logprobs, vocabulary) if logprobs else None,
            rank=rank,
            alternatives=tuple(
                Alternative(it.id, it.bytes, it.logprob) for it in known if it.logprob is not None
            ),
        )


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event adds to a row."""

    row: int = 0
    text: str = ""
    reasoning: str = ""
    entries: tuple[Entry, ...] = ()
    finish: str | None = None
    """Why the server ended the row, in its own word."""


def chat_deltas(said: Json) -> list[Delta]:
    """Of a chat completion, whole or a chunk of a stream."""
    found = []
    for choice in said.get("choices") or ():
        told = choice.get("delta") or choice.get("message") or {}
        found.append(
            Delta(
                row=choice.get("index") or 0,
                text=told.get("content") or told.get("refusal") or "",
                reasoning=told.get("reasoning") or told.get("reasoning_content") or "",
                entries=entries(choice.get("logprobs")),
                finish="tool_calls" if told.get("tool_calls") else choice.get("finish_reason"),
            )
        )
    return found


def completion_deltas(said: Json) -> list[Delta]:
    """Of a completion of plain text, whole or a chunk of a stream."""
    return [
        Delta(
            row=choice.get("index") or 0,
            text=choice.get("text") or "",
            entries=entries(choice.get("logprobs")),
            finish=choice.get("finish_reason"),
        )
        for choice in said.get("choices") or ()
    ]


def prompt_tokens(said: Json) -> int | None:
    """How many tokens of prompt the server counted; None where it does not say."""
    usage = said.get("usage") or (said.get("response") or {}).get("usage") or {}
    tokens = usage.get("prompt_tokens", usage.get("input_tokens"))
    return tokens if isinstance(tokens, int) and tokens >= 0 else None


def prompt_entries(said: Json) -> tuple[Entry, ...]:
    """The tokens of the prompt, of a response that tells them: vLLM's `prompt_logprobs`, or with `echo`.

    With `echo` the last token is the one that was generated; it is left out.
    """
    for choice in (said, *(said.get("choices") or ())):
        told = choice.get("prompt_logprobs")
        if told:
            return tuple(_of_prompt(each) for each in told if each)
    for choice in said.get("choices") or ():
        logprobs = choice.get("logprobs") or {}
        found = entries(logprobs) if logprobs.get("tokens") else ()
        return found[:-1]
    return ()


def _of_prompt(said: Json) -> Entry:
    """vLLM's form: by token id, the prompt's own token first."""
    every = [
        Entry(int(key), str(it.get("decoded_token") or "").encode(), _nats(it.get("logprob")))
        for key, it in said.items()
    ]
    return Entry(every[0].id, every[0].bytes, every[0].logprob, _sorted(every))


def ending(prompt: Sequence[Entry], text: str) -> tuple[Entry, ...] | None:
    """The last tokens of a prompt, which spell a text; None where none do."""
    wanted, spelled = text.encode(), b""
    for at in range(len(prompt) - 1, -1, -1):
        spelled = prompt[at].bytes + spelled
        if spelled == wanted:
            return tuple(prompt[at:])
        if not wanted.endswith(spelled):
            break
    return None


def entries(logprobs: Json | None) -> tuple[Entry, ...]:
    """Of chat's shape, which llama-server sends for plain completions too, or of the older one by columns."""
    if not logprobs:
        return ()
    content = logprobs.get("content")
    if content is not None:
        return tuple(_entry(each) for each in content)
    tokens: Sequence[str] = logprobs.get("tokens") or ()
    values = logprobs.get("token_logprobs") or ()
    tops = logprobs.get("top_logprobs") or ()
    found = []
    for at, text in enumerate(tokens):
        likeliest: Json = (tops[at] if at < len(tops) else None) or {}
        others = [nameless(other.encode(), _nats(value)) for other, value in likeliest.items()]
        value = values[at] if at < len(values) else None
        found.append(nameless(text.encode(), _nats(value), _sorted(others)))
    return tuple(found)


def _entry(said: Json) -> Entry:
    told, token_id = said.get("bytes"), said.get("id")
    spelled = bytes(told) if told is not None else str(said.get("token") or "").encode()
    logprob = _nats(said.get("logprob"))
    others = _sorted([_entry(each) for each in said.get("top_logprobs") or ()])
    if isinstance(token_id, int) and token_id >= 0:
        return Entry(token_id, spelled, logprob, others)
    return nameless(spelled, logprob, others)


def nameless(spelled: bytes, logprob: float | None, others: tuple[Entry, ...] = ()) -> Entry:
    """A token of which the server tells no id: one below 0 is made from its bytes, the same for the same."""
    return Entry(-1 - zlib.crc32(spelled), spelled, logprob, others)


def _sorted(others: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(others, key=lambda it: -math.inf if it.logprob is None else it.logprob, reverse=True))


def _nats(value: object) -> float | None:
    """A log-probability; None for what stands for "not known"."""
    if not isinstance(value, int | float) or math.isnan(value) or value > ROUNDING:
        return None
    if value <= _FLOAT_MIN and not math.isinf(value):
        return LOWEST_LOGPROB
    return min(float(value), 0.0) if value > CLAMPED else None


class Spelling:
    """Finds which of a row's tokens spell its text, as both come in.

    A server may send tokens that the text lacks: of the reasoning before it, or the one that ended it. Where
    the text is not spelled by tokens that follow one another, the rest of it has no log-probabilities.
    """

    def __init__(self, expected: bool = True) -> None:
        """expected: whether the server sends tokens at all."""
        self._text = bytearray()
        self._waiting: list[Entry] = []
        self._begun = False
        self.lost = not expected
        """Whether the rest of the text is not spelled by tokens."""

    def take(self, delta: Delta, last: bool = False) -> list[Entry]:
        """The next tokens of the text. last: nothing comes after it, so that text left over stands alone."""
        self._text += delta.text.encode()
        if delta.entries and not (delta.reasoning and not delta.text):
            self._waiting += [it for it in delta.entries if it.bytes]
        found: list[Entry] = []
        if self._text and self._waiting and not self.lost:
            if not self._begun:
                self._waiting = self._waiting[self._start() :]
                self._begun = True
            while self._waiting and self._text.startswith(self._waiting[0].bytes):
                found.append(self._waiting.pop(0))
                del self._text[: len(found[-1].bytes)]
            if self._text and self._waiting and not self._waiting[0].bytes.startswith(bytes(self._text)):
                self.lost = True
        if self._text and (self.lost or last or not self._waiting):
            self.lost = True
            found.append(nameless(bytes(self._text), None))
            self._text.clear()
        return found

    def _start(self) -> int:
        """Where in the waiting tokens the text begins."""
        text, spelled = bytes(self._text), b""
        shorter = None
        for at in range(len(self._waiting) - 1, -1, -1):
            spelled = self._waiting[at].bytes + spelled
            if spelled.startswith(text):
                return at
            if text.startswith(spelled):
                shorter = at
        return 0 if shorter is None else shorter
