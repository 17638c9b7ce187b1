"""codex evaluate, runs, export, calibrate and calibrators, as a user types them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codex.datasets.splits import split
from codex.evaluation.generations import Generated, read, write
from codex.settings import load_settings
from codex.store import Store
from codex.types import Alternative, Generation, Observation, Token
from tests.support.command import Codex, command
from tests.support.scripted import Script, ScriptedEngine
from tests.support.sums import COUNT, put_sums, sums
from tests.support.traces import make_trace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return put_sums(tmp_path / "home")


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine(sums)


@pytest.fixture
def codex(
    home: Path, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Codex:
    """The program with a scripted model."""
    monkeypatch.setattr("codex.ask.workbench.engines.create", lambda *_: engine)
    return command(home, monkeypatch, capsys)


def generated(number: int) -> Generated:
    """Correct with the probability of its only token."""
    rng = np.random.default_rng(number)
    chance = rng.uniform(0.05, 0.95)
    token = Token(
        1, b"yes", float(np.log(chance)), alternatives=(Alternative(1, b"yes", float(np.log(chance))),)
    )
    return Generated(
        f"q{number}",
        "sums",
        ("yes",) if rng.random() < chance else ("no",),
        True,
        Observation(f"Is {number} it?", Generation("yes", (token,), "stop", 1, 0.1)),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl.gz"
    write(path, [generated(number) for number in range(120)])
    return path


def test_a_dataset_is_asked_told_and_listed(codex: Codex) -> None:
    said = codex("evaluate", "--dataset", "sums", "--name", "first", "ask.n_samples=2")
    assert said.status == 0, said.err
    assert "first: 6 answers, 0.500" in said.out
    listed = codex("runs", "--json").json
    assert [(it["name"], it["state"], it["done"], it["correct"]) for it in listed] == [
        ("first", "done", 6, 3)
    ]
    assert listed[0]["params"]["overrides"] == ["ask.n_samples=2"]
    shown = codex("runs")
    assert listed[0]["id"][:8] in shown.out
    assert "6 of 6" in shown.out
    assert codex("runs", "show", listed[0]["id"][:8], "--json").json["n"] == 6


def test_a_setting_with_several_values_makes_a_run_for_each(codex: Codex) -> None:
    said = codex(
        "evaluate",
        "--dataset",
        "sums",
        "--limit",
        "2",
        "--json",
        "engine.params.temperature=0.3,1.0",
        "ask.n_samples=1,2",
    )
    assert said.status == 0, said.err
    names = [it["name"] for it in said.json]
    assert names[0] == "sums engine.params.temperature=0.3 ask.n_samples=1"
    assert len(set(names)) == 4
    asked = [
        (it["params"]["answer"]["temperature"], it["params"]["n_samples"])
        for it in codex("runs", "--json").json
    ]
    assert asked == [(1.0, 2), (1.0, 1), (0.3, 2), (0.3, 1)]  # the newest first


def test_a_wrong_value_among_several_is_said_before_the_first_question(
    codex: Codex, engine: ScriptedEngine
) -> None:
    said = codex("evaluate", "--dataset", "sums", "--json", "engine.params.temperature=0.3,abc")
    assert (said.status, "'abc'" in said.err) == (1, True)
    assert engine.decodes == []
    assert codex("runs", "--json").json == []


def test_ctrl_c_stops_says_how_to_go_on_and_resume_asks_the_rest(
    codex: Codex, engine: ScriptedEngine
) -> None:
    engine.delay = 0.05
    timer = threading.Timer(0, lambda: None)

    def after_two(prompt: str, script: Callable[[str], Script] = engine.script) -> Script:
        if "What is 2" in prompt:
            timer.function = lambda: os.kill(os.getpid(), signal.SIGINT)
            timer.start()
        return script(prompt)

    engine.script = after_two
    said = codex("evaluate", "--dataset", "sums")
    assert said.status == 130
    stopped = codex("runs", "--json").json[0]
    assert stopped["state"] == "cancelled"
    assert 2 <= stopped["done"] < COUNT
    assert f"codex evaluate --resume {stopped['id']}" in said.err
    engine.script = after_two.__defaults__[0]  # type: ignore[index]
    before = len(engine.decodes)
    again = codex("evaluate", "--resume", stopped["id"][:8], "--json")  # As `codex runs` shows it.
    assert (again.status, again.json["n"]) == (0, COUNT)
    assert len(engine.decodes) - before == COUNT - stopped["done"]


def test_a_run_says_first_what_it_is_good_for_and_can_be_extended(
    codex: Codex, engine: ScriptedEngine
) -> None:
    first = codex("evaluate", "--dataset", "sums", "--limit", "2", "--json")
    assert "2 questions. How long they take is not measured yet" in first.err
    assert "A calibrator needs at least 30 questions in the calibration half" in first.err
    run = first.json["run"]
    before = len(engine.decodes)
    longer = codex("evaluate", "--extend", run, "--limit", "5", "--json")
    assert (longer.status, longer.json["run"], longer.json["n"]) == (0, run, 5)
    assert len(engine.decodes) - before == 3  # The first two are not asked again.
    assert "The set has 6" in codex("evaluate", "--extend", run, "--limit", "9").err
    assert "5 questions: about" in codex("evaluate", "--dataset", "sums", "--limit", "5").err


def test_a_run_does_not_go_on_with_other_settings(codex: Codex, engine: ScriptedEngine) -> None:
    codex("evaluate", "--dataset", "sums", "--limit", "1")
    run = codex("runs", "--json").json[0]["id"]
    said = codex("evaluate", "--resume", run, "engine.params.temperature=0.5")
    assert said.status == 1
    assert "answer.temperature was 0.0, now 0.5" in said.err
    engine.model = "scripted:other:none"
    assert "model was" in codex("evaluate", "--resume", run).err


def test_stored_answers_are_scored_without_model_or_database_and_written_as_a_page(
    codex: Codex, file: Path, home: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    said = codex("evaluate", "--generations", str(file), "--json", "--html", str(page))
    assert said.status == 0, said.err
    assert page.read_text().startswith("<!doctype html>")
    scores = said.json
    assert scores["n"] == 120
    # Correct with the probability that the only token says: 0.79 on average over such draws.
    assert scores["signals"]["avg_logprob"]["auroc"] > 0.65
    assert {"auroc", "prr", "prr50", "aurc", "ece", "ece_excess", "brier", "nll"} <= scores[
        "confidence"
    ].keys()
    assert not (home / "codex.duckdb").exists()


def test_several_files_are_scored_together_and_each_by_itself(codex: Codex, tmp_path: Path) -> None:
    paths = [tmp_path / "left.jsonl", tmp_path / "right.jsonl"]
    for at, path in enumerate(paths):
        lines = (generated(number) for number in range(5 * at, 5 * at + 5))
        write(path, (replace(line, group=path.stem) for line in lines))
    said = codex("evaluate", "--generations", str(paths[0]), "--generations", str(paths[1]), "--json").json
    assert said["n"] == 10
    assert {name: group["n"] for name, group in said["groups"].items()} == {"left": 5, "right": 5}


@pytest.mark.parametrize("words", [("evaluate",), ("calibrate", "--model", "m")], ids=" ".join)
def test_a_file_is_not_counted_twice(
    codex: Codex, file: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    link = tmp_path / "link.jsonl.gz"
    link.symlink_to(file)
    for again in (file, file.parent / "." / ".." / file.parent.name / file.name, link):
        said = codex(*words, "--generations", str(file), "--generations", str(again))
        assert said.status == 1
        assert f"{again} is the same file as {file}: its answers would count twice" in said.err


def test_stored_answers_are_limited_and_split_as_questions_are(
    codex: Codex, file: Path, tmp_path: Path
) -> None:
    def ids(*words: str) -> list[str]:
        said = codex("evaluate", "--generations", str(file), "--ndjson", *words)
        assert said.status == 0, said.err
        return [json.loads(line)["id"] for line in said.out.splitlines()]

    on_test = [f"q{number}" for number in range(120) if split(f"Is {number} it?") == "test"]
    assert ids("--split", "test") == on_test
    assert ids("--split", "test", "--limit", "3") == on_test[:3]
    assert ids("--limit", "2") == ["q0", "q1"]
    alone = tmp_path / "alone.jsonl"
    write(alone, [generated(int(on_test[0][1:]))])
    said = codex("evaluate", "--generations", str(alone), "--split", "calibration")
    assert (said.status, "No question is on the side 'calibration'" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--generations", "F", "engine=foo"), "no settings such as 'engine=foo'"),
        (("--generations", "F", "other.jsonl"), "each file has its own --generations"),
        (("--generations", "F", "--name", "mine"), "leave --name out"),
        (("--generations", "F", "--evidence"), "leave --evidence out"),
        (("--generations", "F", "--workers", "2"), "say which, with --ray"),
        (("--resume", "R", "--limit", "1"), "leave --limit out"),
        (("--extend", "R", "--limit", "2", "--split", "test"), "leave --split out"),
        (("--extend", "R"), "--limit N"),
        (("--resume", "R", "--split", "test"), "leave --split out"),
        (("--resume", "R", "--grader", "exact"), "leave --grader out"),
    ],
)
def test_what_would_mean_nothing_is_refused(
    codex: Codex, file: Path, words: tuple[str, ...], says: str
) -> None:
    codex("evaluate", "--dataset", "sums", "--limit", "1")
    named = {"F": str(file), "R": codex("runs", "--json").json[0]["id"]}
    said = codex("evaluate", *(named.get(word, word) for word in words))
    assert (said.status, says in said.err) == (1, True)


def test_a_cluster_needs_ray_and_nothing_else_imports_it(
    codex: Codex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text("raise AssertionError('Ray was imported.')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert codex("evaluate", "--dataset", "sums", "--limit", "1").status == 0
    monkeypatch.setattr("codex.evaluation.on_ray.find_spec", lambda name: None)
    said = codex("evaluate", "--dataset", "sums", "--ray", "local")
    assert (said.status, "pip install 'codex-workbench[ray]'" in said.err) == (1, True)
    assert len(codex("runs", "--json").json) == 1, "Nothing was begun."


def test_answers_are_written_as_rows_that_no_spreadsheet_runs(codex: Codex) -> None:
    codex("evaluate", "--dataset", "sums")
    run = codex("runs", "--json").json[0]["id"]
    rows = list(csv.DictReader(io.StringIO(codex("runs", "show", run, "--csv").out)))
    assert [row["id"] for row in rows] == [f"q{at}" for at in range(COUNT)]
    assert rows[0]["answer"] == "'=1+1"
    lines = [json.loads(line) for line in codex("runs", "show", run, "--ndjson").out.splitlines()]
    assert lines[0]["answer"] == "=1+1"
    assert [line["correct"] for line in lines] == [False, True] * 3


def test_an_exported_run_scores_as_the_run_itself(codex: Codex, tmp_path: Path) -> None:
    codex("evaluate", "--dataset", "sums")
    run = codex("runs", "--json").json[0]["id"]
    path = tmp_path / "run.jsonl.gz"
    assert "6 answers in" in codex("export", run, "-o", str(path)).out
    of_file = codex("evaluate", "--generations", str(path), "--json").json
    of_run = codex("runs", "show", run, "--json").json
    assert of_file == {name: value for name, value in of_run.items() if name not in ("run", "name")}
    assert next(read(path)).origin is not None


def test_the_answers_of_the_ask_page_are_exported_with_their_labels(
    codex: Codex, home: Path, tmp_path: Path
) -> None:
    with Store(load_settings([f"home={home}"]).database, "full") as store:
        store.save(make_trace(1))
        store.save(replace(make_trace(2), parent_id="trace-1"))
        store.label("trace-1", True)
    path = tmp_path / "traces.jsonl"
    codex("export", "--traces", "-o", str(path))
    found = list(read(path))
    assert [(it.id, it.correct) for it in found] == [("trace-1", True), ("trace-2", None)]
    assert found[0].observation == make_trace(1).last.observation


def test_a_file_is_kept_as_a_run_whole_or_not_at_all(codex: Codex, file: Path, tmp_path: Path) -> None:
    said = codex("runs", "import", str(file), "--name", "stored", "--model", "m")
    assert said.status == 0, said.err
    (run,) = codex("runs", "--json").json
    assert (run["name"], run["model"], run["total"], run["done"], run["state"]) == (
        "stored", "m", 120, 120, "done",
    )  # fmt: skip
    again = tmp_path / "again.jsonl"
    codex("export", run["id"], "-o", str(again))
    stored = {it.id: it.observation for it in read(file)}
    assert {it.id: it.observation for it in read(again)} == stored
    assert "imported" in codex("evaluate", "--resume", run["id"]).err
    with again.open("a") as more:
        more.write("{}\n")
    broken = codex("runs", "import", str(again))
    assert (broken.status, "line 121" in broken.err) == (1, True)
    assert [it["name"] for it in codex("runs", "--json").json] == ["stored"]


def test_a_run_is_renamed_and_deleted(codex: Codex) -> None:
    codex("evaluate", "--dataset", "sums", "--limit", "1")
    run = codex("runs", "--json").json[0]["id"]
    codex("runs", "rename", run, "other")
    assert codex("runs", "--json").json[0]["name"] == "other"
    assert codex("runs", "delete", run[:6], "--yes").status == 0
    assert codex("runs", "--json").json == []
    gone = codex("runs", "delete", run)
    assert (gone.status, "No run has the id" in gone.err) == (1, True)


def test_a_calibrator_is_fitted_listed_activated_and_taken_back(
    codex: Codex, file: Path, tmp_path: Path
) -> None:
    common = ("calibrate", "--generations", str(file), "--method", "none", "--model", "m", "--alpha", "0.4")
    said = codex(*common, "--name", "mine", "--activate", "--json")
    assert said.status == 0, said.err
    made = said.json
    assert made["version"].startswith("mine@")
    assert made["guarantee"]["alpha"] == 0.4
    (listed,) = codex("calibrators", "--json").json
    assert (listed["version"], listed["active"], listed["model"]) == (made["version"], True, "m")
    assert made["version"] in codex("calibrators").out
    scored = codex("evaluate", "--generations", str(file), "--json", "--calibrator", made["version"]).json
    assert scored["confidence"]["source"] == made["version"]
    assert codex("calibrators", "activate", "none").out == "active: none\n"
    assert codex("calibrators", "rollback").out == f"active: {made['version']}\n"
    assert "undone" in codex("calibrators", "history").out
    output = tmp_path / "mine.json"
    again = codex(*common, "--name", "mine", "-o", str(output))
    assert made["version"] in again.out
    assert "answers given" in again.out or "No threshold" in again.out
    of_file = codex("evaluate", "--generations", str(file), "--json", "--calibrator", str(output)).json
    assert of_file == scored


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["evaluate"], "--dataset NAME"),
        (["evaluate", "--dataset", "sums", "--generations", "x"], "one of"),
        (["evaluate", "--dataset", "nowhere"], "nowhere"),
        (["evaluate", "--dataset", "sums", "--split", "left"], "left"),
        (["evaluate", "--dataset", "sums", "--json", "--csv"], "Choose one"),
        (["evaluate", "--dataset", "sums", "--grader", "magic"], "magic"),
        (["evaluate", "--generations", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["evaluate", "--resume", "nowhere"], "nowhere"),
        (["evaluate", "--dataset", "sums", "--html", "/no/folder/report.html"], "cannot be written"),
        (["export", "-o", "x.jsonl"], "--traces"),
        (["calibrate"], "--run RUN or --generations FILE"),
        (["calibrate", "--run", "nowhere"], "No run has the id"),
        (["calibrators", "activate", "nowhere@1"], "nowhere@1"),
        (["calibrators", "rollback"], "nothing to undo"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(codex: Codex, words: list[str], says: str) -> None:
    said = codex(*words)
    assert said.status == 1
    assert says in said.err
    assert "Traceback" not in said.err


def test_too_few_labels_are_said_in_numbers(codex: Codex) -> None:
    codex("evaluate", "--dataset", "sums")
    run = codex("runs", "--json").json[0]["id"]
    said = codex("calibrate", "--run", run)
    assert said.status == 1
    assert "There are too few answers. 6 graded answers: " in said.err
