"""What an import would make of a file, and the columns, encodings and graders that may be said for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.datasets.preview import FIRST, Preview, preview
from codex.datasets.questions import Options
from codex.errors import InvalidInput
from codex.grading.kinds import grader_of


def of(
    folder: Path, content: str | bytes, options: Options | None = None, name: str = "a.csv", **more: str
) -> Preview:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return preview(path, "a", options or Options(), **more)  # type: ignore[arg-type]


def test_the_first_questions_are_shown_as_they_will_be_imported(tmp_path: Path) -> None:
    rows = "".join(f"How much is {n} and 1?,{n + 1}\n" for n in range(8))
    seen = of(
        tmp_path,
        f"Frage;Antwort\n{rows}".replace(",", ";"),
        Options({"question": "Frage", "answers": "Antwort"}),
    )
    assert (seen.questions, seen.duplicates, seen.rejected, seen.error) == (8, 0, [], None)
    assert len(seen.items) == FIRST
    assert {grader_of(item) for item in seen.items} == {"numeric"}
    columns = {"question": "Frage", "answers": "Antwort"}
    kept = import_file(tmp_path / "a.csv", tmp_path / "home", columns=columns).dataset
    assert load(kept.name, tmp_path / "home")[:FIRST] == seen.items
    assert seen.understood.names == ["Frage", "Antwort"]


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        ("Frage,Antwort\nWer?,Ann\n", None, "No column holds the question. There are: Frage, Antwort."),
        ("Frage,Antwort\nWer?,Ann\n", {"question": "Wort"}, "There is no column 'Wort'."),
        ("Frage,Antwort\nWer?,Ann\n", {"frage": "Frage"}, "There is no field 'frage'."),
        ("question,answer\nWho?,\nWhen?,\n", None, "a.csv has no usable question. Line 2: it has no answer"),
        ('question,choices,answer\nWho?,"[""a"", ""b""]",1\n', None, "count"),
    ],
)
def test_what_other_columns_may_mend_is_said_with_the_names_there_are(
    tmp_path: Path, content: str, columns: dict[str, str] | None, said: str
) -> None:
    seen = of(tmp_path, content, Options(columns))
    assert said in str(seen.error)
    assert seen.understood.names == content.partition("\n")[0].split(",")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"PK\x03\x04rest", "a ZIP or Excel file, not text: save it as CSV"),
        ("a.csv", b"a\x00,b\n1,2\n", "NUL bytes"),
        ("a.parquet", b"no", "not readable Parquet"),
        ("a.xlsx", b"PK\x03\x04", "is none of .csv"),
    ],
)
def test_a_file_of_which_no_row_can_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        of(tmp_path, content, name=name)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"Wo\x00?,x", "holds a NUL byte"),
        (b"W\xf6?,x", "the byte 0xF6, which is not in that encoding"),
        (b"=A2&B2,x", "its question is a spreadsheet's formula"),
        (b'"=IF(A1>2,""y"")",x', "its question is a spreadsheet's formula"),
        (b"#REF!,x", "its question is a spreadsheet's formula"),
        (b"Who?,Anna", "an earlier row with the id '1' has another question"),
    ],
)
def test_every_row_that_is_rejected_has_its_line_and_its_reason(
    tmp_path: Path, row: bytes, reason: str
) -> None:
    content = b"question,answer,id\nWhere?,Rome,1\n" + row + b",1\n"
    seen = of(tmp_path, content)
    assert seen.questions == 1
    [rejected] = seen.rejected
    assert rejected.line == 3
    assert reason in rejected.reason


def test_a_question_may_begin_with_an_equals_sign(tmp_path: Path) -> None:
    assert of(tmp_path, "question,answer\n= or ==: which assigns?,=\n").questions == 1


def test_an_encoding_is_said(tmp_path: Path) -> None:
    seen = of(tmp_path, "question,answer\nWo liegt Köln?,am Rhein\n".encode("cp1252"), encoding="cp1252")
    assert seen.items[0].question == "Wo liegt Köln?"


def test_a_column_is_taken_for_nothing_where_that_is_said(tmp_path: Path) -> None:
    content = 'question,answer,id,choices\nWho?,Ann,1,"a|b"\nWhere?,Rome,1,"c|d"\n'
    assert len(of(tmp_path, content, Options({"choices": []})).rejected) == 1
    seen = of(tmp_path, content, Options({"id": [], "choices": []}))
    assert (seen.questions, seen.items[0].choices) == (2, ())
    assert "question" in str(of(tmp_path, content, Options({"question": []})).error)


def test_a_grader_is_said_for_all_answers(tmp_path: Path) -> None:
    content = "question,answer,grader\nHow many?,12,numeric\nWho?,Ann,\n"
    seen = of(tmp_path, content, Options(grader="exact"))
    assert [item.grader for item in seen.items] == ["exact", "exact"]
    none = of(tmp_path, content, Options(grader="choice"))
    assert [row.reason for row in none.rejected] == ["it has no choices to be graded by"] * 2
    kept = import_file(tmp_path / "a.csv", tmp_path / "home", grader="exact")
    assert kept.understood.graders == {"exact": 2}


def test_of_a_long_file_the_beginning_is_read(tmp_path: Path) -> None:
    content = "question,answer\n" + "".join(f"{n}?,x\n" for n in range(10))
    path = tmp_path / "a.csv"
    path.write_text(content)
    assert [
        (seen.questions, seen.complete) for most in (4, 10) for seen in [preview(path, "a", most=most)]
    ] == [
        (4, False),
        (10, True),
    ]
