"""LocalLLMClassifier among scikit-learn's tools, and what it keeps, counts, retries and reports."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from codex.classify import LocalLLMClassifier, running
from codex.classify import engines as pool
from codex.errors import Busy, Cancelled, InvalidInput, ModelError, RowsFailed, UnusableRows
from tests.support.loops import run_async
from tests.support.spelled import Answers, SpelledEngine

LABELS = ["positive", "negative"]


def sentiment(prompt: str) -> Answers:
    """Overconfident: 0.99 for "good", 0.9 for "fine", and so on."""
    text = prompt.rsplit("Text: ", 1)[1].split("\n")[0]
    levels = {"good": 0.99, "fine": 0.9, "poor": 0.2, "bad": 0.02}
    p = next((level for word, level in levels.items() if word in text), 0.5)
    return {("pos", "itive"): 0.8 * p, ("negative",): 0.8 * (1 - p), ("hm",): 0.2}


def by_first_number(prompt: str) -> Answers:
    """Of a record: the first of the labels where x0 is below 0, else the last."""
    labels = prompt.rsplit("Labels: ", 1)[1].split("\n")[0].split(", ")
    number = float(prompt.rsplit("- x0: ", 1)[1].split("\n")[0].replace("missing", "0"))
    p = 1 / (1 + np.exp(-np.clip(number, -5, 5)))
    if len(labels) == 1:
        return {(labels[0],): 1.0}
    rest = {(label,): 0.02 for label in labels[1:-1]}
    left = 1 - sum(rest.values())
    return {(labels[0],): left * (1 - p), **rest, (labels[-1],): left * p}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PAUSES", (0.0,))


def made(engine: SpelledEngine | None = None, **options: Any) -> tuple[LocalLLMClassifier, SpelledEngine]:
    engine = engine or SpelledEngine(answers=sentiment, at_once=4)
    return LocalLLMClassifier(engine=engine, labels=LABELS, **options), engine


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> Callable[[SpelledEngine], None]:
    """Makes a scripted engine the one that names stand for, in clones and pickles too."""

    def put(engine: SpelledEngine) -> None:
        monkeypatch.setattr(pool, "create", lambda *_: engine)

    monkeypatch.setattr(pool, "_engines", {})
    return put


class TestScikitLearn:
    def test_its_estimator_checks_pass(self, pooled: Callable[[SpelledEngine], None]) -> None:
        pooled(SpelledEngine(answers=by_first_number, at_once=1))
        found = check_estimator(LocalLLMClassifier(engine="llama_cpp", progress=False), on_fail=None)
        failed = {it["check_name"]: it["exception"] for it in found if it["status"] == "failed"}
        assert failed == {}
        assert sum(it["status"] == "passed" for it in found) > 40

    def test_cross_validation_accuracy_and_auroc(self) -> None:
        texts = ["good", "fine", "poor", "bad"] * 6
        y = np.asarray(["positive", "positive", "negative", "negative"] * 6)
        y[[0, 5]] = "negative"
        classifier, _ = made()
        accuracy = cross_val_score(classifier, texts, y, cv=3)
        assert accuracy.mean() == pytest.approx(22 / 24)
        area = cross_val_score(classifier, texts, y, cv=3, scoring="roc_auc")
        assert area.mean() > 0.85
        proba = classifier.fit(texts, y).predict_proba(texts)
        assert classifier.classes_.tolist() == ["negative", "positive"]
        assert roc_auc_score(y, proba[:, 1]) > 0.85

    def test_calibration_makes_its_probabilities_better(self) -> None:
        draw = np.random.default_rng(0)
        words = draw.choice(["good", "fine", "poor", "bad"], 400)
        truth = {"good": 0.8, "fine": 0.6, "poor": 0.4, "bad": 0.25}
        y = np.where([draw.random() < truth[word] for word in words], "positive", "negative")
        texts = [f"{word} {at}" for at, word in enumerate(words)]
        classifier, _ = made()
        classifier.fit(texts[:200], y[:200])
        calibrated = CalibratedClassifierCV(FrozenEstimator(classifier), method="sigmoid")
        calibrated.fit(texts[:200], y[:200])
        raw = log_loss(y[200:], classifier.predict_proba(texts[200:]))
        assert log_loss(y[200:], calibrated.predict_proba(texts[200:])) < raw - 0.1
        refitted = CalibratedClassifierCV(classifier, method="temperature", cv=2).fit(texts[:200], y[:200])
        assert set(refitted.predict(texts[200:])) == set(LABELS)
        assert log_loss(y[200:], refitted.predict_proba(texts[200:])) < raw

    def test_a_clone_shares_the_engine_and_nothing_else(self) -> None:
        classifier, engine = made()
        classifier.predict(["good"])
        copy = clone(classifier)
        assert copy.engine is engine
        assert copy.usage_.rows == 0
        assert copy.get_params()["labels"] == LABELS

    def test_a_pickle_has_neither_engine_nor_key(self, pooled: Callable[[SpelledEngine], None]) -> None:
        pooled(SpelledEngine(answers=sentiment))
        classifier = LocalLLMClassifier("m", engine="llama_cpp", labels=LABELS).fit(["good"], ["positive"])
        expected = classifier.predict_proba(["fine"])
        again = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(again.predict_proba(["fine"]), expected)
        served = LocalLLMClassifier("m", "http://127.0.0.1:1/v1", "sk-secret-1", labels=LABELS)
        assert b"sk-secret-1" not in pickle.dumps(served)
        instance, _ = made()
        assert pickle.loads(pickle.dumps(instance)).engine == "scripted"

    def test_the_key_is_shown_nowhere(self) -> None:
        classifier = LocalLLMClassifier("m", "http://127.0.0.1:1/v1", "sk-secret-1", labels=LABELS)
        assert "sk-secret-1" not in repr(classifier) + repr(clone(classifier)) + classifier._repr_html_()
        assert classifier.get_params()["api_key"] == "sk-secret-1"

    def test_a_data_frame_is_told_with_the_names_of_its_columns(self) -> None:
        engine = SpelledEngine(answers=lambda _: {("yes",): 0.7, ("no",): 0.3})
        frame = pd.DataFrame({"age": [41, 12], "city": ["Oslo", None]})
        classifier = LocalLLMClassifier(engine=engine, labels=["yes", "no"], format_type="json")
        assert classifier.predict(frame).tolist() == ["yes", "yes"]
        assert '{"age": 41, "city": "Oslo"}' in "".join(engine.asked)
        assert '{"age": 12, "city": null}' in "".join(engine.asked)

    def test_importing_the_package_does_not_import_scikit_learn(self) -> None:
        code = "import sys, codex.classify; print('sklearn' in sys.modules, 'codex.engines' in sys.modules)"
        said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        assert said.split() == ["False", "False"]


class TestLabels:
    def test_given_labels_need_no_fit_and_keep_their_order_in_the_prompt(self) -> None:
        classifier, engine = made()
        assert classifier.predict(["good", "bad"]).tolist() == ["positive", "negative"]
        assert "Labels: positive, negative\n" in engine.asked[0]

    def test_without_labels_fit_is_needed(self) -> None:
        with pytest.raises(NotFittedError):
            LocalLLMClassifier(engine=SpelledEngine()).predict(["good"])
        with pytest.raises(UnusableRows, match="y to be passed"):
            LocalLLMClassifier(engine=SpelledEngine()).fit(["good"])

    def test_a_label_of_y_that_is_none_of_the_labels_is_told(self) -> None:
        with pytest.raises(UnusableRows, match="'maybe'"):
            made()[0].fit(["good"], ["maybe"])

    def test_labels_that_are_numbers_come_back_as_numbers(self) -> None:
        engine = SpelledEngine(answers=lambda _: {("1",): 0.7, ("0",): 0.3})
        found = LocalLLMClassifier(engine=engine).fit(["a", "b"], [0, 1]).predict(["c"])
        assert found.dtype.kind == "i"
        assert found.tolist() == [1]

    def test_examples_are_drawn_from_each_label(self) -> None:
        classifier, engine = made(n_examples=2, random_state=3)
        texts = [f"sample {at}" for at in range(10)]
        classifier.fit(texts, ["positive", "negative"] * 5).predict(["good"])
        turns = engine.asked[0].split("<user>")[1:]
        assert len(turns) == 5
        assert [turn.split("<assistant>")[1].split("<")[0] for turn in turns[:4]] == [
            "negative",
            "positive",
            "negative",
            "positive",
        ]
        for turn in turns[:4]:
            number = int(turn.split("sample ")[1].split("\n")[0])
            assert ("<assistant>positive" in turn) == (number % 2 == 0)

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({"format_type": "xml"}, "format_type"),
            ({"examples_as": "images"}, "examples_as"),
            ({"on_error": "ignore"}, "on_error"),
            ({"n_samples": 0}, "n_samples"),
        ],
        ids=lambda it: it if isinstance(it, str) else "",
    )
    def test_a_parameter_that_cannot_be_used_is_named(self, options: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidInput) as wrong:
            made(**options)[0].predict(["good"])
        assert wrong.value.fields == (field,)

    @pytest.mark.parametrize(("name", "value"), [("reasoning_effort", "low"), ("reasoning_summary", "auto")])
    def test_what_an_engine_does_not_do_is_refused(self, name: str, value: str) -> None:
        with pytest.raises(InvalidInput, match=name):
            LocalLLMClassifier(engine="llama_cpp", labels=LABELS, **{name: value}).predict(["good"])


class TestManyRows:
    def test_rows_run_at_the_same_time_up_to_the_engines_slots(self) -> None:
        both = threading.Barrier(4, timeout=60)

        def together(_: str) -> None:
            both.wait()

        engine = SpelledEngine(answers=sentiment, at_once=4, continues=False, brings=4, fail=together)
        classifier, _ = made(engine)
        # Each four wait for one another: with fewer at the same time the barrier would break.
        found = classifier.predict([f"good {at}" for at in range(8)], use_async=True)
        assert found.tolist() == ["positive"] * 8
        assert engine.most_running == 4

    def test_one_after_another_gives_the_same(self) -> None:
        texts = [f"{word} {at}" for at, word in enumerate(["good", "fine", "poor", "bad"] * 3)]
        at_once, _ = made()
        sequential, engine = made()
        one_by_one = sequential.predict_proba(texts, use_async=False)
        np.testing.assert_array_equal(at_once.predict_proba(texts), one_by_one)
        assert engine.most_running == 1

    def test_it_works_inside_a_running_event_loop(self) -> None:
        classifier, _ = made()

        async def cell() -> list[str]:
            return list(classifier.predict(["good", "bad"], use_async=True))

        assert run_async(cell) == ["positive", "negative"]

    def test_equal_rows_are_asked_once_and_known_rows_never_again(self) -> None:
        classifier, engine = made()
        classifier.predict(["good", "bad", "good"])
        asked = len(engine.asked)
        assert len(set(engine.asked)) == 2
        classifier.predict_proba(["bad", "good"])
        assert len(engine.asked) == asked
        made(engine, cache=False)[0].predict(["good", "good"])
        assert len(engine.asked) > asked

    def test_another_question_is_another_row(self) -> None:
        classifier, engine = made()
        classifier.predict(["good"])
        before = len(engine.asked)
        classifier.set_params(instructions="Is it praise?").predict(["good"])
        assert len(engine.asked) > before

    def test_tokens_and_cost_are_counted_over_all_threads(self) -> None:
        engine = SpelledEngine(answers=sentiment, at_once=8, continues=False, brings=2)
        classifier, _ = made(engine, prompt_price=2.0, completion_price=10.0)
        classifier.predict([f"good {at}" for at in range(200)])
        spent = classifier.usage_
        assert (spent.rows, spent.requests) == (200, 200)
        assert (spent.prompt_tokens, spent.completion_tokens) == (2000, 400)
        assert spent.cost == pytest.approx((2000 * 2.0 + 400 * 10.0) / 1e6)

    def test_a_bar_is_drawn_where_it_is_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        made()[0].predict(["good", "bad"])
        assert capsys.readouterr().err == ""
        made(progress=True)[0].predict(["good", "bad"])
        assert "2/2" in capsys.readouterr().err


def failing(*words: str, error: Exception | None = None) -> Callable[[str], Exception | None]:
    def fail(prompt: str) -> Exception | None:
        text = prompt.rsplit("Text: ", 1)[1].split("\n")[0]
        return (error or ModelError("the server broke off")) if any(it in text for it in words) else None

    return fail


class TestFailures:
    def test_rows_that_fail_are_named_and_the_others_are_not_asked_again(self) -> None:
        engine = SpelledEngine(answers=sentiment, at_once=2, fail=failing("poor"))
        classifier, _ = made(engine)
        texts = ["good", "poor", "bad", "poor too"]
        with pytest.raises(RowsFailed, match=r"2 of 4 rows.*row 1: the server broke off") as caught:
            classifier.predict(texts)
        assert caught.value.failures == {1: "the server broke off", 3: "the server broke off"}
        assert caught.value.labels == {0: "positive", 2: "negative"}
        assert classifier.failures_ == caught.value.failures
        engine.fail = failing()
        engine.asked.clear()
        assert classifier.predict(texts).tolist() == ["positive", "negative", "negative", "negative"]
        assert all("poor" in it for it in engine.asked)

    def test_or_they_get_the_missing_label(self) -> None:
        engine = SpelledEngine(answers=sentiment, fail=failing("poor"))
        classifier, _ = made(engine, on_error="missing", missing_label="?")
        assert classifier.predict(["good", "poor"]).tolist() == ["positive", "?"]
        found = classifier.predict_proba(["good", "poor"])
        assert np.isnan(found[1]).all()
        assert not np.isnan(found[0]).any()
        assert list(classifier.failures_) == [1]

    def test_a_row_is_tried_again_as_often_as_asked(self) -> None:
        left = {"poor": 2}

        def fail(prompt: str) -> Exception | None:
            if "poor" in prompt and left["poor"]:
                left["poor"] -= 1
                return Busy("too much to do", retry_after=0)
            return None

        engine = SpelledEngine(answers=sentiment, fail=fail)
        assert made(engine, retries=2)[0].predict(["poor"]).tolist() == ["negative"]
        left["poor"] = 2
        with pytest.raises(RowsFailed, match="too much to do"):
            made(engine, retries=1)[0].predict(["poor"])

    def test_input_that_is_refused_is_not_tried_again(self) -> None:
        engine = SpelledEngine(answers=sentiment, fail=failing("poor", error=InvalidInput("too long")))
        with pytest.raises(RowsFailed, match="too long"):
            made(engine)[0].predict(["poor"])
        assert len(engine.asked) == 1

    def test_a_server_that_is_gone_is_not_asked_for_every_row(self) -> None:
        engine = SpelledEngine(answers=sentiment, fail=failing("good"))
        classifier, _ = made(engine, retries=0)
        with pytest.raises(RowsFailed) as caught:
            classifier.predict([f"good {at}" for at in range(100)], use_async=False)
        assert len(caught.value.failures) == 100
        assert len(engine.asked) == running.GIVEN_UP

    def test_a_model_that_does_not_load_fails_at_once(self) -> None:
        engine = SpelledEngine(answers=sentiment, failure=ModelError("no such file"))
        with pytest.raises(ModelError, match="no such file"):
            made(engine)[0].predict(["good"])

    def test_cancelling_keeps_what_is_done(self) -> None:
        cancel = threading.Event()

        def fail(prompt: str) -> Exception | None:
            if "bad" in prompt:
                cancel.set()
            return None

        engine = SpelledEngine(answers=sentiment, fail=fail)
        classifier, _ = made(engine)
        with pytest.raises(Cancelled):
            classifier.outcomes(["good", "fine", "bad", "poor"], use_async=False, cancel=cancel)
        engine.asked.clear()
        classifier.predict(["good", "fine"])
        assert engine.asked == []


class TestCacheFile:
    def test_another_process_resumes_from_it(self, tmp_path: Path) -> None:
        file = tmp_path / "kept" / "rows.jsonl"
        engine = SpelledEngine(answers=sentiment, fail=failing("poor"))
        with pytest.raises(RowsFailed):
            made(engine, cache=file)[0].predict(["good", "poor", "bad"])
        engine.fail = failing()
        engine.asked.clear()
        again, _ = made(engine, cache=str(file))
        assert again.predict(["good", "poor", "bad"]).tolist() == ["positive", "negative", "negative"]
        assert all("poor" in it for it in engine.asked)

    def test_it_holds_nothing_of_the_rows(self, tmp_path: Path) -> None:
        file = tmp_path / "rows.jsonl"
        made(cache=file)[0].predict(["good secret"])
        assert "secret" not in file.read_text()
        assert file.stat().st_mode & 0o077 == 0
        assert json.loads(file.read_text()).keys() == {"key", "p", "mass", "source"}

    def test_a_line_that_was_cut_off_costs_that_row_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "rows.jsonl"
        classifier, engine = made(cache=file)
        classifier.predict(["good", "bad"], use_async=False)
        file.write_bytes(file.read_bytes()[:-30])
        engine.asked.clear()
        made(engine, cache=file)[0].predict(["good", "bad", "fine"])
        assert not any("Text: good" in it for it in engine.asked)
        engine.asked.clear()
        made(engine, cache=file)[0].predict(["good", "bad", "fine"])
        assert engine.asked == []

    def test_a_file_of_something_else_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("dear diary\n")
        with pytest.raises(InvalidInput, match="no cache"):
            made(cache=file)[0].predict(["good"])
        assert file.read_text() == "dear diary\n"
