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
from collections.abc import Iterable, Mapping, Sequence
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
from codex.types import (
    Alternative,
    FinishReason,
    Generation,
    LogprobKind,
    Observation,
    Passage,
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
        passages = tuple(Passage(**passage) for passage in kept)
    else:
        passages = _of_context(text(context, "context")) if context else ()
    return Observation(
        text(row["question"], "question"),
        _generation_of(row["greedy"], "greedy"),
        tuple(
            _generation_of(sample, f"samples[{index}]")
            for index, sample in enumerate(row.get("samples") or ())
        ),
        passages,
        grounding_of(grounding) if grounding else None,
        _verdict_of(row),
        similarity_of(similarity) if similarity else None,
    )


def text(value: object, name: str) -> str:
    """The value, which must be a text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, not a text")
    return value


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
            f"{name} has finish {finish!r} and logprobs {kind!r}; there are {', '.join(FINISHES)} and "
            f"{', '.join(KINDS)}"
        )
    stored = row.get("tokens") or []
    opaque = row.get("bytes") or {}
    read = [_token_of(token, f"{name}.tokens", at, opaque) for at, token in enumerate(stored)]
    ended = finish == "stop" and bool(read) and read[-1] is None
    more = {key: row[key] for key in ("entropy", "rank", "self_certainty", "entropy_exact") if key in row}
    if more or "alternative_bytes" in row or "ends" in row:
        read = _detailed(read, row, more, name)
    return Generation(
        text(row["text"], f"{name}.text"),
        tuple(token for token in read if token is not None),
        cast(FinishReason, finish),
        row.get("prompt_tokens") or 0,
        row.get("seconds") or 0.0,
        cast(LogprobKind, kind),
        row.get("prefix_tokens") or 0,
        _logprob(row.get("end_logprob", stored[-1][2] if ended else None)),
    )


def _token_of(stored: Sequence[Any], name: str, at: int, opaque: Mapping[str, str]) -> Token | None:
    """None for an end token: it is stored with an empty text and is no part of a Generation."""
    try:
        raw = bytes.fromhex(opaque[str(at)]) if opaque and str(at) in opaque else None
        id_, piece, logprob = stored[:3]
        if not isinstance(id_, int):
            raise TypeError(f"the id is {id_!r}")
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
                    Alternative(other, _bytes(word), value)
                    for other, word, value in others
                    if -math.inf < value <= 0 or _logprob(value) is not None
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


def _logprob(value: float | None) -> float | None:
    """The value where it is a logarithm of a probability; None where it is none."""
    if value is None or not -math.inf < value < math.inf:
        return None
    if value > MOST:
        raise ValueError(f"the log-probability {value} is above 0")
    return value


def _detailed(
    tokens: Sequence[Token | None], row: Mapping[str, Any], more: Mapping[str, Sequence[Any]], name: str
) -> list[Token | None]:
    """The tokens with what only Codex's own files say of them."""
    for key, values in more.items():
        if len(values) != len(tokens):
            raise ValueError(f"{name}.{key} has {len(values)} values for {len(tokens)} tokens")
    others: Mapping[str, str] = row.get("alternative_bytes") or {}
    ends = {(at, index) for at, index in row.get("ends") or ()}
    columns = {key: list(values) for key, values in more.items()}
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
        said = {key: values[at] for key, values in columns.items()}
        detailed.append(Token(token.id, token.bytes, token.logprob, **said, alternatives=alternatives))
    return detailed


def _verdict_of(row: Mapping[str, Any]) -> Verdict | None:
    stored, kept = row.get("p_true_top"), row.get("verdict")
    if kept is not None:
        return verdict_of(kept)
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
