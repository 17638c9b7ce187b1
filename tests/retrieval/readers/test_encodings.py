"""Encodings: what is certain is taken, what is likely is said with its probability, what is named is used."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from codex.errors import InvalidInput
from codex.retrieval import Index
from codex.retrieval.readers.encoding_guess import guess
from codex.retrieval.readers.encodings import checked_encoding, decode
from codex.retrieval.readers.reading import read
from tests.retrieval import files

JAPANESE = "倉庫は水曜日に休みます。"


def test_a_byte_order_mark_beats_what_is_named_and_what_is_declared() -> None:
    assert decode(codecs.BOM_UTF8 + "5 €".encode(), told="cp1251", declared="gbk") == ("5 €", "")


def test_what_is_named_beats_what_is_declared() -> None:
    assert decode("кот".encode("koi8_r"), told="koi8_r", declared="windows-1251") == ("кот", "")


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("iso-8859-1", "cp1252", "5 € – “so”"),
        ("latin1", "cp1252", "5 €"),
        ("gb2312", "gb18030", "镕"),
        ("x-sjis", "cp932", "①髙"),
        ("windows-31j", "cp932", "㈱"),
        ("euc-kr", "cp949", "똠"),
        ("big5-hkscs", "big5hkscs", "啲"),
        ("tis-620", "cp874", "ไทย"),
        ("csisolatin5", "cp1254", "ışık"),
    ],
)
def test_a_label_of_the_web_means_the_wider_encoding(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), declared=label) == (text, "")


def test_a_label_that_nobody_knows_is_passed_over() -> None:
    assert decode("5 €".encode(), declared="zip") == ("5 €", "")
    assert decode("5 €".encode(), declared="iso-2022-kr") == ("5 €", "")


def test_damage_is_counted_in_what_is_named() -> None:
    text, note = decode("東京".encode("cp932") + b"\x81", told="cp932")
    assert text.startswith("東京")
    assert note == "1 characters are damaged (not Shift_JIS)"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Wächter schließen die Tür ü".encode()[:-1], "Wächter schließen die Tür \ufffd"),
        ("Café, naïve ".encode() + b"\x93quote\x94", "Café, naïve \ufffdquote\ufffd"),
        ("倉庫は水".encode()[:-2], "倉庫は\ufffd"),
    ],
)
def test_utf8_that_is_cut_or_damaged_is_not_taken_for_another_encoding(content: bytes, text: str) -> None:
    read, note = decode(content)
    assert read == text
    assert "damaged (not UTF-8)" in note


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1251", "Склад закрыт по средам, ключ у сторожа."),
        ("cp874", "โกดังปิดทุกวันพุธ"),
        ("gb18030", "仓库每周三关闭，请提前预约取货时间。"),
        ("cp1252", "Le dépôt est fermé à Noël"),
    ],
)
def test_another_encoding_is_not_taken_for_damaged_utf8(codec: str, text: str) -> None:
    assert decode(text.encode(codec))[0] == text


def test_a_guess_says_how_likely_it_is() -> None:
    short, long = ("ab\xe9c".encode("cp1252"), ("Gr\xf6\xdfere F\xe4sser f\xfcr alle. " * 5).encode("cp1252"))
    assert guess(short)[1] < guess(long)[1]
    assert re.search(r"Windows-1252, a guess \(\d\d%; --encoding overrides\)", decode(short)[1])
    assert "a guess (over 99%" in decode(long)[1]


@pytest.mark.parametrize("name", ["nonsense", "zip", "hex", "rot13", ""])
def test_an_encoding_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="There is no encoding"):
        checked_encoding(name)


def test_a_long_text_is_guessed_by_the_lines_that_tell(tmp_path: Path) -> None:
    content = b"plain line\n" * 50_000 + "Größere Fässer für alle\n".encode("cp1252")
    assert "Größere Fässer für alle" in read(files.save(tmp_path, "a.txt", content), 10**7).text


@pytest.mark.parametrize(
    "content", [bytes(range(128, 256)) * 40_000, b"\xff" * 5_000_000, b"\x81\x20" * 10**6]
)
def test_bytes_of_no_encoding_do_not_take_long(content: bytes) -> None:
    codec, probability = guess(content)
    assert codec
    assert 0 < probability <= 1


def test_a_named_encoding_stays_with_the_document(make_index: Callable[..., Index], tmp_path: Path) -> None:
    path = files.save(tmp_path, "note.txt", "été à l’île".encode("cp1252"))
    copy = files.save(tmp_path, "same.txt", "été à l’île".encode("cp1252"))
    index = make_index()
    index.add([path, copy])
    index.run()
    named = next(it for it in index.documents() if it.name == "note.txt")
    index.add([path], encoding="windows-1251")
    index.run()
    assert index.text(named.id).text.startswith("йtй а")
    assert index.text(named.id).document.reason == ""
    path.write_bytes("été, déjà".encode("cp1252"))
    index.run(check=True)
    assert index.text(named.id).text.startswith("йtй, dйjа")
    index.add([path], encoding="auto")
    index.run()
    assert index.text(named.id).text == "été, déjà"


def test_an_index_of_before_learns_of_encodings(make_index: Callable[..., Index], folder: Path) -> None:
    index = make_index()
    index.add([folder])
    index.run()
    with index._catalogue.write() as db:
        db.execute("ALTER TABLE documents DROP COLUMN encoding")
        db.execute('CREATE TABLE outbox (chunk INTEGER PRIMARY KEY, "delete" INTEGER NOT NULL)')
        db.execute("PRAGMA user_version = 1")
    index.close()
    again = make_index()
    assert again.run(check=True).unchanged == 5
    assert again.search("Eiffel")
