"""The confidence that a model states in the last line of its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[\s*_#>(\[-]*(?:my\s+)?confidence\b", re.IGNORECASE)
_LINE = re.compile(
    r"[\s*_#>(\[-]*(?:my\s+)?confidence\s*(?:level|score)?[\s*_]*(?:[:：=]|\bis\b)[\s*_:]*"
    r"(?P<number>\d{1,4}(?:[.,٫．]\d{1,9})?|[.٫．]\d{1,9})\s*(?P<percent>[%％﹪٪]|percent\b)?[\s*_.)\]]*",
    re.IGNORECASE,
)
"""A line that states a confidence and nothing else; \\d is a decimal digit of any script."""
_LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


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
