"""Labels in files: what is written is read again, and what is no label is named."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex.errors import InvalidInput
from codex.evaluation.report import cell
from codex.labelling.formats import FORMATS, FormatName, format_of, read
from codex.labelling.formats.csv_table import guarded, unguarded
from codex.labelling.rows import LabelRow, Problem, characters, tokens_at
from codex.store.labelling.labels import VERDICTS, Label
from codex.types import Generation, Token

NAMES = list(FORMATS)
AT = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["=1+1", "'=1", "''", "-2+3", 'a,b\r\n"c"', "\r", "\ufeff=x", "\x00", "e\u0301\u202e", "|", "\u2028"]
)
SHARES = st.none() | st.floats(0, 1)
LABELS = st.builds(
    Label,
    run_id=TEXT,
    question_id=TEXT.filter(bool),
    verdict=st.sampled_from(VERDICTS),
    labeller=TEXT,
    correction=TEXT,
    note=TEXT,
    tags=st.lists(TEXT.filter(bool), max_size=3, unique=True).map(tuple),
    spans=st.lists(st.tuples(st.integers(0, 9), st.integers(10, 99)), max_size=3, unique=True).map(tuple),
    adjudicated=st.booleans(),
    made_at=st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)


def row(label: Label, question: str, answer: str, model: str, *shares: float | None) -> LabelRow:
    return LabelRow(label, question, answer, model, *shares, pieces=label.spans)


ROWS = st.lists(
    st.builds(row, LABELS, TEXT, TEXT, TEXT, SHARES, SHARES),
    max_size=4,
    unique_by=lambda each: (each.label.run_id, each.label.question_id),
)


def written(name: FormatName, rows: list[LabelRow], folder: Path) -> Path:
    out = io.BytesIO()
    FORMATS[name].write(iter(rows), out)
    path = folder / f"labels{FORMATS[name].suffix}"
    path.write_bytes(out.getvalue())
    return path


def in_order(rows: list[LabelRow]) -> list[LabelRow]:
    return sorted(rows, key=lambda each: (each.label.run_id, each.label.question_id))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_what_is_written_is_read_again_whatever_it_says(
    name: FormatName, rows: list[LabelRow], tmp_path: Path
) -> None:
    found = list(read(written(name, rows, tmp_path), name))
    assert not [each for each in found if isinstance(each, Problem)]
    assert in_order(found) == in_order(rows)  # type: ignore[arg-type]


@given(text=TEXT)
def test_no_cell_is_a_formula_and_every_text_comes_back(text: str) -> None:
    assert cell(guarded(text)) == guarded(text)
    assert unguarded(guarded(text)) == text


def two(answer: str = "A") -> list[LabelRow]:
    """Of one answer, by two."""
    first = Label("run", "q", "correct", "Ada", made_at=AT)
    second = Label("run", "q", "partly", "Bob", "Rome", "hm", ("date",), ((0, 1),), True, AT)
    return [
        LabelRow(each, "Q?", answer, "m", 0.5, 0.25, pieces=((0, 1),) * len(each.spans))
        for each in (first, second)
    ]


def test_a_task_of_label_studio_has_an_annotation_for_each_labeller(tmp_path: Path) -> None:
    (task,) = json.loads(written("label-studio", two(), tmp_path).read_text())
    assert task["data"]["question"] == "Q?"
    first, second = task["annotations"]
    assert first["result"][0] == {
        "id": "verdict",
        "from_name": "verdict",
        "to_name": "answer",
        "type": "choices",
        "value": {"choices": ["correct"]},
    }
    assert second["ground_truth"] is True
    (span,) = [each for each in second["result"] if each["type"] == "labels"]
    assert span["value"] == {"start": 0, "end": 1, "text": "A", "labels": ["incorrect"]}


def test_the_interface_in_the_documentation_has_the_controls_that_are_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/labels.md").read_text()
    (shown,) = re.findall(r"```xml\n(.*?)```", text, re.DOTALL)
    interface = ElementTree.fromstring(shown)
    controls = {each.get("name") for each in interface.iter() if each.get("toName") == "answer"}
    label = Label("run", "q", "partly", "Ada", "Rome", "hm", ("date",), ((0, 1),))
    row = LabelRow(label, "Q?", "A", pieces=((0, 1),))
    (task,) = json.loads(written("label-studio", [row], tmp_path).read_text())
    assert {each["from_name"] for each in task["annotations"][0]["result"]} == controls
    assert tuple(each.get("value") for each in interface.iter("Choice")) == VERDICTS


def test_what_label_studio_itself_writes_is_read(tmp_path: Path) -> None:
    task = {
        "id": 10,
        "inner_id": 1,
        "created_at": "2026-03-09T21:52:49.513742Z",
        "project": 83,
        "drafts": [],
        "data": {"run_id": "run", "question_id": "q", "answer": "In Rome."},
        "annotations": [
            {
                "id": 1001,
                "completed_by": {"id": 3, "email": "ada@example.org"},
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-03-09T22:16:08.728353Z",
                "lead_time": 4.288,
                "result": [
                    {
                        "id": "a1",
                        "from_name": "verdict",
                        "to_name": "answer",
                        "type": "choices",
                        "origin": "manual",
                        "value": {"choices": ["incorrect"]},
                    },
                    {
                        "id": "a2",
                        "from_name": "spans",
                        "to_name": "answer",
                        "type": "labels",
                        "value": {"start": 3, "end": 7, "text": "Rome", "labels": ["incorrect"]},
                    },
                ],
            },
            {"id": 1002, "was_cancelled": True, "result": []},
        ],
        "predictions": [],
    }
    path = tmp_path / "project.json"
    path.write_text(json.dumps([task]))
    (found,) = read(path)
    assert isinstance(found, LabelRow)
    assert (found.label.labeller, found.label.verdict) == ("ada@example.org", "incorrect")
    assert (found.label.spans, found.unplaced) == ((), ((3, 7),))
    assert found.label.made_at == datetime(2026, 3, 9, 22, 16, 8, 728353, tzinfo=UTC)


def test_a_span_that_was_moved_in_label_studio_has_other_tokens(tmp_path: Path) -> None:
    path = written("label-studio", two("Ab"), tmp_path)
    tasks = json.loads(path.read_text())
    for result in tasks[0]["annotations"][1]["result"]:
        if result["type"] == "labels":
            result["value"]["end"] = 2
    path.write_text(json.dumps(tasks))
    moved = list(read(path))[1]
    assert isinstance(moved, LabelRow)
    assert (moved.label.spans, moved.unplaced) == ((), ((0, 2),))


def test_a_record_of_argilla_has_responses_by_question_and_user(tmp_path: Path) -> None:
    path = written("argilla", two(), tmp_path)
    (record,) = json.loads(path.read_text())
    assert set(record) == {"id", "fields", "metadata", "suggestions", "responses", "vectors", "_server_id"}
    assert record["fields"] == {"question": "Q?", "answer": "A"}
    assert [each["value"] for each in record["responses"]["verdict"]] == ["correct", "partly"]
    assert record["responses"]["spans"][0]["value"] == [{"start": 0, "end": 1, "label": "incorrect"}]
    assert len({each["user_id"] for each in record["responses"]["verdict"]}) == 2
    # What somebody else said in Argilla goes under their user's id; a draft is no label.
    for status, value in (("submitted", "unclear"), ("draft", "correct")):
        record["responses"]["verdict"].append({"value": value, "user_id": f"a-{status}", "status": status})
    path.write_text(json.dumps([record]))
    found = [each.label.labeller for each in read(path) if isinstance(each, LabelRow)]
    assert found == ["Ada", "Bob", "a-submitted"]


@pytest.mark.parametrize(
    ("file", "row_said", "column"),
    [
        ("question_id,verdict,colour\nq,correct,red\n", None, "colour"),
        ("question_id,question_id,verdict\nq,q,correct\n", None, "question_id"),
        ("question_id,note\nq,x\n", None, "verdict"),
        ("question_id,verdict\nq,correct\nr,good\n", 2, "verdict"),
        ("question_id,verdict\nq\n", 1, "question_id"),
        ("question_id,verdict,confidence\nq,correct,1.5\n", 1, "confidence"),
        ("question_id,verdict,confidence\nq,correct,high\n", 1, "confidence"),
        ("question_id,verdict,tags\nq,correct,date\n", 1, "tags"),
        ("question_id,verdict,spans\nq,correct,[[0]]\n", 1, "spans"),
        ("question_id,verdict,made_at\nq,correct,yesterday\n", 1, "made_at"),
        ("question_id,verdict,adjudicated\nq,correct,maybe\n", 1, "adjudicated"),
        ('question_id,verdict\n"q,correct\n', None, "any"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(
    file: str, row_said: int | None, column: str, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(file)
    if row_said is None:
        with pytest.raises(InvalidInput) as refused:
            list(read(path))
        assert refused.value.fields == (column,)
    else:
        (problem,) = [each for each in read(path) if isinstance(each, Problem)]
        assert (problem.row, problem.column) == (row_said, column)


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("a.jsonl", "[1]\n", "any"),
        ("b.jsonl", '{"question_id": 3, "verdict": "correct"}\n', "question_id"),
        ("c.jsonl", '{"question_id": "q", "verdict": "correct", "colour": 1}\n', "colour"),
        ("d.jsonl", '{"question_id": "\\ud800", "verdict": "correct"}\n', "question_id"),
        ("e.json", '[{"data": {}, "annotations": []}]', "data.question_id"),
        ("f.json", '[{"data": {"question_id": "q"}, "annotations": [{"result": []}]}]', "annotations.result"),
        ("g.json", '[{"data": [], "annotations": []}]', "data"),
        (
            "h.json",
            '[{"fields": {}, "metadata": {"question_id": "q"}, "responses": {"colour": []}}]',
            "responses.colour",
        ),
        ("i.json", "[4]", "any"),
    ],
)
def test_json_that_is_no_label_says_where(name: str, content: str, column: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    (problem,) = read(path)
    assert isinstance(problem, Problem)
    assert (problem.row, problem.column) == (1, column)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", b""),
        ("labels.json", b"{"),
        ("labels.parquet", b"PAR1"),
        ("labels.csv", "verdict\u00fc".encode("latin-1")),
        ("deep.json", b"[" * 100_000),
    ],
)
def test_a_file_that_is_no_such_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=name.partition(".")[0]):
        list(read(path))


def test_a_hand_made_table_needs_two_columns_and_may_say_yes_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("\ufeffverdict,question_id,adjudicated\r\nCORRECT ,q,TRUE\r\n\r\n".encode())
    (found,) = read(path)
    assert isinstance(found, LabelRow)
    assert found.label == Label("", "q", "correct", adjudicated=True)


def test_a_file_is_told_by_its_ending() -> None:
    assert [
        format_of(Path(f"a{FORMATS[name].suffix}")) for name in ("csv", "jsonl", "parquet", "argilla")
    ] == [
        "csv",
        "jsonl",
        "parquet",
        "label-studio",
    ]


def test_tokens_and_characters_stand_for_each_other_where_a_character_is_split() -> None:
    whole = "😀".encode()
    parts = [b"Hi ", whole[:2], whole[2:], b"!", b"\nmore"]
    generation = Generation(
        "Hi 😀!", tuple(Token(i, part, None) for i, part in enumerate(parts)), "stop", 0, 0
    )
    assert characters(generation) == [(0, 3), (3, 3), (3, 4), (4, 5), (5, 5)]
    assert tokens_at(generation, (3, 5)) == (2, 3)
    assert tokens_at(generation, (0, 1)) == (0, 0)
    assert tokens_at(generation, (5, 9)) is None
