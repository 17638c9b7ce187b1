"""How reliable judge and verifier are: measured once, kept, and who judges then."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codex import engines, prompts, signals
from codex.engines.models import Models
from codex.errors import Cancelled, ModelError, Stopping
from codex.grounding import labelled
from codex.grounding.config import GroundingConfig
from codex.grounding.grounder import Grounder
from codex.grounding.labelled import Case, Labelled
from codex.grounding.reliability import (
    SHIPPED,
    UNMEASURED,
    Reliabilities,
    judge_key,
    measured,
    verifier_key,
)
from codex.retrieval.embedding import Identity
from codex.settings import load_settings
from codex.types import Generation, Observation, Passage, Stance
from tests.support.reliable import CHANCE, GOOD, trust, trust_words
from tests.support.scripted import Script, ScriptedEngine

ATHENS = "Athens is the capital of Greece. It lies in Attica."
QUESTION = "What is the capital of Greece?"

Judgement = Callable[[str], float]


def knows(prompt: str) -> float:
    """Says True of what holds in the labelled sets, and knows nothing where no answer is shown."""
    for case in (*labelled.evidence().cases, *labelled.answers().cases):
        shown = f"{case.question}</user><assistant>{case.answer}</assistant>"
        if shown in prompt and all(passage.text in prompt for passage in case.passages):
            return 0.9 if case.holds else 0.1
    return 0.5


def guesses(prompt: str) -> float:
    """The same of the same prompt, and otherwise by chance."""
    return hashlib.sha256(prompt.encode()).digest()[0] / 256


def unit(texts: Sequence[str]) -> NDArray[np.float32]:
    """Everything means the same."""
    return np.ones((len(texts), 1), np.float32)


def grounder(home: Path, judgement: Judgement, **config: object) -> Grounder:
    return Grounder(
        GroundingConfig.model_validate(config),
        ScriptedEngine(lambda prompt: Script(["x"]), judgement=judgement),
        Models(home),
        unit,
        lambda: Identity("one", "0"),
    )


def engine_of(grounder: Grounder) -> ScriptedEngine:
    assert isinstance(grounder._engine, ScriptedEngine)
    return grounder._engine


def checked(grounder: Grounder, answer: str = "Athens.") -> Observation:
    passage = Passage("p", "d", "greece.txt", ATHENS, 0, len(ATHENS))
    seen = Observation(QUESTION, Generation(answer, (), "stop", 7, 0.1), (), (passage,))
    return grounder.check(seen, prompts.ask(QUESTION, [passage]))


class TestMeasuring:
    def test_a_judge_that_knows_is_reliable_and_one_that_guesses_is_not(self, tmp_path: Path) -> None:
        judge, verifier = grounder(tmp_path / "knows", knows).measure()
        for each in (judge, verifier):
            assert each.reliability.is_sufficient
            assert each.reliability.auroc == pytest.approx(1.0)
            assert each.reliability.n == 200
        assert (judge.role, verifier.role) == ("judge", "verifier")
        model, *in_its_place, verifier = grounder(tmp_path / "guesses", guesses).measure()
        assert [each.name for each in in_its_place] == ["embedding one", "lexical"]
        for each in (model, verifier):
            assert not each.reliability.is_sufficient
            assert each.reliability.low is not None
            assert each.reliability.low < 0.5 < (each.reliability.high or 0)

    def test_it_is_done_once_and_kept_by_model_prompts_and_sets(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = grounder(tmp_path, knows)
        found = first.measure()
        assert engine_of(first).judged
        again = grounder(tmp_path, guesses)
        assert again.measure() == found
        assert engine_of(again).judged == []
        other = grounder(tmp_path, guesses)
        engine_of(other).model = "scripted:other:none"
        assert not other.measure()[0].reliability.is_sufficient
        monkeypatch.setattr(prompts, "fingerprint", lambda: "other prompts")
        assert not grounder(tmp_path, guesses).measure()[0].reliability.is_sufficient

    def test_what_is_kept_of_a_verifier_is_of_its_form(self, tmp_path: Path) -> None:
        grounder(tmp_path, knows, judge="none").measure()
        other = grounder(tmp_path, knows, judge="none", verifier_form="candidates")
        other.measure()
        assert all("brainstormed" in prompt for prompt in engine_of(other).judged)
        assert len(engine_of(other).judged) == 200

    def test_only_what_the_settings_use_is_measured(self, tmp_path: Path) -> None:
        assert grounder(tmp_path, knows, judge="none", verify=False).measure() == []
        (judge,) = grounder(tmp_path, knows, verify=False).measure()
        assert judge.name == "model scripted:test:none"

    def test_no_contradiction_is_asked_for(self, tmp_path: Path) -> None:
        measuring = grounder(tmp_path, knows, verify=False)
        measuring.measure()
        assert not any("A, B or C" in prompt for prompt in engine_of(measuring).judged)

    def test_without_the_embedding_the_words_are_next(self, tmp_path: Path) -> None:
        def missing() -> Identity:
            raise ModelError("There is no embedding.")

        measuring = grounder(tmp_path, guesses, verify=False)
        measuring._embedding = missing
        assert [each.name for each in measuring.measure()][1:] == ["lexical"]

    def test_a_file_that_cannot_be_read_counts_as_not_measured(self, tmp_path: Path) -> None:
        kept = Reliabilities(tmp_path)
        kept.keep("a", GOOD)
        assert kept.get("a") == GOOD
        assert kept.get("b") == UNMEASURED
        (path,) = tmp_path.iterdir()
        assert path.stat().st_mode & 0o077 == 0
        path.write_text("{")
        assert kept.get("a") == UNMEASURED


CASES = Labelled(tuple(Case(QUESTION, str(i), holds=i >= 6) for i in range(12)), "twelve")


class TestShipped:
    def test_the_default_model_comes_measured_as_it_is_asked_now(
        self, tmp_path: Path, models: Models
    ) -> None:
        """Where prompts or sets change: `codex models judge` in a new home, and copy what it keeps."""
        settings = load_settings(["engine=llama_cpp"])
        model = engines.create("llama_cpp", settings.engine, models).fingerprint
        keys = judge_key(f"model {model}"), verifier_key(model, settings.grounding.verifier_form)
        shipped = [json.loads(file.read_text()) for file in SHIPPED.iterdir()]
        assert {each["of"] for each in shipped} == set(keys)
        for key in keys:
            known = Reliabilities(tmp_path).get(key)
            assert known.n == 200
            # It is too small to judge, and tests/server/test_real_model.py sees that on the model itself.
            assert known.auroc is not None
            assert not known.is_sufficient

    def test_what_was_measured_here_comes_first(self, tmp_path: Path, models: Models) -> None:
        settings = load_settings(["engine=llama_cpp"])
        model = engines.create("llama_cpp", settings.engine, models).fingerprint
        kept = Reliabilities(Models(trust(tmp_path, model)).cache / "reliability")
        assert kept.get(judge_key(f"model {model}")) == GOOD


class TestOfScores:
    def test_the_auroc_is_of_cases_that_hold_over_the_others_and_what_is_not_told_comes_last(self) -> None:
        """By hand: 6 pairs of 36 are lost to the case that holds and was not told."""

        def score(case: Case, cancel: threading.Event) -> float | None:
            return None if case.answer == "6" else int(case.answer) / 12

        found = measured(CASES, score)
        assert found.auroc == pytest.approx(30 / 36)
        assert found.low is not None
        assert found.high is not None
        assert found.low < 30 / 36 < found.high
        assert (found.n, found.data) == (12, "twelve")

    def test_a_case_that_made_room_is_judged_again(self) -> None:
        turns: list[threading.Event] = []
        seen: list[str] = []

        def turn() -> threading.Event:
            turns.append(threading.Event())
            return turns[-1]

        def score(case: Case, cancel: threading.Event) -> float:
            seen.append(case.answer)
            if len(seen) == 3:
                cancel.set()
                raise Cancelled("A question came.")
            return float(case.answer)

        assert measured(CASES, score, turn).auroc == 1.0
        assert seen == ["0", "1", "2", "2", *map(str, range(3, 12))]
        assert len(turns) == 13

    def test_being_told_to_stop_ends_it(self) -> None:
        def turn() -> threading.Event:
            raise Stopping("Codex is shutting down.")

        with pytest.raises(Stopping):
            measured(CASES, lambda case, cancel: 0.5, turn)

    def test_a_model_that_is_taken_away_ends_it(self) -> None:
        def score(case: Case, cancel: threading.Event) -> float:
            raise Cancelled("The model was given back.")

        with pytest.raises(Cancelled):
            measured(CASES, score)

    def test_progress_is_told(self) -> None:
        told: list[tuple[int, int]] = []
        measured(CASES, lambda case, cancel: 0.5, done=lambda *standing: told.append(standing))
        assert told == [(number, 12) for number in range(12)]


class TestWhoJudges:
    def test_a_reliable_judge_gives_its_stance_with_its_reliability(self, tmp_path: Path) -> None:
        seen = checked(grounder(trust(tmp_path), lambda prompt: 0.9))
        assert seen.grounding is not None
        assert seen.grounding.judge == "model scripted:test:none"
        assert seen.grounding.reliability == GOOD
        assert [sentence.stance for sentence in seen.grounding.sentences] == [Stance.SUPPORTED]
        assert seen.verdict is not None
        assert seen.verdict.reliability == GOOD
        values = signals.compute(seen)
        assert values["evidence_support"] == pytest.approx(0.9)
        assert values["p_true"] == pytest.approx(0.9)

    @pytest.mark.parametrize("known", [CHANCE, UNMEASURED])
    def test_no_stance_and_no_signal_come_of_one_that_is_not(self, tmp_path: Path, known: object) -> None:
        if known is CHANCE:
            trust(tmp_path, judge=CHANCE, verifier=CHANCE)
        asked = grounder(tmp_path, lambda prompt: 0.9)
        seen = checked(asked)
        assert seen.grounding is not None
        assert seen.grounding.judge == ""
        (sentence,) = seen.grounding.sentences
        assert (sentence.stance, sentence.probability) == (None, None)
        assert sentence.quote == (0, len("Athens is the capital of Greece."))
        assert [each.judge for each in seen.grounding.passed_over] == [
            "model scripted:test:none",
            "embedding one",
            "lexical",
        ]
        assert seen.grounding.passed_over[0].reliability == known
        assert len(engine_of(asked).judged) == 1  # the verifier, whose verdict stays in the observation
        assert seen.verdict is not None
        values = signals.compute(seen)
        assert values["evidence_support"] is None
        assert values["p_true"] is None

    def test_another_judges_in_its_place_where_that_is_reliable(self, tmp_path: Path) -> None:
        """What it says is no signal: estimate and calibrators are made for the judge of the settings."""
        asked = grounder(trust_words(trust(tmp_path, judge=CHANCE)), lambda prompt: 0.9)
        seen = checked(asked, "Athens. Rome.")
        assert seen.grounding is not None
        assert seen.grounding.judge == "lexical"
        assert seen.grounding.reliability == GOOD
        stances = [sentence.stance for sentence in seen.grounding.sentences]
        assert stances == [Stance.SUPPORTED, Stance.NOT_FOUND]
        assert signals.compute(seen)["evidence_support"] is None

    def test_words_never_contradict(self, tmp_path: Path) -> None:
        asked = grounder(trust_words(tmp_path), knows, judge="lexical")
        grounding = checked(asked, "Rome, not Athens.").grounding
        assert grounding is not None
        assert all(each.contradiction is None for each in grounding.sentences)

    @pytest.mark.parametrize("judge", ["lexical", "embedding"])
    def test_a_judge_of_the_settings_has_to_be_reliable_too(self, tmp_path: Path, judge: str) -> None:
        grounding = checked(grounder(tmp_path, knows, judge=judge)).grounding
        assert grounding is not None
        assert grounding.judge == ""
        assert grounding.passed_over[0].judge.startswith(judge)
        assert len(grounding.passed_over) == 2
