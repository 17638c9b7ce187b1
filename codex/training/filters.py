"""What is taken out of rows before they are trained on; each is counted by its reason."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from codex.datasets.splits import split
from codex.redaction import Edited, Span, emails, phones, secrets
from codex.text import sha256
from codex.training.config import DataConfig
from codex.training.examples import Example
from codex.types import Message

_SIGNS = re.compile(r"[\W_]+")
_FINDERS: dict[str, Callable[[str], list[Span]]] = {"secrets": secrets, "emails": emails, "phones": phones}


def redacted(text: str, kinds: Iterable[str], counts: Counter[str]) -> str:
    """The text without secrets, e-mail addresses, phone numbers. kinds: of DataConfig.redact."""
    for kind in kinds:
        if found := _FINDERS[kind](text):
            text = Edited(text, found).text
            counts[f"{kind} redacted"] += len(found)
    return text


def filtered(
    examples: Iterable[Example], config: DataConfig, counts: Counter[str]
) -> Iterator[tuple[Example, bool]]:
    """The examples to train on, each with whether it measures the training instead.

    Those on the test side of the split, by the same function as evaluation's, never come. Eight bytes and
    their place in a set are held of each, to know duplicates by.
    """
    seen: set[int] = set()
    for example in examples:
        counts["read"] += 1
        reason, made = _reason(example, config, counts)
        if reason is None:
            key = int(sha256(_content(made))[:16], 16)
            if key in seen and not config.duplicates:
                reason = "duplicates"
            seen.add(key)
        if reason is not None:
            counts[reason] += 1
            continue
        yield made, is_validation(made.question, config.validation)


def is_validation(question: str, share: float) -> bool:
    """Whether a question on the calibration side measures a training; the side grows with the share."""
    return split(question, 0.5 - 0.5 * share) == "test"


def _reason(example: Example, config: DataConfig, counts: Counter[str]) -> tuple[str | None, Example]:
    """Why an example is left out, None where it is not, and the example as it is trained on."""
    if split(example.question) == "test":
        return "on the test side of the split", example
    made = _redacted(example, config, counts)
    if len(made.answer.strip()) < config.shortest:
        return "too short", made
    try:
        _whole(made).encode("utf-8")
    except UnicodeEncodeError:
        return "not in the encoding of the file", made
    return None, made


def _redacted(example: Example, config: DataConfig, counts: Counter[str]) -> Example:
    if not config.redact:
        return example
    prompt = tuple(
        Message(said.role, redacted(said.content, config.redact, counts)) for said in example.prompt
    )
    return replace(example, prompt=prompt, answer=redacted(example.answer, config.redact, counts))


def _content(example: Example) -> str:
    """What an example says, without case, punctuation and spaces, in any language."""
    plain = unicodedata.normalize("NFKC", _whole(example)).casefold()
    return _SIGNS.sub("", plain) or plain


def _whole(example: Example) -> str:
    return "\n".join((*(said.content for said in example.prompt), example.answer))
