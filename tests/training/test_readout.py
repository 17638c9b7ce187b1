"""A verifier's readouts, trained on the states of a scripted engine, and applied to answers."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from codex import prompts
from codex.ask.verifying import check_weights
from codex.calibration.metrics import auroc, ece
from codex.errors import AdapterError, Cancelled, CapabilityError, InvalidInput
from codex.grounding.form import Form
from codex.grounding.readout import FILE, Readouts
from codex.grounding.trained import InUse, TrainedVerifier, parts
from codex.grounding.verifier import verify
from codex.prompts import judging
from codex.signals.probes import Probe
from codex.signals.verifier import verdict_probability
from codex.text import sha256
from codex.training.probe_states import States
from codex.training.readout import fit_readouts, fitted_scale, read_prompts, scaled, train_readout
from codex.training.verifier_labels import Labelled, labelled
from codex.types import Alternative, Observation, Run, RunParams, Verdict
from tests.support.probed import DEPTH, TELLING, KnowingEngine, knowing
from tests.support.taught import answered

QUESTIONS = 120


def answers(n: int = QUESTIONS) -> list[tuple[Observation, bool]]:
    drawn = np.random.default_rng(0).random(n) < 0.4
    return [
        (answered(number, correct=bool(each)).observation, bool(each)) for number, each in enumerate(drawn)
    ]


def run_of(model: str) -> Run:
    now = datetime.now(UTC)
    return Run("r", "colours", "colours", now, model, prompts.fingerprint(), RunParams(), QUESTIONS)


def knows(engine: KnowingEngine, found: list[tuple[Observation, bool]]) -> KnowingEngine:
    """The engine, whose states tell of those answers."""
    engine.truth |= {observation.question: correct for observation, correct in found}
    return engine


@dataclass(frozen=True, slots=True)
class Taught:
    """A verifier, and the engine that it reads."""

    home: Path
    engine: KnowingEngine
    verifier: TrainedVerifier

    @property
    def file(self) -> Path:
        return InUse(self.verifier, self.home).folder / FILE

    def verdict(self, observation: Observation, **changes: object) -> Verdict:
        """Of the verifier, with another content."""
        in_use = InUse(self.verifier.model_copy(update=changes), self.home)
        return verify(self.engine, observation, prompts.ask(observation.question), "plain", None, in_use)


@pytest.fixture
def taught(tmp_path: Path) -> Taught:
    engine = knows(knowing(), answers())
    verifier = train_readout(
        labelled(answers(), "plain"), [run_of(engine.fingerprint)], engine, tmp_path, "colours"
    )
    return Taught(tmp_path, engine, verifier)


def test_it_ranks_answers_that_it_did_not_see_better_than_the_model_as_it_is(taught: Taught) -> None:
    verifier = taught.verifier
    zero_shot, trained = verifier.metrics["zero_shot"]["auroc"], verifier.metrics["trained"]["auroc"]
    assert zero_shot.value == 0.5, "the script says True as likely of every answer"
    assert trained.low > 0.9
    assert verifier.metrics["trained"]["ece"].value < 0.1
    assert verifier.reliability.is_sufficient
    assert (verifier.method, verifier.labels, verifier.layers) == ("readout", QUESTIONS, (TELLING, DEPTH))
    assert (verifier.rank, verifier.epochs, verifier.curve) == (0, 0, ())


@pytest.mark.parametrize(
    ("verifier", "form", "is_taken"),
    [("", "plain", True), ("another", "plain", False), ("", "candidates", False)],
)
def test_what_the_model_said_when_it_answered_is_not_asked_again(
    verifier: str, form: Form, is_taken: bool, tmp_path: Path
) -> None:
    engine = knows(knowing(), answers())
    said = (Alternative(1, b"True", math.log(0.6)), Alternative(2, b"False", math.log(0.4)))
    verdict = Verdict(said, form, verifier or engine.fingerprint, 0.1)
    told = [(replace(each, verdict=verdict), correct) for each, correct in answers()]
    made = train_readout(labelled(told, "plain"), [run_of(engine.fingerprint)], engine, tmp_path, "colours")
    assert len(engine.judged) == (0 if is_taken else QUESTIONS)
    brier = np.mean([(0.6 - correct) ** 2 for _, correct in answers()])
    assert (made.metrics["zero_shot"]["brier"].value == pytest.approx(brier)) == is_taken


def test_it_reads_the_verifiers_prompt_and_no_answer_is_sampled(taught: Taught) -> None:
    asked = len(taught.engine.judged)
    verdict = taught.verdict(answered(500, correct=True).observation)
    assert len(taught.engine.judged) == asked
    assert not taught.engine.decodes
    own = taught.verifier
    assert (verdict.verifier, verdict.trained) == (f"{taught.engine.fingerprint}+{own.version}", own.version)
    assert verdict.reliability == own.reliability
    assert {each.text for each in verdict.alternatives} == {"True", "False"}


def test_a_question_that_it_was_trained_on_is_verified_by_the_fold_that_did_not_see_it(
    taught: Taught,
) -> None:
    found = labelled(answers(), "plain")
    read = read_prompts(taught.engine, found, lambda *_: None, threading.Event())
    fitted = fit_readouts(read.states, found)
    for (observation, _), odds in list(zip(answers(), fitted.odds, strict=True))[:12]:
        probability = verdict_probability(taught.verdict(observation))
        expected = scaled(odds, taught.verifier.temperature, taught.verifier.offset)
        assert probability == pytest.approx(float(expected), abs=1e-6)
    in_use = InUse(taught.verifier, taught.home)
    used = {in_use.part(observation.question) for observation, _ in answers()}
    assert used == set(parts(5)) - {"whole"}
    assert in_use.part("What is colour number 1000?") == "whole"
    assert in_use.adapters == ()


def test_where_states_tell_nothing_it_is_not_reliable(tmp_path: Path) -> None:
    engine = knowing()
    found = labelled(answers(), "plain")
    verifier = train_readout(found, [run_of(engine.fingerprint)], engine, tmp_path, "blind")
    assert not verifier.reliability.is_sufficient
    assert verifier.metrics["trained"]["auroc"].low < 0.5 < verifier.metrics["trained"]["auroc"].high + 0.1
    assert verifier.metrics["trained"]["ece"].value < 0.2, "the offset takes it to the share of correct ones"


def test_temperature_and_offset_bring_shifted_odds_back() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(size=4000)
    correct = rng.random(4000) < scaled(true, 1.0, 0.0)
    temperature, offset = fitted_scale(3 * true + 2, correct)
    # By the standard error of a logistic slope on 4,000 rows, 0.04.
    assert temperature == pytest.approx(3, rel=0.15)
    assert offset == pytest.approx(-2, abs=0.3)
    told = scaled(3 * true + 2, temperature, offset)
    assert ece(told, correct) < 0.03
    assert auroc(told, correct) == auroc(true, correct)
    temperature, _ = fitted_scale(-true, correct)
    assert temperature == pytest.approx(20), "never an order turned around"


def test_perfect_odds_of_few_answers_give_no_extreme_probabilities() -> None:
    correct = np.arange(40) % 2 == 0
    told = scaled(np.where(correct, 4.0, -4.0), *fitted_scale(np.where(correct, 4.0, -4.0), correct))
    # Platt's targets with 20 answers of each kind: 1 / 22 and 21 / 22.
    assert told[1] == pytest.approx(1 / 22, abs=1e-3)
    assert told[0] == pytest.approx(21 / 22, abs=1e-3)


def test_the_same_labels_give_the_same_verifier_and_it_is_read_again(taught: Taught, tmp_path: Path) -> None:
    found = labelled(answers(), "plain")
    again = train_readout(found, [run_of(taught.engine.fingerprint)], taught.engine, tmp_path, "again")
    assert again.digits == taught.verifier.digits
    read = TrainedVerifier.model_validate_json(again.model_dump_json())
    assert read == again
    assert again.digits != again.model_copy(update={"method": "lora"}).digits
    check_weights(taught.home, taught.verifier)


def test_weights_that_are_missing_or_damaged_are_an_error(taught: Taught) -> None:
    observation, _ = answers()[0]
    text = taught.file.read_text()
    taught.file.write_text(text.replace("without-1", "without-7"))
    for check in (lambda: taught.verdict(observation), lambda: check_weights(taught.home, taught.verifier)):
        with pytest.raises(AdapterError, match=r"readouts\.json is damaged.* Train the verifier again"):
            check()
    taught.file.unlink()
    with pytest.raises(AdapterError, match="is not there") as missing:
        taught.verdict(observation)
    assert "`codex verifiers activate none`" in str(missing.value)


def test_weights_of_another_width_or_with_parts_missing_are_an_error(taught: Taught) -> None:
    observation, _ = answers()[0]
    narrow = Probe.of("answer", TELLING, "prompt", np.ones(5, np.float32), 0.0)

    def saved(readouts: Readouts) -> str:
        taught.file.write_text(readouts.model_dump_json())
        return sha256(taught.file.read_text())

    weights = saved(Readouts(parts=dict.fromkeys(parts(5), narrow)))
    # What is in the file is part of what names the folder: the one of the changed verifier.
    changed = taught.verifier.model_copy(update={"weights": weights})
    taught.file.parent.rename(InUse(changed, taught.home).folder)
    with pytest.raises(AdapterError, match=r"reads 5 values of layer 3, and .* shows 12 of layer 3"):
        taught.verdict(observation, weights=weights)


def test_for_another_model_form_or_templates_the_model_verifies_as_it_is(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier, engine = taught.verifier, taught.engine
    assert verifier.mismatch(engine, "plain") == ""
    assert "verifier_form=plain" in verifier.mismatch(engine, "candidates")
    other = verifier.model_copy(update={"model": "huggingface:other:float32"})
    assert "It is a readout of huggingface:other:float32" in other.mismatch(engine, "plain")
    engine.shows = "none"
    assert "shows no hidden states" in verifier.mismatch(engine, "plain")
    assert taught.verdict(answers()[0][0]).verifier == engine.fingerprint
    engine.shows = "all layers"
    monkeypatch.setattr(judging, "TEMPLATES", (*judging.TEMPLATES, "another"))
    assert "other prompt templates" in verifier.mismatch(engine, "plain")


def test_a_prompt_whose_states_cannot_be_shown_is_verified_by_the_model_as_it_is(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CapabilityError("llama.cpp shows hidden states of up to 512 tokens")

    monkeypatch.setattr(taught.engine, "read_states", refuse)
    verdict = taught.verdict(answers()[0][0])
    assert (verdict.verifier, verdict.trained) == (taught.engine.fingerprint, "")


def test_prompts_whose_states_cannot_be_shown_are_not_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answers(60)
    engine = knows(knowing(), found)
    read = KnowingEngine.read_states

    def up_to(most: int) -> None:
        def some(self: KnowingEngine, prompt: object, *args: object) -> object:
            if any(f"number {at}?" in str(prompt) for at in range(most, 60)):
                raise CapabilityError("These are too many tokens.")
            return read(self, prompt, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(KnowingEngine, "read_states", some)

    up_to(50)
    run = run_of(engine.fingerprint)
    assert train_readout(labelled(found, "plain"), [run], engine, tmp_path, "v").labels == 50
    up_to(20)
    with pytest.raises(InvalidInput, match=r"^40 prompts cannot be read: These are too many .* 20 graded"):
        train_readout(labelled(found, "plain"), [run], engine, tmp_path, "v")


def test_cancelled_nothing_is_kept(tmp_path: Path) -> None:
    engine = knows(knowing(), answers())
    for stage, most in (("reading", 16), ("fitting", -1), ("saving", -1)):
        cancel = threading.Event()

        def stop(what: str, done: int, _: int, at: tuple[str, int, threading.Event]) -> None:
            if what == at[0] and done > at[1]:
                at[2].set()

        at = (stage, most, cancel)
        with pytest.raises(Cancelled, match="nothing was saved"):
            train_readout(
                labelled(answers(), "plain"),
                [run_of("m")],
                engine,
                tmp_path,
                "v",
                lambda what, done, total, at=at: stop(what, done, total, at),  # type: ignore[misc]
                cancel,
            )
    assert not (tmp_path / "verifiers").exists()


def few(n: int, correct: int) -> Labelled:
    return labelled(
        [(answered(at, correct=at < correct).observation, at < correct) for at in range(n)], "plain"
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (few(0, 0), r"^0 graded answers are too few"),
        (few(20, 10), r"^20 graded answers are too few .* 40 are needed"),
        (few(50, 50), r"^Of the 50 graded answers 0 are incorrect"),
        (few(50, 2), r"^Of the 50 graded answers 2 are correct"),
    ],
)
def test_labels_that_are_too_few_or_of_one_kind_are_told_before_a_model_is_loaded(
    found: Labelled, words: str, tmp_path: Path
) -> None:
    engine = knowing(loaded=False)
    with pytest.raises(InvalidInput, match=words):
        train_readout(found, [run_of("m")], engine, tmp_path, "v")
    assert not engine.loaded


def test_a_kind_that_is_in_one_fold_alone_is_told() -> None:
    found = few(60, 6)
    same = replace(found, keys=tuple(f"{0 if at < 6 else at:x}" for at in range(60)))
    states = States((1,), {"prompt": np.zeros((60, 1, 4), np.float16)})
    with pytest.raises(InvalidInput, match="in the same fifth of the questions"):
        fit_readouts(states, same)
