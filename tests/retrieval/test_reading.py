"""Reading: each format gives its text, pages and headings."""

from __future__ import annotations

from pathlib import Path

from codex.retrieval.reading import read

ROOM = 10**8


def test_a_text_is_read_with_plain_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("One.\r\nTwo.\r\n".encode())
    assert read(path, ROOM).text == "One.\nTwo."


def test_each_row_of_a_table_names_its_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name;age\nAnn;3\nBob;\n")
    assert read(path, ROOM).text == "name: Ann; age: 3\n\nname: Bob"
