"""What is taken out of rows before they are trained on; each is counted by its reason."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from codex.datasets.splits import split
from codex.text import sha256
from codex.training.config import DataConfig
from codex.training.examples import Example
from codex.types import Message

SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{40,}\b"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bhf_[A-Za-z0-9]{30,}\b|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bAIza[\w-]{35}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"
    r"|\b(?P<name>(?:api[_-]?key|secret|password|passwd|token)\s*[:=]\s*)[\"']?[^\s\"']{8,}[\"']?",
    re.DOTALL | re.ASCII,
)
"""Keys of the usual services, JSON Web Tokens, private keys, and what a name says is a password."""
EMAILS = re.compile(r"\b[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b", re.ASCII)
PHONES = re.compile(
    r"(?<![\w+.-])(?:\+\d{1,3}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){6,12}"
    r"|\(\d{2,5}\)[ ./-]?\d(?:[ ./-]?\d){5,9}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d)"
)
"""International numbers, numbers with an area code in brackets, and 555-123-4567; never a bare number, which
may be an answer."""
_SIGNS = re.compile(r"[\W_]+")
_KINDS: dict[str, tuple[re.Pattern[str], str]] = {
    "secrets": (SECRETS, "[secret]"),
    "emails": (EMAILS, "[e-mail address]"),
    "phones": (PHONES, "[phone number]"),
}


def redacted(text: str, kinds: Iterable[str], counts: Counter[str]) -> str:
    """The text without secrets, e-mail addresses, phone numbers. kinds: of DataConfig.redact."""
    for kind in kinds:
        pattern, shown = _KINDS[kind]
        text, found = pattern.subn(_shown(shown), text)
        if found:
            counts[f"{kind} redacted"] += found
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


def _shown(text: str) -> Callable[[re.Match[str]], str]:
    """What stands for a finding; the name of a password stays."""
    return lambda found: (found.groupdict().get("name") or "") + text
