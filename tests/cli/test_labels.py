"""codex labels, as a user types it; beside a running workbench it says the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from codex.ask.workbench import Workbench
from codex.cli.served import announced
from codex.errors import StoreInUse
from codex.labelling.formats import FORMATS
from codex.labelling.queues import Labelling
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.labels import Label
from tests.support.command import Codex, command
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running
from tests.support.traces import make_trace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def codex(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    settings = load_settings([f"home={home}"])
    workbench = Workbench(settings, ScriptedEngine(lambda _: Script(["A"])), Store(settings.database, "full"))
    put_run(workbench.store, "run-1", graded=6)
    workbench.store.save(make_trace(1))
    Labelling(workbench).create("mine", "run", run_id="run-1", order="random")
    workbench.store.label("trace-1", True)
    workbench.store.labels.put(Label("run-1", "q0", "incorrect", "Ada", note="=1"))
    workbench.close()
    return command(home, monkeypatch, capsys)


def lines(codex: Codex) -> Iterator[str]:
    for words in (("labels",), ("labels", "--json"), ("labels", "queues"), ("labels", "queues", "--json")):
        yield codex(*words).out
    yield codex("labels", "progress", "mine").out


def test_labels_and_queues_are_listed_and_progress_is_told(codex: Codex) -> None:
    listed, as_json, queues, _, progress = lines(codex)
    assert "trace-1" in listed
    assert "correct" in listed
    assert '"correct": true' in as_json
    assert "mine" in queues
    assert "1 of 6 labelled" in progress
    (queue,) = codex("labels", "queues", "--json").json
    said = codex("labels", "progress", queue["id"][:8], "--json").json
    assert (said["answers"], said["labelled"], len(said["days"])) == (6, 1, 1)


def thirty(home: Path) -> None:
    """A queue called thirty, with so many labels."""
    settings = load_settings([f"home={home}"])
    bench = Workbench(settings, ScriptedEngine(lambda _: Script(["A"])), Store(settings.database, "full"))
    put_run(bench.store, "run-30", graded=30)
    labelling = Labelling(bench)
    queue, _ = labelling.create("thirty", "run", run_id="run-30", order="random")
    while (key := labelling.next(queue.id, "")) is not None:
        verdict = "correct" if bench.store.runs.record(*key).correct else "incorrect"
        labelling.put(queue.id, Label(*key, verdict))
    bench.close()


def test_labels_recalibrate_and_it_is_said_what_was_fitted_on(codex: Codex, home: Path) -> None:
    assert "too few to recalibrate with" in codex("labels", "recalibrate", "mine").err
    thirty(home)
    done = codex("labels", "recalibrate", "thirty", "--name", "new")
    assert done.status == 0
    assert done.out.startswith("new@")
    assert "Fitted on all 30 labels, so that none is left to prove a guarantee" in done.out
    assert "AUROC" in done.out
    said = codex("labels", "recalibrate", "thirty", "--json").json
    assert (said["to_fit"], said["held_out"], said["active"]) == (30, 0, False)
    assert "enough labels to recalibrate" in codex("labels", "progress", "thirty").out
    assert said["version"] in codex("calibrators", "--json").out


@pytest.mark.parametrize("name", list(FORMATS))
def test_labels_leave_and_come_back(codex: Codex, home: Path, name: str, tmp_path: Path) -> None:
    file = str(tmp_path / f"labels{FORMATS[name].suffix}")  # type: ignore[index]
    assert codex("labels", "export", "-o", file, "--format", name).status == 0
    with Store(home / "codex.duckdb") as store:
        before = store.labels.of("run-1", "q0")
        store.labels.take_back("run-1", "q0", "Ada")
    assert codex("labels", "import", file).out.strip() == "labels: 1 new, 1 replaced"
    with Store(home / "codex.duckdb") as store:
        assert store.labels.of("run-1", "q0") == before


def test_a_part_of_the_labels_leaves_alone(codex: Codex, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    for words, count in ((("--asked",), 1), (("--run", "run-1"), 1), (("--queue", "mine"), 1), ((), 2)):
        assert codex("labels", "export", "-o", str(file), *words).status == 0
        assert len(file.read_text().splitlines()) == count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("labels", "progress", "gone"), "No queue is called 'gone'"),
        (("labels", "export", "-o", "x.txt"), "x.txt ends in none of"),
        (("labels", "export", "-o", "x.csv", "--asked", "--run", "run-1"), "not several of them"),
        (("labels", "import", "gone.csv"), "gone.csv cannot be read"),
    ],
)
def test_bad_input_is_one_line(codex: Codex, words: tuple[str, ...], said: str) -> None:
    done = codex(*words)
    assert done.status == 1
    assert said in done.err


def test_a_running_workbench_says_the_same(
    codex: Codex, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(tmp_path / name) for name in ("alone.jsonl", "served.jsonl")]
    thirty(home)
    alone = [*lines(codex)]
    codex("labels", "export", "-o", files[0], "--queue", "mine")
    settings = load_settings([f"home={home}"])
    bench = Workbench(settings, ScriptedEngine(lambda _: Script(["A"])), Store(settings.database))

    def in_use(*_: object, **__: object) -> NoReturn:
        raise StoreInUse("The database is in use.", os.getpid())

    with running(bench) as served, announced(settings, "127.0.0.1", served.port):
        monkeypatch.setattr("codex.cli.runs.Store", in_use)
        monkeypatch.setattr("codex.ask.workbench.Store", in_use)
        assert [*lines(codex)] == alone
        assert codex("labels", "export", "-o", files[1], "--queue", "mine").status == 0
        assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()
        assert codex("labels", "import", files[1]).out.strip() == "labels: 0 new, 1 replaced"
        said = codex("labels", "recalibrate", "thirty", "--json").json
        assert (said["to_fit"], said["held_out"]) == (30, 0)
        assert "too few to recalibrate with" in codex("labels", "recalibrate", "mine").err
        (tmp_path / "bad.csv").write_text("question_id,verdict\ngone,correct\n")
        refused = codex("labels", "import", str(tmp_path / "bad.csv"))
        assert (refused.status, "Row 1, column question_id" in refused.err) == (1, True)
