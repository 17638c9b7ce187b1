"""Answers in scripts that set no spaces between words, or join particles to them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from codex.grading.wording import unaccented

_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
_HANGUL, _ARABIC, _HEBREW = "\uac00-\ud7a3", "\u0620-\u064a\u066e-\u06d3", "\u05d0-\u05ea"
_OWN_WAY = re.compile(f"[{_SPACELESS}{_HANGUL}{_ARABIC}{_HEBREW}]")
_LEFT_OUT = re.compile(r"[\s\u200b-\u200f·・、。，．,.!?！？「」『』\"'()（）*]+")
_PREFIXES = {
    # and, so, with, as, for; the article
    _ARABIC: "[وف]?(?:[بكل]?ال|لل|[بكل])?",
    # and, that, as, in, to, from, the
    _HEBREW: "ו?ש?[כבלמ]?ה?",
    _HANGUL: "",
}
_ARTICLE = re.compile(r"\Aال(?=\w{3})")
# Tokyo's full name holds that of Kyoto.
_LONGER = {"京都": "東京都"}
_DENIED_BEFORE = re.compile(r"(?:不是|不在|并非|並非|而非|非|ไม่ใช่|ليس|ليست|לא)\Z")
_DENIED_AFTER = re.compile(r"では(?:な|あり)|じゃ(?:な|あり)|(?:이|가)?\s*아니|不对|不對|是错|是錯")
_OR_BEFORE = re.compile(r"(?:或者?|还是|還是|または|もしくは|หรือ|혹은|또는|أو|או)\Z")
_OR_AFTER = re.compile(r"(?:或者?|还是|還是|または|もしくは|か[\u3400-\u9fff]|หรือ|혹은|또는|أو|או)")


def is_written_together(answer: str) -> bool:
    """Whether the script of an answer has no spaces (Chinese, Thai) or joins particles (Korean, Arabic)."""
    return _OWN_WAY.search(answer) is not None


def stands_in(answer: str, text: str) -> bool:
    """Whether the text has the answer, letter by letter, and neither denies it nor leaves it open.

    It may not be a part of a longer number or, in scripts that have spaces, begin within a word.
    """
    said = _plain(text)
    if answer in _LONGER:
        said = said.replace(_LONGER[answer], "")
    return any(not _is_denied(said, *found.span(1)) for found in _pattern(answer).finditer(said))


@lru_cache(maxsize=4096)
def _pattern(answer: str) -> re.Pattern[str]:
    words = _ARTICLE.sub("", _plain(answer))
    inside = re.escape(words)
    if not words:
        return re.compile(r"(?!)()")
    for script, prefix in _PREFIXES.items():
        if re.match(f"[{script}]", words):
            return re.compile(f"(?<![{script}]){prefix}({inside})")
    before = r"(?<!\d)" if words[0].isdigit() else ""
    after = r"(?!\d)" if words[-1].isdigit() else ""
    return re.compile(f"{before}({inside}){after}")


def _is_denied(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 8) : start].rstrip(), text[end : end + 8].lstrip()
    return any(
        (
            _DENIED_BEFORE.search(before),
            _OR_BEFORE.search(before),
            _DENIED_AFTER.match(after),
            _OR_AFTER.match(after),
        )
    )


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    """Letters and figures; blanks stay only beside letters of scripts that have them."""
    plain = unaccented(unicodedata.normalize("NFKC", text)).casefold()
    return re.sub(f"(?<=[{_SPACELESS}]) (?=[{_SPACELESS}])", "", _LEFT_OUT.sub(" ", plain)).strip()
