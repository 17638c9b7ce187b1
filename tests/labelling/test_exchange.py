"""Labels leave a store and come into one: all of them, or none."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from codex.errors import InvalidInput, NotFound
from codex.labelling.exchange import ALL, Scope, export_labels, import_labels, label_rows
from codex.labelling.formats import FORMATS, FormatName
from codex.store import Store
from codex.store.labelling.labels import Came, Label
from tests.support.evaluated import put_run
from tests.support.traces import make_trace

ANSWERS = 5
HEADING = "run_id,question_id,labeller,verdict,made_at,spans"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "one.duckdb", "full") as made:
        put_run(made, "run-1", graded=ANSWERS, failed=1)
        made.save(make_trace(1))
        yield made


def table(folder: Path, *lines: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([HEADING, *lines]) + "\n")
    return path


def exported(store: Store, folder: Path, name: FormatName, scope: Scope = ALL) -> Path:
    path = folder / f"labels{FORMATS[name].suffix}"
    with path.open("wb") as out:
        export_labels(store, name, out, scope)
    return path


def put_some(store: Store) -> list[Label]:
    store.labels.put(
        Label("run-1", "q0", "incorrect", "Ada", "=Rome", "n\r\n1", ("a", "b"), ((1, 2), (4, 4)))
    )
    store.labels.put(Label("run-1", "q0", "correct", "Bob"))
    store.labels.put(Label("", "trace-1", "unclear", spans=((0, 7),)))
    return everything(store)


def everything(store: Store) -> list[Label]:
    return [each.label for each in store.labels.exported()]


@pytest.mark.parametrize("name", list(FORMATS))
def test_an_export_brings_every_label_back(store: Store, name: FormatName, tmp_path: Path) -> None:
    before = put_some(store)
    path = exported(store, tmp_path, name)
    for label in before:
        store.labels.take_back(label.run_id, label.question_id, label.labeller)
    told = None if name != "argilla" else name
    assert import_labels(store, path, told) == Came(3, 0, 0)
    assert everything(store) == before
    assert import_labels(store, path) == Came(0, 3, 0)
    assert everything(store) == before


def test_spans_of_label_studio_find_their_tokens(store: Store, tmp_path: Path) -> None:
    store.labels.put(Label("run-1", "q0", "incorrect", spans=((3, 3),)))
    path = exported(store, tmp_path, "label-studio")
    tasks = json.loads(path.read_text())
    (span,) = [each for each in tasks[0]["annotations"][0]["result"] if each["type"] == "labels"]
    assert span["value"]["text"] == " Canberra."
    span["value"] |= {"start": 4, "end": 11}  # "capital"
    path.write_text(json.dumps(tasks))
    import_labels(store, path)
    assert everything(store)[0].spans == ((1, 1),)
    span["value"] |= {"start": 400, "end": 401}
    path.write_text(json.dumps(tasks))
    with pytest.raises(InvalidInput, match="Row 1, column spans: the answer has no characters 400 to 401"):
        import_labels(store, path)


def test_labels_of_a_run_or_of_the_ask_page_leave_alone(store: Store) -> None:
    put_some(store)
    assert {row.label.run_id for row in label_rows(store, Scope("run-1"))} == {"run-1"}
    (thumb,) = label_rows(store, Scope(""))
    assert (thumb.question, thumb.model) == ("How far is the moon?", "scripted:a")
    assert thumb.confidence is not None
    for scope in (Scope("gone"), Scope(queue_id="gone")):
        with pytest.raises(NotFound):
            list(label_rows(store, scope))


def test_a_question_that_was_not_kept_does_not_leave(tmp_path: Path) -> None:
    with Store(tmp_path / "two.duckdb", "hash") as store:
        store.save(make_trace(1))
        store.label("trace-1", True)
        (row,) = label_rows(store)
        assert row.question == ""
        out = io.BytesIO()
        export_labels(store, "jsonl", out)
    assert b"moon" not in out.getvalue()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run-1,q9,,correct,,", "Row 2, column question_id: the run 'run-1' has no question 'q9' here"),
        (",trace-9,,correct,,", "Row 2, column question_id: there is no trace 'trace-9' here"),
        ("elsewhere,q0,,correct,,", "the run 'elsewhere' has no question 'q0' here"),
        (f"run-1,q{ANSWERS},,correct,,", "failed: it has no answer to label"),
        ("run-1,q1,,good,,", "Row 2, column verdict: 'good' is no verdict"),
        (f"run-1,q1,{'x' * 65},correct,,", "Row 2, column labeller: At most 64 characters"),
        ('run-1,q1,,correct,,"[[3, 1]]"', "Row 2, column spans: A span is its first and its last token"),
        ("run-1,q0,,incorrect,,", "Row 2, column question_id: row 1 has another label of the same labeller"),
        ("run-1,q1,,correct,2999-01-01,", "Row 2, column made_at: 2999-01-01 lies ahead"),
    ],
)
def test_one_bad_row_keeps_all_out_and_is_named(store: Store, line: str, said: str, tmp_path: Path) -> None:
    path = table(tmp_path, "run-1,q0,,correct,,", line)
    with pytest.raises(InvalidInput) as refused:
        import_labels(store, path)
    assert str(refused.value).startswith("Nothing of labels.csv was imported.")
    assert said in str(refused.value)
    assert everything(store) == []


def test_of_many_bad_rows_the_first_are_named_and_the_others_counted(store: Store, tmp_path: Path) -> None:
    lines = [f"run-1,q0,l{n},good,," for n in range(50)]
    with pytest.raises(InvalidInput, match=r"Row 1, .* Row 2, .* Row 3, .* 47 more rows cannot be used\."):
        import_labels(store, table(tmp_path, *lines))


def test_a_note_of_50_megabytes_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    row = {"run_id": "run-1", "question_id": "q0", "verdict": "correct", "note": "x" * (50 * 2**20)}
    path.write_text(json.dumps(row))
    with pytest.raises(InvalidInput) as refused:
        import_labels(store, path)
    assert "Row 1, column note: The note is longer than 10,000 characters" in str(refused.value)
    assert len(str(refused.value)) < 500


def test_the_same_label_twice_in_a_file_is_one(store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, "run-1,q0,Ada,correct,2026-01-01T00:00:00Z,", "run-1,q0,Ada,correct,2026-01-01,")
    assert import_labels(store, path) == Came(1, 0, 0)


def test_a_label_that_was_changed_since_is_not_taken_back_by_an_older_file(
    store: Store, tmp_path: Path
) -> None:
    store.labels.put(Label("run-1", "q0", "correct"))
    path = exported(store, tmp_path, "csv")
    store.labels.put(Label("run-1", "q0", "incorrect"))
    assert import_labels(store, path) == Came(0, 0, 1)
    assert everything(store)[0].verdict == "incorrect"


def test_an_empty_file_and_one_with_a_heading_alone_are_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    for path in (table(tmp_path), tmp_path / "empty.csv"):
        with pytest.raises(InvalidInput):
            import_labels(store, path)


def test_the_last_word_counts_where_the_clock_went_back(store: Store) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=5)
    store.labels.put_all([Label("run-1", "q0", "correct", "Ada", adjudicated=True, made_at=ahead)])
    store.labels.put(Label("run-1", "q0", "incorrect", "Bob", adjudicated=True))
    assert store.runs.record("run-1", "q0").correct is False
    (_, last) = everything(store)
    assert last.made_at is not None
    assert last.made_at > ahead
