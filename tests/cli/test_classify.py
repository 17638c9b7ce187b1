"""codex classify, as a user types it."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import duckdb
import pytest

from codex import engines
from codex.classify import running
from codex.errors import ModelError
from tests.support.command import Codex, command
from tests.support.spelled import Answers, SpelledEngine


def verdict(prompt: str) -> Answers:
    p = 0.9 if "good" in prompt.rsplit("Labels:", 1)[1] else 0.2
    return {("positive",): p, ("negative",): 1 - p}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SpelledEngine:
    engine = SpelledEngine(answers=verdict, at_once=2)
    monkeypatch.setattr(engines, "create", lambda *_: engine)
    monkeypatch.setattr(running, "PAUSES", (0.0,))
    return engine


@pytest.fixture
def codex(
    engine: SpelledEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def reviews(folder: Path, *texts: str) -> Path:
    file = folder / "reviews.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([["id", "text"], *([at, text] for at, text in enumerate(texts))])
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


ARGUMENTS = ("--column", "text", "--labels", "positive,negative")


def test_a_file_gets_labels_and_the_probability_of_each(codex: Codex, tmp_path: Path) -> None:
    said = codex("classify", str(reviews(tmp_path, "a good one", "=bad()")), *ARGUMENTS)
    assert said.status == 0
    assert "2 rows classified by" in said.out
    first, second = rows_of(tmp_path / "reviews.labels.csv")
    assert first.keys() == {"id", "text", "label", "probability_positive", "probability_negative", "error"}
    assert (first["label"], float(first["probability_positive"])) == ("positive", pytest.approx(0.9))
    assert (second["label"], second["text"]) == ("negative", "'=bad()")
    assert not (tmp_path / "reviews.labels.csv.rows").exists()


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_other_formats_are_written_by_their_ending(ending: str, codex: Codex, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(
        '{"text": "good", "more": {"a": [1, 2]}, "n": 3}\n{"text": "bad", "more": null, "n": 4}\n'
    )
    out = tmp_path / f"out.{ending}"
    assert codex("classify", str(file), *ARGUMENTS, "-o", str(out)).status == 0
    if ending == "jsonl":
        first, second = map(json.loads, out.read_text().splitlines())
        assert first["more"] == {"a": [1, 2]}
    else:
        found = duckdb.execute("SELECT * FROM read_parquet(?)", [str(out)])
        names = [it[0] for it in found.description or []]
        first, second = (dict(zip(names, row, strict=True)) for row in found.fetchall())
        assert json.loads(first["more"]) == {"a": [1, 2]}
        assert isinstance(first["n"], float)
    assert first["probability_positive"] == pytest.approx(0.9)
    assert (first["label"], second["label"]) == ("positive", "negative")


def test_several_columns_are_shown_as_a_record(codex: Codex, engine: SpelledEngine, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("taste,price\ngood,3\n,4\n")
    words = ("--column", "taste", "--column", "price", "--labels", "positive,negative", "--format", "json")
    assert codex("classify", str(file), *words).status == 0
    assert any('{"taste": "good", "price": "3"}' in prompt for prompt in engine.asked)


def test_rows_that_failed_are_told_and_tried_again(
    codex: Codex, engine: SpelledEngine, tmp_path: Path
) -> None:
    engine.fail = lambda prompt: ModelError("the server broke off") if "poor" in prompt else None
    file, out = reviews(tmp_path, "good", "poor", "", "bad"), tmp_path / "reviews.labels.csv"
    said = codex("classify", str(file), *ARGUMENTS)
    assert said.status == 1
    assert "row 2: the server broke off" in said.err
    assert "2 of 4 rows could not be classified" in said.err
    assert [row["label"] for row in rows_of(out)] == ["positive", "", "", "negative"]
    assert rows_of(out)[2]["error"] == "line 4: there is nothing in text"
    assert (tmp_path / "reviews.labels.csv.rows").exists()

    engine.fail = lambda _: None
    engine.asked.clear()
    said = codex("classify", str(file), *ARGUMENTS, "--overwrite")
    assert [row["label"] for row in rows_of(out)] == ["positive", "negative", "", "negative"]
    assert all("poor" in prompt for prompt in engine.asked)
    assert not (tmp_path / "reviews.labels.csv.rows").exists()


def test_an_output_that_is_there_is_not_replaced(codex: Codex, engine: SpelledEngine, tmp_path: Path) -> None:
    file, out = reviews(tmp_path, "good"), tmp_path / "reviews.labels.csv"
    out.write_text("mine")
    said = codex("classify", str(file), *ARGUMENTS)
    assert (said.status, out.read_text(), engine.asked) == (1, "mine", [])
    assert "--overwrite" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--column", "text"), "at least two labels"),
        (("--labels", "a,b"), "--column text"),
        (("--column", "txt", "--labels", "a,b"), "no column 'txt'; it has id, text"),
        (("--column", "text", "--labels", "a,A"), "same to a model"),
        ((*ARGUMENTS, "-o", "out.xlsx"), "ends in none of .csv"),
        ((*ARGUMENTS, "--template", "nothing"), "There is no template 'nothing'"),
    ],
    ids=["no labels", "no column", "unknown column", "equal labels", "ending", "template"],
)
def test_what_cannot_be_done_is_told_before_any_work(
    words: tuple[str, ...], said: str, codex: Codex, engine: SpelledEngine, tmp_path: Path
) -> None:
    found = codex("classify", str(reviews(tmp_path, "good")), *words)
    assert found.status == 1
    assert said in found.err
    assert engine.asked == []
    assert not list(tmp_path.glob("*.labels.*"))


def test_a_column_that_would_be_replaced_is_told(codex: Codex, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("text,label\ngood,x\n")
    assert "--prefix" in codex("classify", str(file), *ARGUMENTS).err
    assert codex("classify", str(file), *ARGUMENTS, "--prefix", "new_").status == 0
    assert rows_of(tmp_path / "in.labels.csv")[0]["new_label"] == "positive"


def test_an_interrupted_run_resumes(codex: Codex, engine: SpelledEngine, tmp_path: Path) -> None:
    file = reviews(tmp_path, *(f"good {at}" for at in range(6)))
    engine.at_once = 1

    def press_control_c(_: str) -> None:
        if len(engine.asked) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    engine.fail = press_control_c
    said = codex("classify", str(file), *ARGUMENTS)
    assert said.status == 1
    assert "cancelled" in said.err
    engine.fail = lambda _: None
    done = set(engine.asked[:3])
    engine.asked.clear()
    assert codex("classify", str(file), *ARGUMENTS).status == 0
    assert done.isdisjoint(engine.asked)
    assert len(rows_of(tmp_path / "reviews.labels.csv")) == 6
