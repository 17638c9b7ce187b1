"""Guesses the encoding of a text that does not declare it.

charset-normalizer tells which decodings look like a text. Of Latin letters that leaves several, which differ
in a few letters: these are weighed by whether some one language has them all.
"""

from __future__ import annotations

import math
import re
import unicodedata

from charset_normalizer import from_bytes

SAMPLE = 16_384
"""Bytes of the non-ASCII lines that are inspected."""

_PRIORS = {
    "cp1252": 0.0, "cp1250": -1.5, "cp1251": -0.5, "cp932": -0.5, "gb18030": -0.5, "cp949": -1.0,
    "big5hkscs": -1.0, "euc_jp": -1.0, "cp1253": -1.5, "cp1254": -1.5, "cp1255": -1.0, "cp1256": -1.0,
    "cp1257": -2.0, "cp874": -1.5, "koi8_r": -1.0, "koi8_u": -2.5, "iso8859_2": -2.0, "iso8859_5": -2.5,
    "iso8859_7": -2.5, "iso8859_15": -2.0, "cp866": -1.5, "cp850": -2.5, "cp437": -3.0, "cp852": -3.0,
    "mac_roman": -2.5,
}  # fmt: skip
"""Logarithms of how common an encoding is among texts that are not in UTF-8; in this order where they tie."""
_ALPHABETS = tuple(
    frozenset(letters + letters.upper())
    for letters in (
        "äöüß", "éèêëàâîïôûùçœæÿü", "áéíóúñüªº", "áâãàçéêíóôõúªº", "àèéìíòóùú", "åäöæøé", "éëïèüöáó",
        "áðéíóúýþæö", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ",
        "çğıİöşüâî", "āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž", "àèéíïòóúüç",
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдежзийклмнопрстуфхцчшщъьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    )
)  # fmt: skip
_MARKS = frozenset("–—‘’“”„…«»€£§°²³·•½¼¾×±№™®© ¿¡،؛؟。、，：；「」『』（）！？・ー")
_COMMON = frozenset(
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天"
    "這來國個說們為時過學對裡後麼還發經當從開無動機與點長問現實東車見門間馬書請前打電話謝歡迎每週水火木金土日月"
    "会社会年大十二本三同政事行分議民連五発部者京都市県区町村語名田高新聞話電車私何時今使用方法案内場合"
)
"""Ideographs that occur in any longer Chinese or Japanese text."""
_FINALS = frozenset("ךםןףץ")
"""Hebrew letters that only occur at the end of a word."""
_UNLIKELY = -4.0
"""Logarithm of the odds of a character that the language does not have."""
_LETTERS = 120
"""Non-ASCII characters that are scored; more make no difference."""


def guess(data: bytes) -> tuple[str, float]:
    """The codec of bytes that are not UTF-8, and the probability that it is this one."""
    sample = _sample(data)
    texts: dict[str, tuple[float, str]] = {}
    for match in from_bytes(sample, cp_isolation=list(_PRIORS), threshold=0.35):
        text = str(match)
        looks = 6.0 * match.coherence - 12.0 * match.chaos + _letters(text)
        for codec in {match.encoding, *match.could_be_from_charset} & _PRIORS.keys():
            weight = looks + _PRIORS[codec]
            if text not in texts or weight > texts[text][0]:
                texts[text] = (weight, codec)
    if not texts:
        return "cp1252", 0.5
    best, codec = max(texts.values())
    return codec, 1.0 / sum(math.exp(weight - best) for weight, _ in texts.values())


def _sample(data: bytes) -> bytes:
    """The first lines that hold bytes beyond ASCII, whole ones where they are not too long."""
    found = bytearray()
    for line in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*\n?", data):
        found += line[0][:SAMPLE]
        if len(found) >= SAMPLE:
            break
    return bytes(found)


def _letters(text: str) -> float:
    """How well one language explains the non-ASCII characters: a sum of log odds."""
    total, count, before = 0.0, 0, " "
    alphabetic = 0
    seen = [0] * len(_ALPHABETS)
    for letter in text:
        if letter.isascii() == before.isascii() and letter.isascii():
            before = letter
            continue
        total += _joined(before, letter)
        if letter > "\x7f":
            count += 1
            if count > _LETTERS:
                break
            if letter < "\u0590" and letter.isalpha():
                alphabetic += 1
                for index, alphabet in enumerate(_ALPHABETS):
                    seen[index] += letter in alphabet
            else:
                total += _alone(letter)
        before = letter
    return total + _UNLIKELY * (alphabetic - max(seen))


def _joined(before: str, letter: str) -> float:
    """Of two characters side by side, one of them beyond ASCII."""
    if before.islower() and letter.isupper():
        return _UNLIKELY
    if before in _FINALS:
        return _UNLIKELY if "\u05d0" <= letter <= "\u05ea" else 1.0
    if (_is_hangul(before) and _is_ideograph(letter)) or (_is_ideograph(before) and _is_hangul(letter)):
        return -1.0
    foreign, own = (letter, before) if before.isascii() else (before, letter)
    if own.isascii() and own.isalpha() and foreign.isalpha() and foreign > "\u036f":
        return _UNLIKELY  # Two scripts in a word.
    return -2.0 if own.isascii() and own.isdigit() and foreign.isalpha() and foreign < "\u2e80" else 0.0


def _alone(letter: str) -> float:
    """Of a character that is not in an alphabet with cases."""
    if letter in _MARKS:
        return -0.2
    if not letter.isalpha():
        return 0.0 if unicodedata.category(letter) == "Mn" else _UNLIKELY
    if "\u3041" <= letter <= "\u30ff" or letter in _COMMON:
        return 0.5
    if _is_ideograph(letter):
        return -0.3
    # Katakana of half the width, private and rare letters.
    return _UNLIKELY if letter > "\ud7ff" else 0.0


def _is_hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3"


def _is_ideograph(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff"
