"""An observation as JSON in the form of stored generations, and back.

    {"question", "context"?, "greedy": {"text", "finish", "tokens": [[id, text, logprob, [[id, text, logprob]
    ...]] ...]}, "samples": [{"text", "finish", "tokens": [[id, text, logprob] ...]} ...],
    "p_true_top": [[text, logprob] ...]}

is all that must be there (of it only question and greedy). What Codex knows beyond that stands in keys of
its own, so that nothing is lost: what bytes that are no text, which alternatives are ends, and every other
field of the nouns under its name: those of a token as a list beside the tokens, those of a generation beside
its text, those of the observation beside the question, as store/codec/nouns.py writes them. Where
"end_logprob" is absent, and a text that ended by itself has a last token of no text, it is that token's.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Any, cast

from codex.store.codec.nouns import Part, decode, encode, finite, form_of, parts
from codex.store.codec.values import real, text
from codex.types import (
    Alternative,
    FinishReason,
    Generation,
    LogprobKind,
    Observation,
    Passage,
    Similarity,
    Token,
    Verdict,
)

PASSAGES = form_of(tuple[Passage, ...])
FINISHES = ("stop", "length", "cancelled")
KINDS = ("raw", "processed", "none")
NO_ID = -1
"""Of a token that is known by its text only."""
MOST = 1e-3
"""Rounding may bring the logarithm of a probability this far above 0."""

TOKEN = tuple(part for part in parts(Token) if part.name not in ("id", "bytes", "logprob", "alternatives"))
"""Beside the tokens of a generation: a value for each."""
GENERATION = tuple(
    part
    for part in parts(Generation)
    if part.name not in ("text", "tokens", "finish_reason", "logprobs", "end_logprob")
)
"""Beside its text; absent where it is the default, or 0 for want of one."""
OBSERVATION = tuple(
    part
    for part in parts(Observation)
    if part.name not in ("question", "generation", "samples", "passages", "verdict")
)

Json = dict[str, Any]


def observation_row(observation: Observation) -> Json:
    """The observation as it is written to JSON. Numbers that are not finite count as missing."""
    row: Json = {"question": observation.question}
    if observation.passages:
        row["context"] = "\n\n".join(passage.text for passage in observation.passages)
        if observation.passages != _of_context(row["context"]):
            row["passages"] = PASSAGES.write(observation.passages)
    row["greedy"] = _generation_row(observation.generation)
    row["samples"] = [_generation_row(sample) for sample in observation.samples]
    if observation.verdict is not None:
        likely = _kept(observation.verdict.alternatives)
        row["p_true_top"] = [[other.text, other.logprob] for other in likely]
        row["verdict"] = encode(observation.verdict)
    for part in OBSERVATION:
        if (value := getattr(observation, part.name)) != part.default:
            row[part.name] = part.form.write(value)
    return row


def observation_of(row: Mapping[str, Any]) -> Observation:
    """The observation that a row holds; a `context` counts as its passage.

    Raises KeyError, TypeError or ValueError, in words, when the row is not of the form.
    """
    context, kept = row.get("context"), row.get("passages")
    if kept is not None:
        passages: tuple[Passage, ...] = _named("passages", PASSAGES.read, kept)
    else:
        passages = _of_context(text(context, "context")) if context else ()
    samples = tuple(
        _generation_of(sample, f"samples[{index}]") for index, sample in enumerate(row.get("samples") or ())
    )
    observation = Observation(
        text(row["question"], "question"),
        _generation_of(row["greedy"], "greedy"),
        samples,
        passages,
        verdict=_verdict_of(row),
        **{
            part.name: _named(part.name, part.form.read, row[part.name])
            for part in OBSERVATION
            if row.get(part.name)
        },
    )
    if observation.similarity is not None:
        _check_size(observation.similarity, 1 + len(samples))
    return observation


def _named(name: str, read: Callable[[Any], Any], written: object) -> Any:
    """What is read, with its name before the words of an error."""
    try:
        return read(written)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}{error}") from error


def _of_context(context: str) -> tuple[Passage, ...]:
    return (Passage("context", "context", "context", context, 0, len(context)),)


def _generation_row(generation: Generation) -> Json:
    tokens = generation.tokens
    row: Json = {
        "text": generation.text,
        "finish": generation.finish_reason,
        "tokens": [_token_row(token) for token in tokens],
        "logprobs": generation.logprobs,
    }
    for part in GENERATION:
        value = part.form.write(getattr(generation, part.name))
        if value is not None and value != part.default:
            row[part.name] = value
    if (end := finite(generation.end_logprob)) is not None:
        row["end_logprob"] = end
    for part in TOKEN:
        values = [part.form.write(getattr(token, part.name)) for token in tokens]
        if any(value != part.default for value in values):
            row[part.name] = values
    opaque = {str(at): token.bytes.hex() for at, token in enumerate(tokens) if not _is_text(token.bytes)}
    others: Json = {}
    ends = []
    for at, token in enumerate(tokens):
        for index, other in enumerate(_kept(token.alternatives)):
            if not _is_text(other.bytes, empty=True):
                others[f"{at}.{index}"] = other.bytes.hex()
            if other.is_end:
                ends.append([at, index])
    return row | {
        name: value
        for name, value in (("bytes", opaque), ("alternative_bytes", others), ("ends", ends))
        if value
    }


def _token_row(token: Token) -> list[Any]:
    row = [token.id, token.text, finite(token.logprob)]
    if token.alternatives:
        row.append([[other.id, other.text, other.logprob] for other in _kept(token.alternatives)])
    return row


def _kept(alternatives: Sequence[Alternative]) -> list[Alternative]:
    """A token that cannot come next is no alternative."""
    return [other for other in alternatives if math.isfinite(other.logprob)]


def _is_text(raw: bytes, *, empty: bool = False) -> bool:
    """Whether the text says all of it; an empty one would be read as the end token."""
    try:
        return bool(raw.decode()) or empty
    except UnicodeDecodeError:
        return False


def _generation_of(row: Mapping[str, Any], name: str) -> Generation:
    if not isinstance(row, dict):
        raise TypeError(f"{name} is {type(row).__name__}, not an object with text and tokens")
    finish, kind = row.get("finish") or "stop", row.get("logprobs") or "raw"
    if finish not in FINISHES or kind not in KINDS:
        raise ValueError(
            f"{name} has finish {reprlib.repr(finish)} and logprobs {reprlib.repr(kind)}; there are "
            f"{', '.join(FINISHES)} and {', '.join(KINDS)}"
        )
    stored = row.get("tokens") or []
    opaque = row.get("bytes") or {}
    read = [_token_of(token, f"{name}.tokens", at, opaque) for at, token in enumerate(stored)]
    ended = finish == "stop" and bool(read) and read[-1] is None
    more = {
        part.name: _column(row[part.name], f"{name}.{part.name}", part, len(read))
        for part in TOKEN
        if row.get(part.name) is not None
    }
    if more or "alternative_bytes" in row or "ends" in row:
        read = _detailed(read, row, more)
    end = row.get("end_logprob", stored[-1][2] if ended else None)
    return Generation(
        text=text(row["text"], f"{name}.text"),
        tokens=tuple(token for token in read if token is not None),
        finish_reason=cast(FinishReason, finish),
        logprobs=cast(LogprobKind, kind),
        end_logprob=_logprob(end, f"{name}.end_logprob"),
        **{
            part.name: _named(f"{name}.{part.name}", part.form.read, row.get(part.name) or 0)
            for part in GENERATION
            if row.get(part.name) or part.default is MISSING
        },
    )


def _token_of(stored: Sequence[Any], name: str, at: int, opaque: Mapping[str, str]) -> Token | None:
    """None for an end token: it is stored with an empty text and is no part of a Generation."""
    try:
        raw = bytes.fromhex(opaque[str(at)]) if opaque and str(at) in opaque else None
        id_, piece, logprob = stored[:3]
        _id(id_)
        if raw is None and not piece:
            return None
        others = stored[3] if len(stored) > 3 else ()
        return Token(
            id_,
            _bytes(piece) if raw is None else raw,
            _logprob(logprob),
            rank=next((rank for rank, other in enumerate(others, 1) if other[0] == id_), None),
            # Most of the time that a file takes goes by here.
            alternatives=tuple(
                [
                    Alternative(other if type(other) is int else _id(other), _bytes(word), value)
                    for other, word, value in others
                    if (type(value) is float and -math.inf < value <= 0) or _logprob(value) is not None
                ]
            )
            if others
            else (),
        )
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{name}[{at}] is not [id, text, logprob, alternatives]: {error}") from error


def _bytes(word: str) -> bytes:
    try:
        return word.encode()
    except UnicodeEncodeError:
        return word.encode("utf-8", "surrogatepass")


def _id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"the id is {reprlib.repr(value)}")
    return value


def _logprob(value: object, name: str = "the log-probability") -> float | None:
    """The value where it is a logarithm of a probability; None where it is none."""
    if value is None or not math.isfinite(found := real(value, name)):
        return None
    if found > MOST:
        raise ValueError(f"{name} {reprlib.repr(value)} is above 0")
    return found


def _column(values: object, name: str, part: Part, count: int) -> list[Any]:
    """What is said of each of the tokens, of which there are `count`."""
    if not isinstance(values, list):
        raise TypeError(f"{name} is {type(values).__name__}, not a list")
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values for {count} tokens")
    return cast(list[Any], _named(name, lambda said: [part.form.read(each) for each in said], values))


def _detailed(
    tokens: Sequence[Token | None], row: Mapping[str, Any], more: Mapping[str, Sequence[Any]]
) -> list[Token | None]:
    """The tokens with what only Codex's own files say of them."""
    others: Mapping[str, str] = row.get("alternative_bytes") or {}
    ends = {(at, index) for at, index in row.get("ends") or ()}
    detailed: list[Token | None] = []
    for at, token in enumerate(tokens):
        if token is None:
            detailed.append(None)
            continue
        alternatives = token.alternatives
        if others or ends:
            alternatives = tuple(
                Alternative(
                    other.id,
                    bytes.fromhex(others[f"{at}.{index}"]) if f"{at}.{index}" in others else other.bytes,
                    other.logprob,
                    (at, index) in ends,
                )
                for index, other in enumerate(alternatives)
            )
        said = {"rank": token.rank} | {key: values[at] for key, values in more.items()}
        detailed.append(Token(token.id, token.bytes, token.logprob, **said, alternatives=alternatives))
    return detailed


def _check_size(similarity: Similarity, size: int) -> None:
    if {size} != {len(similarity.classes), len(similarity.matrix), *map(len, similarity.matrix)}:
        raise ValueError(f"similarity.matrix and classes are not those of an answer and {size - 1} samples")


def _verdict_of(row: Mapping[str, Any]) -> Verdict | None:
    stored, kept = row.get("p_true_top"), row.get("verdict")
    if kept is not None:
        return decode(Verdict, kept, "verdict")
    if stored is None:
        return None
    try:
        alternatives = tuple(
            Alternative(NO_ID, _bytes(piece), logprob)
            for piece, logprob in stored
            if _logprob(logprob) is not None
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"p_true_top is not a list of [text, logprob]: {error}") from error
    return Verdict(alternatives, "plain", "", seconds=0.0)
