"""Runs over a scripted engine: complete, cancelled, failed and gone on with."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex.ask.workbench import Workbench
from codex.engines.base import GenerationParams
from codex.errors import Cancelled, Conflict, InvalidInput, ModelError, NotFound, PromptTooLong
from codex.evaluation.runner import extend, measure, prepare, questions, run
from codex.jobs import JobProgress
from codex.settings import load_settings
from codex.store import Store
from codex.types import Record
from tests.evaluation.killed_run import sums
from tests.support.scripted import Script, ScriptedEngine

COUNT = 12
Bench = Callable[..., Workbench]


def rows(count: int = COUNT) -> list[dict[str, Any]]:
    """Every third answer that the engine gives is accepted."""
    return [
        {
            "id": f"q{at}",
            "question": f"How much is {at} and one?",
            "answers": [str(at + 1 if at % 3 == 0 else 0)],
        }
        for at in range(count)
    ]


def save(home: Path, questions: list[dict[str, Any]]) -> None:
    (home / "datasets").mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    (home / "datasets" / "sums.jsonl").write_text(lines)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Workbenches over one database, one at a time, with the dataset sums."""
    save(tmp_path, rows())
    opened: list[Workbench] = []

    def make(script: Callable[[str], Script] = sums, *overrides: str, **engine: Any) -> Workbench:
        for old in opened:
            old.close()
        settings = load_settings([f"home={tmp_path}", "ask.n_samples=2", *overrides])
        store = Store(tmp_path / "codex.duckdb")
        opened.append(Workbench(settings, ScriptedEngine(script, **engine), store, overrides))
        return opened[-1]

    yield make
    for workbench in opened:
        workbench.close()


def records(workbench: Workbench, run_id: str) -> dict[str, Record]:
    return {record.id: record for record in workbench.store.runs.records(run_id)}


def asked(workbench: Workbench) -> list[str]:
    assert isinstance(workbench.model.engine, ScriptedEngine)
    return workbench.model.engine.decodes


def test_every_question_is_asked_once_graded_and_kept(bench: Bench) -> None:
    workbench = bench()
    told: list[JobProgress] = []
    begun = prepare(workbench, "sums", name="first")
    summary = run(workbench, begun.id, told.append)
    assert (summary.run.name, summary.run.state, summary.run.total) == ("first", "done", COUNT)
    assert (summary.done, summary.correct, summary.incorrect, summary.failed) == (COUNT, 4, 8, 0)
    found = records(workbench, begun.id)
    third = found["q3"]
    assert third.observation.question == "How much is 3 and one?"
    assert third.observation.generation.text == "It is 4."
    assert [sample.text for sample in third.observation.samples] == ["4", "nobody knows"]
    assert third.observation.verdict is not None
    assert third.signals["avg_logprob"] is not None
    assert (third.correct, third.grade, third.group) == (True, 1.0, "sums")
    assert len(asked(workbench)) == COUNT
    assert [now.done for now in told] == list(range(COUNT + 1))
    assert told[-1].seconds_left == 0


def test_the_run_keeps_the_settings_that_its_answers_depend_on(bench: Bench) -> None:
    workbench = bench(sums, "grounding.verify=false", "server.port=7999", "store.privacy=full")
    assert prepare(workbench, "sums", n_samples=2).params.overrides == ("grounding.verify=false",)
    params = workbench.settings.engine.params.model_copy(update={"max_tokens": 20, "stop": ("\n", "end")})
    run = prepare(workbench, "sums", n_samples=3, sample_temperature=0.5, params=params)
    assert run.params.overrides == (
        "grounding.verify=false",
        "ask.n_samples=3",
        "ask.sample_temperature=0.5",
        "engine.params.max_tokens=20",
        'engine.params.stop=["\\n", "end"]',
    )
    again = load_settings(run.params.overrides)
    assert (again.ask.n_samples, again.ask.sample_temperature) == (3, 0.5)
    assert again.engine.params.max_tokens == 20


def test_the_run_says_how_it_was_asked(bench: Bench) -> None:
    workbench = bench()
    params = GenerationParams(max_tokens=20, temperature=0.3)
    made = prepare(
        workbench, "sums", limit=5, grader="exact", params=params, n_samples=1, sample_temperature=0.7
    )
    kept = workbench.store.runs.get(made.id).run
    assert kept == made
    assert kept.params.answer == params.sampling
    assert kept.params.samples.temperature == 0.7
    assert (kept.params.n_samples, kept.params.grader, kept.params.evidence) == (1, "exact", False)
    assert (kept.total, kept.model, kept.name) == (5, "scripted:test:none", "sums")
    summary = run(workbench, made.id)
    assert summary.correct == 0  # "It is 4." is not exactly 4
    assert len(next(workbench.store.runs.records(made.id)).observation.samples) == 1


def test_a_cancelled_run_goes_on_with_what_is_left(bench: Bench) -> None:
    workbench = bench(delay=0.01)
    cancel = threading.Event()
    run_id = prepare(workbench, "sums").id

    def progress(now: JobProgress) -> None:
        if now.done == 4:
            cancel.set()

    stopped = run(workbench, run_id, progress, cancel, callers=2)
    assert stopped.run.state == "cancelled"
    assert 4 <= stopped.done < COUNT
    again = bench()
    summary = run(again, run_id)
    assert (summary.run.state, summary.done) == ("done", COUNT)
    assert len(asked(again)) == COUNT - stopped.done
    assert set(records(again, run_id)) == {f"q{at}" for at in range(COUNT)}


def test_several_callers_ask_each_question_once(bench: Bench) -> None:
    workbench = bench(delay=0.005)
    run_id = prepare(workbench, "sums").id
    assert run(workbench, run_id, callers=4).done == COUNT
    assert len(asked(workbench)) == COUNT


def test_a_question_that_cannot_be_asked_keeps_its_error_and_the_run_goes_on(bench: Bench) -> None:
    def refuse(prompt: str) -> Script:
        if "is 5 " in prompt:
            raise PromptTooLong(900, 500)
        return sums(prompt)

    workbench = bench(refuse)
    run_id = prepare(workbench, "sums").id
    summary = run(workbench, run_id)
    assert (summary.done, summary.failed, summary.run.state) == (COUNT, 1, "done")
    failed = records(workbench, run_id)["q5"]
    assert "400 tokens too long" in failed.error
    assert (failed.correct, failed.grade, failed.observation.generation.text) == (None, None, "")


def test_a_model_that_dies_fails_the_run_which_can_go_on(bench: Bench) -> None:
    def die(prompt: str) -> Script:
        if "is 7 " in prompt:
            raise ModelError("The model is gone.")
        return sums(prompt)

    workbench = bench(die)
    run_id = prepare(workbench, "sums").id
    with pytest.raises(ModelError, match="gone"):
        run(workbench, run_id)
    assert workbench.store.runs.get(run_id).run.state == "failed"
    kept = workbench.store.runs.ids(run_id)
    assert kept == {f"q{at}" for at in range(7)}
    again = bench()
    assert run(again, run_id).run.state == "done"
    assert len(asked(again)) == COUNT - len(kept)


def test_a_run_that_is_killed_again_and_again_has_each_question_once(bench: Bench, tmp_path: Path) -> None:
    save(tmp_path, rows(60))
    workbench = bench()
    run_id = prepare(workbench, "sums").id
    workbench.close()
    chance, kept = random.Random(0), 0
    for _ in range(2):
        command = [sys.executable, "-m", "tests.evaluation.killed_run", str(tmp_path), run_id]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        # Killed at a moment of its own after so many answers, in whatever it does then.
        last = kept + chance.randint(9, 14)
        while int(process.stdout.readline()) < last:
            pass
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.communicate()
        with Store(tmp_path / "codex.duckdb") as store:
            ids = store.runs.ids(run_id)
            assert (
                store.runs.get(run_id).done == len(ids) >= last - 9
            )  # all but a batch and what is under way
            kept = len(ids)
    again = bench()
    assert run(again, run_id).run.state == "done"
    found = [record.id for record in again.store.runs.records(run_id)]
    assert sorted(found) == sorted(f"q{at}" for at in range(60))
    assert len(asked(again)) == 60 - kept


def test_a_finished_run_asks_nothing_more(bench: Bench) -> None:
    workbench = bench()
    run_id = prepare(workbench, "sums").id
    run(workbench, run_id)
    assert run(workbench, run_id).done == COUNT
    assert len(asked(workbench)) == COUNT


@pytest.mark.parametrize(
    ("overrides", "engine", "says"),
    [
        ([], {"model": "scripted:other:none"}, "model was 'scripted:test:none', now 'scripted:other:none'"),
        (["grounding.verify=false"], {}, "checks.verify was True, now False"),
    ],
)
def test_a_run_does_not_go_on_with_another_model_or_other_checks(
    bench: Bench, overrides: list[str], engine: dict[str, Any], says: str
) -> None:
    run_id = prepare(bench(), "sums").id
    with pytest.raises(Conflict, match=says):
        run(bench(sums, *overrides, **engine), run_id)


def test_a_run_does_not_go_on_with_other_prompts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench()
    run_id = prepare(workbench, "sums").id
    monkeypatch.setattr("codex.prompts.fingerprint", lambda follows=False: "other")
    with pytest.raises(Conflict, match=r"prompt was .* now 'other'"):
        run(workbench, run_id)


def test_a_run_does_not_go_on_over_other_questions(bench: Bench, tmp_path: Path) -> None:
    workbench = bench()
    run_id = prepare(workbench, "sums").id
    save(tmp_path, rows(COUNT + 1))
    with pytest.raises(Conflict, match="other questions"):
        run(workbench, run_id)


def test_a_run_that_is_deleted_while_it_runs_ends_as_not_found(bench: Bench) -> None:
    workbench = bench()
    run_id = prepare(workbench, "sums").id

    def progress(now: JobProgress) -> None:
        if now.done == 3:
            workbench.store.runs.delete(run_id)

    with pytest.raises(NotFound, match="deleted"):
        run(workbench, run_id, progress)
    assert workbench.store.runs.list() == []


def test_a_questions_own_passage_is_in_the_prompt_and_in_the_record(bench: Bench, tmp_path: Path) -> None:
    save(tmp_path, [row | {"context": f"A table says {row['answers'][0]}."} for row in rows(3)])
    workbench = bench(sums, "grounding.judge=none")
    made = prepare(workbench, "sums")
    run(workbench, made.id)
    assert made.params.evidence is True
    assert "A table says 1." in asked(workbench)[0]
    (passage,) = records(workbench, made.id)["q0"].observation.passages
    assert (passage.text, passage.document) == ("A table says 1.", "sums")


def test_a_dataset_with_nothing_to_ask_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        questions("sums", tmp_path, limit=0)
    sides = [questions("sums", tmp_path, side=side) for side in ("calibration", "test")]
    assert sum(map(len, sides)) == COUNT
    save(tmp_path, [])
    with pytest.raises(InvalidInput, match="no questions"):
        prepare(bench(), "sums")
    with pytest.raises(NotFound, match="nowhere"):
        prepare(bench(), "nowhere")


def test_judge_and_verifier_are_measured_once_before_a_run(bench: Bench) -> None:
    """A run without passages needs no judge."""
    workbench = bench(sums)
    begun = prepare(workbench, "sums", limit=2)
    told: list[JobProgress] = []
    measure(workbench, begun, told.append)
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert len(workbench.model.engine.judged) == 200
    assert (told[-1].done, told[-1].total, told[-1].unit) == (199, 200, "labelled answers")
    measure(workbench, begun)
    assert len(workbench.model.engine.judged) == 200
    run(workbench, begun.id)
    verdicts = [record.observation.verdict for record in workbench.store.runs.records(begun.id)]
    assert all(verdict and verdict.reliability and verdict.reliability.n == 200 for verdict in verdicts)


def test_measuring_before_a_run_can_be_cancelled(bench: Bench) -> None:
    workbench, cancel = bench(sums), threading.Event()
    begun = prepare(workbench, "sums", limit=2)

    def stop(now: JobProgress) -> None:
        if now.done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        measure(workbench, begun, stop, cancel)
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert len(workbench.model.engine.judged) == 3


def test_a_run_is_extended_by_the_next_questions_of_its_set(bench: Bench) -> None:
    workbench = bench()
    begun = prepare(workbench, "sums", limit=4)
    run(workbench, begun.id)
    first = asked(workbench)[:]
    longer = extend(workbench, begun.id, 9)
    assert (longer.total, longer.params.limit) == (9, 9)
    assert workbench.store.runs.get(begun.id).run == longer
    summary = run(workbench, begun.id)
    assert (summary.done, summary.run.total, summary.run.state) == (9, 9, "done")
    assert list(records(workbench, begun.id)) == [f"q{at}" for at in range(9)]
    # None was asked again.
    assert len(asked(workbench)) == len(first) * 9 // 4


def test_a_run_cannot_be_extended_beyond_its_set_or_over_another_one(bench: Bench, tmp_path: Path) -> None:
    workbench = bench()
    begun = prepare(workbench, "sums", limit=4)
    for limit in (3, 4, COUNT + 1):
        with pytest.raises(InvalidInput, match=f"cannot be extended to {limit}. The set has 12"):
            extend(workbench, begun.id, limit)
    whole = prepare(workbench, "sums")
    with pytest.raises(InvalidInput, match="The set has no more"):
        extend(workbench, whole.id, 20)
    save(tmp_path, rows()[::-1])
    with pytest.raises(Conflict, match="has other questions than when the run"):
        extend(workbench, begun.id, 9)
    save(tmp_path, rows(20))  # It has grown at its end: what was asked is the same.
    assert extend(workbench, begun.id, 20).total == 20
