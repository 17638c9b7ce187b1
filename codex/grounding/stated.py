"""The confidence that a model states, in text, of its answer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from codex.engines.base import Engine, Finished, GenerationParams
from codex.errors import Cancelled, CapabilityError, PromptTooLong
from codex.prompts import stating
from codex.types import Message, Prompt, StatedConfidence

TOKENS = 16
"""The most that the line may have."""

_WORD = re.compile(r"[\s*_#>(\[-]*(?:my\s+)?confidence\b", re.IGNORECASE)
_LINE = re.compile(
    r"[\s*_#>(\[-]*(?:my\s+)?confidence\s*(?:level|score)?[\s*_]*(?:[:：=]|\bis\b)[\s*_:]*"
    r"(?P<number>\d{1,4}(?:[.,٫．]\d{1,9})?|[.٫．]\d{1,9})\s*(?P<percent>[%％﹪٪]|percent\b)?[\s*_.)\]]*",
    re.IGNORECASE,
)
"""A line that states a confidence and nothing else; \\d is a decimal digit of any script."""
_LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def state(
    engine: Engine, conversation: Sequence[Message], answer: str, cancel: threading.Event | None = None
) -> StatedConfidence | None:
    """What the model says of an answer to the conversation; a few tokens at temperature 0.

    It is shown the answer under the prompt of `codex train reward`, as if it had written it there, and
    completes the line after it; on a server, which only takes whole turns, a turn of its own requests that
    line. None where the prompt is too long for the context. Raises Cancelled, ModelError.
    """
    started = time.perf_counter()
    # The answer is rendered too, so that no control token in it is one.
    rendered = engine.render(stating.begun(conversation, answer.strip()))
    prompt: Prompt = stating.of_answer(conversation, answer.strip())
    if rendered is not None:
        head, line, _ = rendered.rpartition(stating.LINE_BEGINS)
        prompt = head + line
    try:
        for item in engine.decode(prompt, [GenerationParams(max_tokens=TOKENS)], cancel=cancel):
            if isinstance(item, Finished):
                written = item.generation
    except (PromptTooLong, CapabilityError):
        return None
    if written.finish_reason == "cancelled":
        raise Cancelled("The question was cancelled.")
    # Many write the number alone, which is all that is missing of the line.
    line, _, _ = written.text.strip().partition("\n")
    value = read_stated(line if _WORD.match(line) else f"{stating.LINE_BEGINS} {line}").confidence
    return StatedConfidence(value, stating.fingerprint(), time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer, and the confidence that its last line states."""

    answer: str
    """Without that line, where there is one."""
    confidence: float | None
    """In [0, 1]; None: none can be read."""


def read_stated(text: str) -> Stated:
    """Read "Confidence: 80%", "Confidence: 0.8" or "Confidence: 80" in the last line that is not empty.

    Without a percent sign a number of at most 1 is a share, a larger one percent. None can be read where the
    line says anything else beside it, where the number is not in [0, 100] percent, and where an earlier line
    states a confidence too: which of them counts would be for the model to choose. Digits may be of any
    script, the sign and the decimal point too. Takes time linear in the text.
    """
    lines = [line.strip() for line in _LINE_ENDS.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or not _WORD.match(lines[-1]):
        return Stated(text.strip(), None)
    earlier = lines[:-1]
    answer = "\n".join(earlier).strip()
    if any(_WORD.match(line) for line in earlier):
        answer = "\n".join(line for line in earlier if not _WORD.match(line)).strip()
        return Stated(answer, None)
    return Stated(answer, _share(lines[-1]))


def _share(line: str) -> float | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    number = float(re.sub(r"[,٫．]", ".", found["number"]))
    share = number / 100 if found["percent"] or number > 1 else number
    return share if share <= 1 else None
