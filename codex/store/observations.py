"""An observation as JSON in the form of stored generations, and back.

    {"question", "context"?, "greedy": {"text", "finish", "tokens": [[id, text, logprob, [[id, text, logprob]
    ...]] ...]}, "samples": [{"text", "finish", "tokens": [[id, text, logprob] ...]} ...],
    "p_true_top": [[text, logprob] ...]}

is all that must be there (of it only question and greedy). What Codex knows beyond that stands in keys of
its own, so that nothing is lost: bytes that are no text, entropies, ranks, ends, passages, verdict,
grounding, similarity, and beside a generation's tokens "end_logprob". Where that is absent, and a text that
ended by itself has a last token of no text, it is that token's.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from codex.store.evidence import (
    finite,
    grounding_of,
    grounding_row,
    similarity_of,
    similarity_row,
    verdict_of,
    verdict_row,
)
from codex.store.values import number, real, text, whole
from codex.types import (
    Alternative,
    FinishReason,
    Generation,
    Grounding,
    LogprobKind,
    Observation,
    Passage,
    Similarity,
    Token,
    Verdict,
)

FINISHES = ("stop", "length", "cancelled")
KINDS = ("raw", "processed", "none")
NO_ID = -1
"""Of a token that is known by its text only."""
MOST = 1e-3
"""Rounding may bring the logarithm of a probability this far above 0."""

Json = dict[str, Any]


def observation_row(observation: Observation) -> Json:
    """The observation as it is written to JSON. Numbers that are not finite count as missing."""
    row: Json = {"question": observation.question}
    if observation.passages:
        row["context"] = "\n\n".join(passage.text for passage in observation.passages)
        if observation.passages != _of_context(row["context"]):
            row["passages"] = [asdict(passage) for passage in observation.passages]
    row["greedy"] = _generation_row(observation.generation)
    row["samples"] = [_generation_row(sample) for sample in observation.samples]
    if observation.verdict is not None:
        likely = _kept(observation.verdict.alternatives)
        row["p_true_top"] = [[other.text, other.logprob] for other in likely]
        row["verdict"] = verdict_row(observation.verdict)
    if observation.grounding is not None:
        row["grounding"] = grounding_row(observation.grounding)
    if observation.similarity is not None:
        row["similarity"] = similarity_row(observation.similarity)
    return row


def observation_of(row: Mapping[str, Any]) -> Observation:
    """The observation that a row holds; a `context` counts as its passage.

    Raises KeyError, TypeError or ValueError, in words, when the row is not of the form.
    """
    context, grounding, similarity = row.get("context"), row.get("grounding"), row.get("similarity")
    kept: Iterable[Json] | None = row.get("passages")
    if kept is not None:
        passages = tuple(_passage_of(passage, f"passages[{index}]") for index, passage in enumerate(kept))
    else:
        passages = _of_context(text(context, "context")) if context else ()
    samples = tuple(
        _generation_of(sample, f"samples[{index}]") for index, sample in enumerate(row.get("samples") or ())
    )
    return Observation(
        text(row["question"], "question"),
        _generation_of(row["greedy"], "greedy"),
        samples,
        passages,
        _grounding_of(grounding) if grounding else None,
        _verdict_of(row),
        _similarity_of(similarity, 1 + len(samples)) if similarity else None,
    )


def _of_context(context: str) -> tuple[Passage, ...]:
    return (Passage("context", "context", "context", context, 0, len(context)),)


def _generation_row(generation: Generation) -> Json:
    tokens = generation.tokens
    row: Json = {
        "text": generation.text,
        "finish": generation.finish_reason,
        "tokens": [_token_row(token) for token in tokens],
        "logprobs": generation.logprobs,
        "prompt_tokens": generation.prompt_tokens,
        "seconds": finite(generation.seconds) or 0.0,
    }
    if generation.prefix_tokens:
        row["prefix_tokens"] = generation.prefix_tokens
    if (end := finite(generation.end_logprob)) is not None:
        row["end_logprob"] = end
    for name in ("entropy", "rank", "self_certainty"):
        values = [finite(getattr(token, name)) for token in tokens]
        if any(value is not None for value in values):
            row[name] = values
    if any(token.entropy_exact for token in tokens):
        row["entropy_exact"] = [token.entropy_exact for token in tokens]
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
        key: _column(row[key], f"{name}.{key}", one, len(read))
        for key, one in COLUMNS.items()
        if row.get(key) is not None
    }
    if more or "alternative_bytes" in row or "ends" in row:
        read = _detailed(read, row, more)
    return Generation(
        text(row["text"], f"{name}.text"),
        tuple(token for token in read if token is not None),
        cast(FinishReason, finish),
        whole(row.get("prompt_tokens") or 0, f"{name}.prompt_tokens"),
        number(row.get("seconds") or 0.0, f"{name}.seconds"),
        cast(LogprobKind, kind),
        whole(row.get("prefix_tokens") or 0, f"{name}.prefix_tokens"),
        _logprob(row.get("end_logprob", stored[-1][2] if ended else None), f"{name}.end_logprob"),
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


def _column(values: object, name: str, one: Callable[[object, str], object], count: int) -> list[Any]:
    """What is said of each of the tokens, of which there are `count`."""
    if not isinstance(values, list):
        raise TypeError(f"{name} is {type(values).__name__}, not a list")
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values for {count} tokens")
    return [one(value, name) for value in values]


def _finite(value: object, name: str) -> float | None:
    return None if value is None else finite(real(value, name))


def _rank(value: object, name: str) -> int | None:
    return None if value is None else whole(value, name, 1)


def _truth(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {reprlib.repr(value)}, neither true nor false")
    return value


COLUMNS: Mapping[str, Callable[[object, str], object]] = {
    "entropy": _finite,
    "rank": _rank,
    "self_certainty": _finite,
    "entropy_exact": _truth,
}
"""Beside the tokens of a generation: a value for each."""


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
        said = {key: values[at] for key, values in more.items()}
        detailed.append(Token(token.id, token.bytes, token.logprob, **said, alternatives=alternatives))
    return detailed


def _passage_of(row: Json, name: str) -> Passage:
    passage = Passage(**row)
    for part in ("id", "document_id", "document", "text", "heading"):
        text(getattr(passage, part), f"{name}.{part}")
    _wholes((passage.start, passage.end), f"{name}.start and end")
    _wholes(() if passage.page is None else (passage.page,), f"{name}.page")
    for by, score in passage.scores.items():
        real(score, f"{name}.scores.{by}")
    return passage


def _grounding_of(row: Json) -> Grounding:
    grounding = grounding_of(row)
    text(grounding.judge, "grounding.judge")
    number(grounding.seconds, "grounding.seconds")
    for index, sentence in enumerate(grounding.sentences):
        name = f"grounding.sentences[{index}]"
        _wholes((sentence.start, sentence.end, *(sentence.quote or ())), f"{name}.start, end and quote")
        _wholes(() if sentence.passage is None else (sentence.passage,), f"{name}.passage")
        _finite(sentence.probability, f"{name}.probability")
        _finite(sentence.contradiction, f"{name}.contradiction")
    return grounding


def _similarity_of(row: Json, size: int) -> Similarity:
    similarity = similarity_of(row)
    number(similarity.seconds, "similarity.seconds")
    _wholes(similarity.classes, "similarity.classes")
    if {size} != {len(similarity.classes), len(similarity.matrix), *map(len, similarity.matrix)}:
        raise ValueError(f"similarity.matrix and classes are not those of an answer and {size - 1} samples")
    for line in similarity.matrix:
        for value in line:
            real(value, "similarity.matrix")
    return similarity


def _wholes(values: Iterable[object], name: str) -> None:
    for value in values:
        whole(value, name)


def _verdict_of(row: Mapping[str, Any]) -> Verdict | None:
    stored, kept = row.get("p_true_top"), row.get("verdict")
    if kept is not None:
        verdict = verdict_of(kept)
        text(verdict.verifier, "verdict.verifier")
        number(verdict.seconds, "verdict.seconds")
        for other in verdict.alternatives:
            _id(other.id)
            number(other.logprob, "verdict.alternatives.logprob")
        return verdict
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
