"""What the workbench makes of an active calibrator and an active policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codex.ask.active import Active
from codex.ask.confidence import LikelyAnswers
from codex.ask.deciding import decide_again
from codex.ask.response import response_to
from codex.ask.workbench import Workbench, last_trace
from codex.calibration import Calibrator
from codex.calibration.drift import EVERY
from codex.calibration.familiarity import LEAST, Familiarity
from codex.calibration.prediction_sets import ConformalPredictor
from codex.engines.base import GenerationParams
from codex.errors import Conflict, ModelError, NotFound
from codex.pages.ask.view import trace_view
from codex.policy import Policy, PolicyGuarantee, Rule
from codex.settings import load_settings
from codex.store import Store
from codex.types import Action
from tests.support.calibrated import calibrator
from tests.support.scripted import Script, ScriptedEngine

SURE = Script(["The", " capital", " is", " Canberra", "."])
SPREAD = Script(["Canberra"], samples=["Canberra", "It is Sydney.", "Canberra", "Sydney", "Perth"])
UNSURE = Script(["Maybe", " Sydney"], [0.3, 0.1], samples=["Sydney", "Perth", "Canberra"])

Open = Callable[..., Workbench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Open]:
    """Workbenches on one home, one after the other."""
    opened: list[Workbench] = []

    def make(script: Script = SURE, *overrides: str) -> Workbench:
        for workbench in opened:
            workbench.close()
        settings = load_settings([f"home={tmp_path}", *overrides])
        engine = ScriptedEngine(lambda prompt: script)
        opened.append(Workbench(settings, engine, Store(tmp_path / "codex.duckdb")))
        return opened[-1]

    yield make
    opened[-1].close()


def again(workbench: Workbench, bench: Open) -> Iterator[Workbench]:
    """The workbench, and what comes after it."""
    yield workbench
    yield bench()


def activate(workbench: Workbench, fitted: Calibrator) -> None:
    workbench.store.calibrators.save(fitted.version, fitted.name, fitted.model_dump_json())
    workbench.active.activate_calibrator(fitted.version)


def guarantee(fitted: Calibrator) -> PolicyGuarantee:
    return PolicyGuarantee(
        risk=0.1,
        confidence_level=0.95,
        calibrator=fitted.version,
        run="run",
        questions=100,
        answered=40,
        incorrect=1,
    )


def test_an_active_calibrator_speaks_from_the_next_question_on_and_after_a_restart(bench: Open) -> None:
    workbench = bench()
    assert not workbench.model.status.calibrated
    fitted = calibrator(workbench.model.engine.fingerprint)
    activate(workbench, fitted)
    for opened in again(workbench, bench):
        assert opened.model.status.calibrated
        assert opened.model.status.calibration == "Fitted on 200 answers to capitals."
        trace = opened.answer("What is the capital of Australia?")
        told = trace.last.confidence
        assert told.value == told.calibrated == fitted.confidence(trace.last.signals)
        assert trace.params.calibrator == fitted.version
        assert response_to(trace).confidence_note == "calibrated"
        assert opened.store.load(trace.id).last.confidence == told


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"n_samples": 3}, "another number of samples"),
        ({"sample_temperature": 0.5}, "another temperature"),
    ],
)
def test_it_is_silent_where_it_was_not_fitted(bench: Open, asked: dict[str, object], why: str) -> None:
    workbench = bench()
    activate(workbench, calibrator(workbench.model.engine.fingerprint))
    trace = workbench.answer("What is the capital of Australia?", **asked)  # type: ignore[arg-type]
    assert trace.last.confidence.calibrated is None, why
    assert trace.last.confidence.value is not None


def test_an_answer_after_a_look_at_itself_is_not_calibrated(bench: Open) -> None:
    workbench = bench(UNSURE)
    activate(workbench, calibrator(workbench.model.engine.fingerprint))
    trace = workbench.answer("Where?")
    assert [step.kind for step in trace.steps] == ["ask", "reflect"]
    assert trace.steps[0].confidence.calibrated is not None
    assert trace.steps[1].confidence.calibrated is None


def test_the_calibrator_of_another_model_is_not_used_and_the_status_says_why(bench: Open) -> None:
    workbench = bench()
    activate(workbench, calibrator("another model"))
    assert not workbench.model.status.calibrated
    assert "another model" in workbench.model.status.calibration
    assert workbench.answer("Where?").last.confidence.calibrated is None


def with_sets(workbench: Workbench, cutoff: float, n: int = 99) -> Calibrator:
    """A calibrator whose sets hold each answer that more of the samples gave."""
    sets = ConformalPredictor(alpha=0.1, n=n, cutoff=cutoff, tie=1.0)
    return calibrator(workbench.model.engine.fingerprint).model_copy(update={"prediction_sets": sets})


@pytest.mark.parametrize(
    ("cutoff", "n", "answers", "said"),
    [
        (
            0.3,
            99,
            ("Canberra", "Sydney"),
            "At the 90% confidence level the correct answer is among: Canberra, Sydney.",
        ),
        (
            0.9,
            99,
            (),
            "At the 90% confidence level the prediction set is empty: no answer was given by enough of the "
            "samples.",
        ),
        (
            0.0,
            5,
            ("Canberra", "Sydney", "Perth"),
            "At the 90% confidence level any answer could be correct, even one that no sample gave.",
        ),
    ],
)
def test_the_answer_set_is_told_in_words_also_after_a_restart(
    bench: Open, cutoff: float, n: int, answers: tuple[str, ...], said: str
) -> None:
    """Of five samples two say Canberra, two Sydney and one Perth."""
    workbench = bench(SPREAD)
    activate(workbench, with_sets(workbench, cutoff, n))
    trace = workbench.answer("What is the capital of Australia?")
    for kept in (trace, bench(SPREAD).store.load(trace.id)):
        told = response_to(kept).answer_set
        assert told is not None
        assert (told.level, told.answers, told.any) == (0.9, answers, cutoff == 0)
        assert str(told) == said
        assert set(response_to(kept).model_dump()["answer_set"]) == {"level", "answers", "any"}


def test_in_words_an_answer_with_a_comma_stands_in_quotes_and_a_long_one_is_cut() -> None:
    answers = ("Paris, France", "word " * 40, "Perth")
    said = str(LikelyAnswers(level=0.95, answers=answers, any=False))
    assert said.startswith(
        "At the 95% confidence level the correct answer is among: “Paris, France”, word word"
    )
    assert said.endswith("word …, Perth.")


def test_an_answer_with_just_so_many_samples_is_in_the_set_by_the_questions_own_lot(bench: Open) -> None:
    workbench = bench(SPREAD)
    sets = ConformalPredictor(alpha=0.1, n=99, cutoff=0.2, tie=0.5)
    activate(workbench, with_sets(workbench, 0.2).model_copy(update={"prediction_sets": sets}))
    sizes = {}
    for number in range(8):
        twice = [workbench.answer(f"Which city is number {number}?").params.prediction_set for _ in range(2)]
        assert twice[0] == twice[1]
        assert twice[0] is not None
        sizes[number] = len(twice[0].answers)
    assert set(sizes.values()) == {2, 3}  # all eight on one side: with chance 1/128, and always the same


@pytest.mark.parametrize("why", ["other samples", "no sets", "reflected", "nobody speaks", "branched"])
def test_where_the_calibrator_does_not_hold_there_is_no_answer_set(bench: Open, why: str) -> None:
    workbench = bench(UNSURE if why == "reflected" else SPREAD)
    fitted = with_sets(workbench, 0.3)
    if why == "no sets":
        fitted = fitted.model_copy(update={"prediction_sets": None})
    if why != "nobody speaks":
        activate(workbench, fitted)
    trace = workbench.answer("Where?", n_samples=3 if why == "other samples" else 5)
    if why == "branched":
        assert response_to(trace).answer_set is not None
        other = trace.last.observation.generation.tokens[0].alternatives[-1]
        trace = last_trace(workbench.branch(trace.id, 0, other.id))
    assert response_to(trace).answer_set is None


def test_a_calibrator_can_be_put_to_rest_and_one_that_is_not_stored_is_refused(bench: Open) -> None:
    workbench = bench()
    activate(workbench, calibrator(workbench.model.engine.fingerprint))
    workbench.active.activate_calibrator(None)
    assert workbench.active.calibrator is None
    assert bench().active.calibrator is None
    with pytest.raises(NotFound, match="nobody@1"):
        bench().active.activate_calibrator("nobody@1")


def test_an_active_policy_decides_from_the_next_question_on_and_after_a_restart(bench: Open) -> None:
    workbench = bench()
    strict = Policy(name="strict", rules=(Rule(signal="top1_prob", below=0.999, gate="abstain"),))
    workbench.active.activate_policy(strict)
    for opened in again(workbench, bench):
        assert opened.answer("Where?").last.decision.action is Action.ABSTAIN
        assert opened.active.policy == strict


def test_a_policy_among_the_overrides_comes_before_the_active_one(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        strict = Policy(name="strict", answer_above=0.9)
        store.policies.save(strict.version, strict.name, strict.model_dump_json())
        store.policies.activate(strict.version)
    for overrides, expected in (([], 0.9), (["policy.answer_above=0.7"], 0.7)):
        workbench = Workbench.open([f"home={tmp_path}", *overrides])
        assert workbench.active.policy.answer_above == expected
        workbench.close()


def test_a_guarantee_is_told_only_with_the_calibrator_that_it_was_made_with(bench: Open) -> None:
    workbench = bench()
    fitted = calibrator(workbench.model.engine.fingerprint)
    workbench.active.activate_policy(Policy(guarantee=guarantee(fitted)))
    assert workbench.active.guarantee is None
    activate(workbench, fitted)
    assert workbench.active.guarantee == (
        "At most 10% of the answers given are incorrect, at the 95% confidence level, "
        "for questions like the 100 it was proven on."
    )
    workbench.active.activate_policy(Policy())
    assert workbench.active.guarantee is None


def test_a_hotter_answer_is_not_what_it_was_fitted_on(bench: Open) -> None:
    workbench = bench()
    activate(workbench, calibrator(workbench.model.engine.fingerprint))
    trace = workbench.answer("Where?", params=GenerationParams(temperature=1.5))
    assert trace.last.confidence.calibrated is None


def test_the_guarantee_is_suspended_when_the_answers_move_away_also_after_a_restart(bench: Open) -> None:
    workbench = bench()
    fitted = with_sets(workbench, 0.3)
    activate(workbench, fitted)
    workbench.active.activate_policy(Policy(guarantee=guarantee(fitted)))
    # The scripted answers are all equally sure; those of the calibrator lay anywhere between 0 and 1.
    for _ in range(EVERY - 1):
        assert response_to(workbench.answer("Where?")).answer_set is not None
    assert (workbench.active.guarantee or "").startswith("At most 10%")
    workbench.answer("Where?")
    for opened in again(workbench, bench):
        assert opened.active.drift is not None
        assert opened.active.drift.moved == ("min_prob_focus",)
        assert (opened.active.guarantee or "").startswith("The guarantee is suspended. The newest 50 answers")
    last = bench().answer("Where?")
    assert last.last.confidence.calibrated is not None
    assert response_to(last).answer_set is None


def test_what_ships_speaks_until_somebody_chooses_and_gives_way_to_a_newer_one(
    bench: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = calibrator("scripted:test:none").model_copy(update={"shipped": True})
    second = first.model_copy(update={"questions": 300})

    def speaks(shipped: Calibrator) -> str:
        monkeypatch.setattr("codex.ask.active.shipped_calibrators", lambda: (shipped,))
        workbench = bench()
        assert workbench.active.calibrator is not None
        return workbench.active.calibrator.version

    assert speaks(first) == first.version
    assert speaks(second) == second.version
    own = first.model_copy(update={"questions": 400, "shipped": False})
    activate(bench(), own)
    assert speaks(second) == own.version


def test_what_ships_for_a_model_that_was_not_there_before_is_active_when_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fetching(ScriptedEngine):
        def load(self) -> None:
            super().load()
            self.model = "scripted:test:none"

    shipped = calibrator("scripted:test:none").model_copy(update={"shipped": True})
    monkeypatch.setattr("codex.ask.active.shipped_calibrators", lambda: (shipped,))
    engine = Fetching(lambda _: SURE, model="scripted:test", loaded=False)
    with closing(Workbench(load_settings([f"home={tmp_path}"]), engine, Store(tmp_path / "db"))) as workbench:
        assert workbench.active.calibrator is None
        workbench.model.load()
        assert workbench.active.calibrator == shipped


def test_what_is_active_is_known_and_changed_without_a_model_too(bench: Open) -> None:
    workbench = bench()
    fitted = calibrator(workbench.model.engine.fingerprint)
    activate(workbench, fitted)
    strict = Policy(name="strict", answer_above=0.9)
    workbench.active.activate_policy(strict)
    alone = Active(workbench.settings, workbench.store)
    assert alone.policy == strict
    assert alone.calibrator == fitted
    alone.activate_policy(None)
    assert alone.policy == workbench.settings.policy
    alone.rollback_calibrator()
    assert alone.calibrator is None
    with pytest.raises(Conflict):
        alone.rollback_calibrator()
    assert bench().active.policy == workbench.settings.policy


AXES = np.eye(2, dtype=np.float32)
CAPITAL, OTHER = "What is the capital of Australia?", "Why did the Titanic sink?"


def with_familiarity(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Calibrator:
    """A calibrator that knows one kind of question: the vectors of all others are orthogonal to it."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([AXES[int("capital" not in text)] for text in texts])

    monkeypatch.setattr(workbench.index, "embed", embed)
    known = Familiarity.of(["capital"] * LEAST, embed)
    fitted = calibrator(workbench.model.engine.fingerprint).model_copy(update={"familiarity": known})
    activate(workbench, fitted)
    return fitted


def test_what_is_calibrated_on_other_kinds_of_questions_is_an_estimate_and_deferred_at_most(
    bench: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = bench()
    fitted = with_familiarity(workbench, monkeypatch)
    workbench.active.activate_policy(Policy(guarantee=guarantee(fitted)))
    known, unknown = workbench.answer(CAPITAL), workbench.answer(OTHER)
    assert known.last.confidence.calibrated == known.last.confidence.value
    assert known.last.decision.action is Action.ANSWER
    told = unknown.last.confidence
    assert told.calibrated is None
    assert told.unfamiliar
    assert told.value == known.last.confidence.value
    assert unknown.last.decision.action is Action.DEFER
    kinds = "calibrated on other kinds of questions (capitals)"
    assert unknown.last.decision.reason.endswith(f"% likely correct, but {kinds}: a person decides")
    assert response_to(unknown).rationale.endswith(f"; {unknown.last.decision.reason}")
    assert workbench.store.load(unknown.id).last.confidence == told
    reopened = bench()
    for trace in (unknown, reopened.traces.get(unknown.id)):
        view = trace_view(trace, fingerprint=trace.model, correct=None)
        assert view["last"]["basis"] == view["steps"][0]["basis"] == kinds
        assert dict(view["details"])["confidence"].startswith(f"{kinds} by {fitted.version}: ")
        assert kinds in view["copy"]
    assert response_to(unknown).confidence_note == "calibrated on other kinds of questions"
    answered = decide_again(Policy(defer_unfamiliar=False), reopened.traces.get(unknown.id))
    assert answered.action is Action.ANSWER
    assert answered.reason.endswith(f"; {kinds}")


def test_a_policy_may_answer_what_is_unfamiliar(bench: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench()
    with_familiarity(workbench, monkeypatch)
    trace = workbench.answer(OTHER, policy=Policy(defer_unfamiliar=False))
    assert trace.last.decision.action is Action.ANSWER
    assert trace.last.confidence.unfamiliar


def test_unfamiliar_questions_have_no_prediction_set_and_do_not_count_as_drift(
    bench: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = bench(SPREAD)
    fitted = with_familiarity(workbench, monkeypatch)
    sets = ConformalPredictor.of([1.0] * 30, 0.1)
    activate(workbench, fitted.model_copy(update={"prediction_sets": sets}))
    assert workbench.answer(CAPITAL).params.prediction_set is not None
    for _ in range(EVERY):
        assert workbench.answer(OTHER).params.prediction_set is None
    assert workbench.active.drift is None or workbench.active.drift.n <= 1


def test_a_question_that_cannot_be_compared_says_so(bench: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench()
    with_familiarity(workbench, monkeypatch)

    def broken(texts: Sequence[str]) -> NDArray[np.float32]:
        raise ModelError("The embedding is gone.")

    monkeypatch.setattr(workbench.index, "embed", broken)
    decision = workbench.answer(CAPITAL).last.decision
    assert "could not be compared with those calibrated on: The embedding is gone." in decision.reason
