"""Files as spreadsheets, scripts and tools leave them: what is read, what is named, and what it costs."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import duckdb
import pytest

from codex.datasets import json_files
from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.datasets.table_files import Rejected, Row, rows
from codex.errors import InvalidInput

ROME = {"question": "Capital of Italy?", "answer": "Rome"}
OSLO = {"question": "Capital of Norway?", "answer": "Oslo"}


def read(folder: Path, name: str, content: str | bytes) -> list[Row | Rejected]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(rows(path))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("question,answer\nWho?,Ann\n", 2),
        ("sep=,\nquestion,answer\nWho?,Ann\n", 3),
        ("SEP=,\r\nquestion,answer\r\nWho?,Ann\r\n", 3),
        ("sep=\\t\nquestion\tanswer\nWho?\tAnn\n", 3),
        ("sep=\t\nquestion\tanswer\nWho?\tAnn\n", 3),
        ('"sep=;";\nquestion;answer\nWho?;Ann\n', 3),
        ("sep=|\nquestion|answer\nWho?|Ann\n", 3),
        ("question,answer,,\nWho?,Ann,,\n", 2),
        ("question,answer,,\nWho?,Ann\n", 2),
        ("question,answer\nWho?,Ann,,,\n", 2),
        ("Quiz\n\nquestion;answer\nWho?;Ann\n", 4),
        ("Quiz, May, 2026, final\nquestion,answer\nWho?,Ann\n", 3),
        ("Questions and answers,\n,\nquestion,answer\nWho?,Ann\n", 4),
        ("Question\nquestion,answer\nWho?,Ann\n", 3),
        ('"A title\nin two lines",\nquestion,answer\nWho?,Ann\n', 4),
        ("\n\nquestion,answer\nWho?,Ann\n", 4),
        ("question\tanswer\rWho?\tAnn\r", 2),
    ],
)
def test_the_heading_is_found_where_a_spreadsheet_puts_it(tmp_path: Path, content: str, line: int) -> None:
    assert read(tmp_path, "a.csv", content) == [Row(line, {"question": "Who?", "answer": "Ann"})]


def test_a_column_without_a_name_is_counted_and_keeps_its_place(tmp_path: Path) -> None:
    content = ",question,,answer,\n0,Who?,a note,Ann,another\n"
    assert read(tmp_path, "a.csv", content) == [
        Row(2, {"column 1": "0", "question": "Who?", "column 3": "a note", "answer": "Ann"})
    ]


def test_a_row_with_other_cells_than_its_heading_is_named(tmp_path: Path) -> None:
    content = "Quiz,,\nquestion,answer,\nWho?,Ann,\nWhen?\nWhere?,here,a note,more\n\nWhy?,so\n"
    assert read(tmp_path, "a.csv", content) == [
        Row(3, {"question": "Who?", "answer": "Ann"}),
        Rejected(4, "it has 1 cells, and the heading has 2"),
        Rejected(5, "it has 4 cells, and the heading has 2"),
        Row(7, {"question": "Why?", "answer": "so"}),
    ]


def test_a_decimal_comma_is_no_separator(tmp_path: Path) -> None:
    content = "question;answer\nWhat is 1,5 + 1,5 in all?;3,0\nAnd 2,5, 1,5, 1,0 together?;5,0\n"
    assert [row.values["answer"] for row in read(tmp_path, "a.csv", content) if isinstance(row, Row)] == [
        "3,0",
        "5,0",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl"])
def test_an_encoding_that_the_file_tells_needs_no_option(tmp_path: Path, encoding: str, name: str) -> None:
    row = {"question": "Capital of Togo?", "answer": "Lomé"}
    text = (
        "question,answer\nCapital of Togo?,Lomé\n" if name == "a.csv" else json.dumps(row, ensure_ascii=False)
    )
    content = f"[{text}]" if name == "a.json" else text
    (found,) = read(tmp_path, name, content.encode(encoding))
    assert isinstance(found, Row)
    assert found.values == row


@pytest.mark.parametrize(
    "whole",
    [
        [ROME, OSLO],
        {"data": [ROME, OSLO]},
        {"version": 1, "tags": ["a", "b"], "set": {"name": "x", "rows": [ROME, OSLO]}},
        {"authors": [{"name": "Ann"}], "questions": [ROME, OSLO]},
        {"schema": {"fields": [{"name": "question", "type": "string"}]}, "data": [ROME, OSLO]},
        {"a": {**ROME, "id": "a"}, "b": {**OSLO, "id": "b"}},
        {"question": [ROME["question"], OSLO["question"]], "answer": ["Rome", "Oslo"]},
        {"question": {"0": ROME["question"], "1": OSLO["question"]}, "answer": {"0": "Rome", "1": "Oslo"}},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_one_list_or_has_one_inside(tmp_path: Path, whole: object, indent: int | None) -> None:
    found = read(tmp_path, "a.json", json.dumps(whole, indent=indent))
    asked = [
        (row.line, row.values["question"], row.values["answer"]) for row in found if isinstance(row, Row)
    ]
    assert asked == [(1, ROME["question"], "Rome"), (2, OSLO["question"], "Oslo")]


@pytest.mark.parametrize(
    "content",
    [
        f"{json.dumps(ROME)}\n{json.dumps(OSLO)}\n",
        f"\n{json.dumps(ROME)}\n\n{json.dumps(OSLO)}",
        f"[\n{json.dumps(ROME)},\n{json.dumps(OSLO)}\n]",
        f"[{json.dumps(ROME)},\n{json.dumps(OSLO)}]\n",
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
def test_json_and_json_lines_are_told_apart_by_what_is_in_them(
    tmp_path: Path, content: str, name: str
) -> None:
    assert [row.values for row in read(tmp_path, name, content) if isinstance(row, Row)] == [ROME, OSLO]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('[{"question": "?", "answer": "yes"},', "is not JSON"),
        ('[{"question": "Caf\xe9?"}]'.encode("latin-1"), "--encoding latin-1"),
        ('{"a": 1}', "has no list of questions"),
        (
            '{"train": [{"question": "?"}], "test": [{"question": "?"}]}',
            "several lists of questions, train, test",
        ),
        ("no json", "is not JSON"),
    ],
)
def test_json_that_is_no_set_says_why(tmp_path: Path, content: str | bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(tmp_path, "a.json", content)


@pytest.mark.parametrize("padding", [0, *range(65_500, 65_560)])
def test_nan_is_nothing_in_a_list_and_stays_itself_in_a_text(tmp_path: Path, padding: int) -> None:
    text = 'say "[NaN, -Infinity]" \\\\'
    values = {"x": "x" * padding, "question": text, "a": float("nan"), "b": [float("-inf"), 1], "NaN": "NaN"}
    (row,) = read(tmp_path, "a.json", json.dumps([values]))
    assert isinstance(row, Row)
    assert row.values == {**values, "a": None, "b": [None, 1]}


def test_an_element_that_is_no_object_or_too_long_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_files, "LARGEST", 1000)
    found = read(tmp_path, "a.json", json.dumps([ROME, "text", [1], {"question": "x" * 1000}, OSLO]))
    assert found == [
        Row(1, ROME),
        Rejected(2, "it is a JSON str, not an object"),
        Rejected(3, "it is a JSON list, not an object"),
        Rejected(4, "it is longer than 1,000 characters"),
        Row(5, OSLO),
    ]


def test_a_json_list_does_not_enter_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    with gzip.open(path, "wt", compresslevel=1) as out:
        out.write('{"data": [')
        for number in range(20_000):
            out.write(json.dumps({"question": f"{number}?", "answer": "x" * 500}) + ",")
        out.write(json.dumps(ROME) + "]}")
    tracemalloc.start()
    count = sum(isinstance(row, Row) for row in rows(path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_001
    # The file has 10 MB; read are buffers of less than 4, and one row.
    assert most < 5_000_000


def test_json_nested_without_end_is_named_and_costs_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    deep = "[" * 200_000 + "]" * 200_000
    path.write_text(f'[{{"question": "Who?", "answer": {deep}}}, {json.dumps(ROME)}]')
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert [(row.line, row.reason) for row in imported.reasons] == [(1, "its answers are nested too deeply")]


def test_numbers_of_classes_are_what_the_file_says_they_stand_for(tmp_path: Path) -> None:
    features = {"info": {"features": {"answer": {"names": ["A", "B", "C", "D"], "_type": "ClassLabel"}}}}
    path = tmp_path / "mmlu.parquet"
    metals = "['Iron', 'Neon', 'Zinc', 'Tin']"
    duckdb.sql(
        f"COPY (SELECT * FROM (VALUES ('Which is a gas?', {metals}, 1), ('Which is none?', {metals}, -1)) "
        f"t(question, choices, answer)) TO '{path}' (KV_METADATA {{huggingface: '{json.dumps(features)}'}})"
    )
    imported = import_file(path, tmp_path, accept_rejects=True)
    assert [item.answers for item in load("mmlu", tmp_path)] == [("Neon",)]
    assert [row.line for row in imported.reasons] == [2]
