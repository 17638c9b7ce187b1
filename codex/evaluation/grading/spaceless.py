"""Answers in scripts that write no spaces between words."""

from __future__ import annotations

import re
import unicodedata

_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_LEFT_OUT = re.compile(r"[\s\u200b-\u200f·・、。，．,.!?！？「」『』\"'()（）]")
# Tokyo's full name holds that of Kyoto.
_OTHERS = {"京都": "東京都"}


def is_spaceless(answer: str) -> bool:
    """Whether an answer is written in Chinese, Japanese, Thai, Lao, Khmer or Burmese."""
    return _SPACELESS.search(answer) is not None


def stands_in(answer: str, text: str) -> bool:
    """Whether the text has the answer, character by character, and not as a part of a longer number."""
    wanted, said = _plain(answer), _plain(text)
    if answer in _OTHERS:
        said = said.replace(_OTHERS[answer], "")
    for found in re.finditer(re.escape(wanted), said) if wanted else ():
        before, after = said[: found.start()][-1:], said[found.end() :][:1]
        if not ((wanted[0].isdigit() and before.isdigit()) or (wanted[-1].isdigit() and after.isdigit())):
            return True
    return False


def _plain(text: str) -> str:
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKC", text)).casefold()
