"""Decodes text: by the encoding that is certain, else by the most likely one, with a note that says so."""

from __future__ import annotations

import codecs
import re

import webencodings  # type: ignore[import-untyped]

from codex.errors import InvalidInput
from codex.retrieval.readers.encoding_guess import guess

BROKEN_SHARE = 0.1
"""Of the characters beyond ASCII; with fewer broken ones a text is damaged UTF-8, not another encoding."""
FEW = 2
"""Multi-byte characters that identify a text as UTF-8, if no more are damaged."""
SURE = 0.995
"""A guess of at least this probability is shown as "over 99%", never as 100%."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDER = {"gbk": "gb18030", "euc_jp": "euc_jis_2004"}
"""Python codecs that know fewer characters than the web's encoding of that name, and one that knows them."""
_SHOWN = {
    "cp932": "Shift_JIS", "gb18030": "GB18030", "gbk": "GB18030", "cp949": "EUC-KR", "big5hkscs": "Big5",
    "euc_jp": "EUC-JP", "iso2022_jp": "ISO-2022-JP", "koi8_r": "KOI8-R", "koi8_u": "KOI8-U",
    "mac_roman": "Mac Roman", "cp437": "DOS 437", "cp850": "DOS 850", "cp852": "DOS 852", "cp866": "DOS 866",
    "cp874": "Windows-874", "utf_8": "UTF-8", "utf_16_le": "UTF-16", "utf_16_be": "UTF-16",
}  # fmt: skip
_LIKE_UTF8 = ("cp932", "gb", "cp949", "big5", "euc", "iso2022", "cp874")
"""How the codecs begin whose texts may hold pairs of bytes as UTF-8 has them: by chance, or in Thai."""
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_JAPANESE_ESCAPE = re.compile(rb"\x1b\$[@B]")
_SNIFFED = 8192


def _c1(error: UnicodeError) -> tuple[str, int]:
    """A byte that a single-byte encoding leaves undefined is a control character on the web."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("codex.c1", _c1)


def checked_encoding(name: str) -> str:
    """The Python codec of an encoding's name: one of the web's labels, else one that Python knows.

    Raises InvalidInput.
    """
    web = webencodings.lookup(name)
    if web is not None and web.name not in ("replacement", "x-user-defined"):
        codec = str(web.codec_info.name)
        return _WIDER.get(codec, codec)
    try:
        b" ".decode(name, "replace")
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise InvalidInput(
            f"There is no encoding {name!r}. Name one such as utf-8, windows-1252, shift_jis or gb18030.",
            ["encoding"],
        ) from None


def decode(data: bytes, told: str = "", declared: str = "") -> tuple[str, str]:
    """The text, and a note where its encoding is not certain.

    told: what the user says it is, a codec. declared: what the document says, a label of the web. A byte
    order mark beats both.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), ""
    if told:
        return _by_name(data, told)
    text = _utf8(data)
    web = webencodings.lookup(declared) if declared else None
    if web is not None and not (text is not None and web.name.startswith(("windows-", "iso-8859-"))):
        return _declared(data, web)
    if web is not None and text is not None and not text.isascii():
        return text, f"declared as {declared}, but it is UTF-8; read so"
    if _JAPANESE_ESCAPE.search(data) and data.isascii():
        return data.decode("iso2022_jp_ext", "replace"), "read as ISO-2022-JP"
    if (wide := bare_utf16(data)) is not None:
        return data.decode(wide, "replace"), "read as UTF-16, a guess (no byte order mark)"
    if text is not None:
        return text, ""
    return _damaged_or_other(data)


def bare_utf16(data: bytes) -> str | None:
    """The codec of a UTF-16 text without a byte order mark; None: it is none, or not mostly in ASCII."""
    head = data[: _SNIFFED - _SNIFFED % 2]
    if len(data) % 2 or len(head) < 4:
        return None
    for codec, plain, zero in (("utf-16-le", head[::2], head[1::2]), ("utf-16-be", head[1::2], head[::2])):
        if zero.count(0) > 0.7 * len(zero) and not plain.count(0):
            return codec
    return None


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_cut(data: bytes) -> bool:
    """Whether it is UTF-8 up to a last character that is not whole, as in the head of a longer file."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _declared(data: bytes, web: webencodings.Encoding) -> tuple[str, str]:
    if web.name in ("replacement", "x-user-defined"):
        return _damaged_or_other(data)
    # A page that a parser could read so far as to find its meta is not in UTF-16.
    codec = "utf-8" if web.name.startswith("utf-16") else web.codec_info.name
    if codec == "utf-8" and _utf8(data) is None:
        return _damaged_or_other(data)
    return _by_name(data, _WIDER.get(codec, codec))


def _by_name(data: bytes, codec: str) -> tuple[str, str]:
    errors = "codex.c1" if codec.startswith(("cp125", "windows", "iso8859", "koi8")) else "replace"
    text = data.decode(codec, errors)
    return text, damage(text, codec)


def _damaged_or_other(data: bytes) -> tuple[str, str]:
    damaged = data.decode("utf-8", "replace")
    broken_count = damaged.count("\ufffd")
    read = len(_BEYOND_ASCII.findall(damaged)) - broken_count
    if broken_count <= BROKEN_SHARE * (read + broken_count) or (read and _is_cut(data)):
        return damaged, damage(damaged, "utf-8")
    codec, probability = guess(data)
    if not codec.startswith(_LIKE_UTF8) and read >= max(broken_count, FEW):
        # In other texts of one byte a character such pairs of a letter and a sign hardly ever occur.
        return damaged, damage(damaged, "utf-8")
    shown = f"{min(probability, SURE):.0%}" if probability < SURE else "over 99%"
    text, broken = _by_name(data, codec)
    note = f"not UTF-8; read as {shown_name(codec)}, a guess ({shown}; --encoding overrides)"
    return text, f"{note}; {broken}" if broken else note


def damage(text: str, codec: str) -> str:
    """A note about the characters that could not be decoded; "" when there are none."""
    broken = text.count("\ufffd")
    return f"{broken:,} characters are damaged (not {shown_name(codec)})" if broken else ""


def shown_name(codec: str) -> str:
    """The usual name of a codec."""
    name = codec.replace("-", "_").lower()
    if name.startswith("cp125"):
        return f"Windows-{name[2:]}"
    return _SHOWN.get(name, codec.upper().replace("_", "-").replace("ISO8859", "ISO-8859"))
