"""Lexical search: words of documents and queries are normalized alike."""

from __future__ import annotations

import re
import unicodedata

from codex.text import COMMON_WORDS

MAX_QUERY_WORDS = 64
"""Further words of a query are ignored: each costs time, and the first ones say what it is about."""
MAX_QUERY_CHARACTERS = 10_000

STOP_WORDS = COMMON_WORDS.union(
    """
    after again all any before both doing down each few further itself more most no nor not off once only
    other out over own s same some t under until up will
    """.split()  # noqa: SIM905
)
"""English words that occur in nearly every passage; BM25 gives those of other languages little weight."""

# Marks that many writers leave out: accents, Hebrew points, Arabic vowels and the Arabic lengthening stroke.
_OPTIONAL = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0640]+")
# Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han, Hangul.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff])"
)


def folded(text: str) -> str:
    """The text without case and accents, with spaces between the characters of scripts that have none.

    Applied to texts and queries, so that ΑΘΗΝΑ finds Αθήνα and 東京 finds 東京都.
    """
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _OPTIONAL.sub("", text))
    return _UNSPACED.sub(r" \1 ", text)


def match(query: str) -> str | None:
    """An FTS5 expression that matches any word of the query; None where it contains no word.

    Stop words are left out unless there are no others. Each word is quoted, so that nothing in the query
    is interpreted as FTS5 syntax.
    """
    text = folded(query[:MAX_QUERY_CHARACTERS].replace("\0", " "))
    found = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text).split()
    words = [word for word in found if word not in STOP_WORDS] or found
    return " OR ".join(f'"{word}"' for word in list(dict.fromkeys(words))[:MAX_QUERY_WORDS]) or None
