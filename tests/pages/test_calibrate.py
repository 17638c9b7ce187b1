"""The Calibrate page's calls: fitting, the diagrams, comparing, activating, and what cannot be done."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from codex.ask.active import Active
from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.calibration.shipped import shipped_calibrators
from codex.errors import Conflict, InvalidInput, NotFound, StoreError
from codex.evaluation.example import load_example
from codex.evaluation.prediction_sets import conformal_predictor, sampled_runs
from codex.jobs import Jobs
from codex.pages.calibrate.page import CalibratePage
from codex.settings import load_settings
from codex.store import Store
from codex.store.database.file import SETTINGS
from codex.types import Run
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script, ScriptedEngine

WAIT = 60.0
"""Seconds in which a fit to a hundred answers is surely done, on a busy machine."""
RISK = {"alpha": 0.3, "delta": 0.05}
SETS = {"sets": 0.1}


@pytest.fixture
def overrides() -> list[str]:
    """Settings of the workbench."""
    return []


@pytest.fixture
def page(tmp_path: Path, overrides: list[str]) -> Iterator[CalibratePage]:
    settings = load_settings([f"home={tmp_path}", *overrides])
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    workbench = Workbench(settings, engine, Store(tmp_path / "codex.duckdb"))
    jobs = Jobs()
    yield CalibratePage(workbench, jobs)
    jobs.close()
    workbench.close()


def put_runs(store: Store) -> Run:
    """Two runs: 300 questions of capitals, and 20 more of rivers; returns the first."""
    many = put_run(store, "many", graded=300)
    put_run(store, "few", graded=320, dataset="rivers")  # the first 300 are those of the other
    return many


def fitted(page: CalibratePage, *runs: str, **wanted: Any) -> dict[str, Any]:
    """The job of a fit, at its end."""
    asked = {"runs": list(runs), "method": "temperature", "name": "mine", **RISK, **SETS, **wanted}
    page.jobs.wait(page.fit(asked)["id"], WAIT)
    job: dict[str, Any] = page.look({})["job"]
    return job


def drawn(page: CalibratePage, version: str, **wanted: Any) -> dict[str, Any]:
    """A calibrator with its diagrams, once they are there."""
    deadline = time.monotonic() + WAIT
    while (shown := page.show({"version": version, **RISK, **wanted}))["computing"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return shown


def sets_of(page: CalibratePage, version: str, share: float = 0.1) -> dict[str, Any]:
    """The prediction sets of a calibrator, once the samples are read."""
    deadline = time.monotonic() + WAIT
    while (shown := page.sets({"version": version, "sets": share}))["computing"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return shown


def test_nothing_is_there_at_first_and_a_calibrator_nobody_knows_is_refused(page: CalibratePage) -> None:
    looked = page.look({})
    assert (looked["job"], looked["runs"], looked["saved"], looked["back"]) == (None, [], [], False)
    assert "runs" not in page.look({"seen": looked["version"]})
    with pytest.raises(NotFound):
        page.show({"version": "mine@0123456789", **RISK})


def test_a_run_says_why_it_alone_makes_no_calibrator(page: CalibratePage) -> None:
    store = page.workbench.store
    put_run(store, "few", graded=12, failed=2)
    put_run(store, "incorrect", graded=80, correct=lambda chance, rng: False)
    put_run(store, "correct", graded=80, correct=lambda chance, rng: True)
    put_run(store, "good", graded=80)
    problems = {run["id"]: run["problem"] for run in page.look({})["runs"]}
    assert problems["good"] == ""
    assert "about 60 are needed" in problems["few"]
    assert "all are incorrect" in problems["incorrect"]
    assert "all are correct" in problems["correct"]


@pytest.mark.parametrize(("run", "words"), [("few", "30 are needed"), ("incorrect", "None of the")])
def test_what_cannot_be_fit_fails_with_the_reason_and_saves_nothing(
    page: CalibratePage, run: str, words: str
) -> None:
    put_run(page.workbench.store, "few", graded=12)
    put_run(page.workbench.store, "incorrect", graded=90, correct=lambda chance, rng: False)
    job = fitted(page, run)
    assert job["state"] == "failed"
    assert words in job["error"]
    assert page.look({})["saved"] == []


def test_a_fit_is_saved_and_shown_before_and_after_with_what_it_guarantees(page: CalibratePage) -> None:
    put_run(page.workbench.store, "good", graded=300)
    job = fitted(page, "good")
    assert job["state"] == "done"
    assert "not yet active" in job["summary"]
    (line,) = page.look({})["saved"]
    assert line["version"] == job["made"]
    assert line["active"] is False
    shown = drawn(page, line["version"])
    assert [row["label"] for row in shown["rows"]] == ["estimated", "combined", "calibrated", "held out"]
    for row in shown["rows"]:
        for name in ("ece", "brier", "nll", "auroc", "ece_excess"):
            figure = row["metrics"][name]
            assert figure["low"] <= figure["high"]
    assert shown["left"]["diagram"]["layout"]["title"]["text"].startswith("Before")
    counts = shown["right"]["table"]["rows"]
    facts = dict(shown["calibrator"]["facts"])
    # One half of the questions is held out for the guarantee.
    assert f"{sum(row[-1] for row in counts)}, " in facts["answers to fit"]
    assert 100 < sum(row[-1] for row in counts) < 200
    # Answers are as often correct as they seem, so some of the other half can be given at 30% risk.
    assert shown["calibrator"]["guarantee"]["holds"]
    assert "At most 30% of the answers given are incorrect" in shown["calibrator"]["guarantee"]["words"]
    assert facts["runs"] == "capitals, as they are"


def test_no_guarantee_says_why_and_cannot_be_made_active(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, graded=90))
    guarantee = drawn(page, version, alpha=0.01)["calibrator"]["guarantee"]
    assert not guarantee["holds"]
    assert guarantee["words"].startswith("No threshold guarantees at most 1% incorrect")
    with pytest.raises(Conflict, match="No threshold"):
        page.keep_guarantee({"version": version, "alpha": 0.01, "delta": 0.05})
    assert page.workbench.active.calibrator is None


def test_a_calibrator_that_was_fitted_on_everything_guarantees_nothing(page: CalibratePage) -> None:
    sides = ("calibration", "test")
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, graded=90), sides=sides)
    shown = drawn(page, version)
    assert shown["calibrator"]["guarantee"]["holds"] is False
    assert "so that none is left to prove a guarantee" in shown["calibrator"]["guarantee"]["words"]
    assert [row["label"] for row in shown["rows"]] == ["estimated", "combined", "calibrated"]
    assert ("held out", "none") in [tuple(fact) for fact in shown["calibrator"]["facts"]]
    assert "90 to fit, 0 held out" in shown["hint"]
    assert shown["groups"] is None
    with pytest.raises(Conflict, match="none is left to prove a guarantee"):
        page.keep_guarantee({"version": version, **RISK})
    assert page.workbench.active.calibrator is None


def test_one_of_the_ask_pages_labels_says_why_nothing_is_drawn(page: CalibratePage) -> None:
    run = put_run(page.workbench.store, graded=90)
    version = put_calibrator(page.workbench.store, run, sides=("calibration", "test"), runs=())
    assert "so that none is left to prove a guarantee" in drawn(page, version)["note"]


def test_a_guarantee_becomes_the_policy_that_answers_by_it(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, graded=300))
    guarantee = drawn(page, version)["calibrator"]["guarantee"]
    page.keep_guarantee({"version": version, **RISK})
    calibrator = page.workbench.active.calibrator
    assert calibrator is not None
    assert calibrator.version == version
    assert page.workbench.active.policy.answer_above == guarantee["threshold"]
    assert page.workbench.active.guarantee is not None
    assert "30%" in page.workbench.active.guarantee.replace(" %", "%")


def test_a_guarantee_that_cannot_be_kept_activates_no_calibrator_either(page: CalibratePage) -> None:
    """The calibrator is written without trouble; the table that its policy belongs into is missing."""
    store = page.workbench.store
    version = put_calibrator(store, put_run(store, graded=300))
    drawn(page, version)
    with duckdb.connect(store.path, config=SETTINGS) as db:
        db.execute("ALTER TABLE policies RENAME TO away")
        with pytest.raises(StoreError):
            page.keep_guarantee({"version": version, **RISK})
        db.execute("ALTER TABLE away RENAME TO policies")
    assert page.workbench.active.calibrator is None
    assert store.calibrators.history() == []
    assert page.workbench.active.policy == page.workbench.settings.policy
    assert Active(page.workbench.settings, store).calibrator is None


@pytest.mark.parametrize("overrides", [["policy.rules=[{signal: top1_prob, below: 0.99, gate: abstain}]"]])
def test_a_guarantee_is_proved_and_made_active_under_the_rules_that_decide(page: CalibratePage) -> None:
    """Every answer of these runs begins with a token of 0.95, which the rule of the settings stops."""
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, graded=300))
    assert drawn(page, version)["calibrator"]["guarantee"]["words"].startswith("No threshold")
    with pytest.raises(Conflict, match="No threshold"):
        page.keep_guarantee({"version": version, **RISK})
    job = fitted(page, "run-1", name="guaranteed")
    assert job["state"] == "done"
    assert page.workbench.store.policies.list() == []


@pytest.mark.parametrize("overrides", [["policy.rules=[{signal: top1_prob, below: 0.5, gate: abstain}]"]])
def test_a_guarantee_leaves_the_rules_of_the_settings_as_they_are(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, graded=300))
    drawn(page, version)
    rules = page.workbench.active.policy.rules
    page.keep_guarantee({"version": version, **RISK})
    assert page.workbench.active.policy.rules == rules == page.workbench.settings.policy.rules


def test_the_guarantee_is_made_of_each_dataset_by_itself(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_runs(page.workbench.store), runs=("many", "few"))
    shown = drawn(page, version)
    rows = {row["name"]: row for row in shown["groups"]}
    assert [*rows] == ["capitals", "rivers"]
    many, few = rows["capitals"], rows["rivers"]
    # Half of the questions of each were held out.
    assert 100 < many["n"] < 200
    assert 0 < few["n"] < 20
    assert 0 <= many["threshold"] <= 1
    assert many["accuracy"] >= 0.7
    assert (few["threshold"], few["coverage"], few["accuracy"]) == (None, None, None)
    assert few["words"].startswith("No threshold guarantees at most 30% incorrect")


def test_the_numbers_that_are_shown_add_up_where_there_are_duplicates(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_runs(page.workbench.store), runs=("many", "few"))
    shown = drawn(page, version, alpha=0.4)
    found = re.fullmatch(
        r"620 graded answers \u2212 300 duplicates = 320: (\d+) to fit, (\d+) held out",
        dict(shown["calibrator"]["facts"])["graded"],
    )
    assert found
    to_fit, held_out = map(int, found.groups())
    assert to_fit + held_out == 320
    assert f"of the {to_fit} to fit" in shown["hint"]
    assert f"of the {held_out} held out" in shown["hint"]
    assert sum(row[-1] for row in shown["right"]["table"]["rows"]) == to_fit
    assert sum(group["n"] for group in shown["groups"]) == held_out
    words = shown["calibrator"]["guarantee"]["words"]
    given = re.search(r"Of (\d+) held-out answers .* They are ([\d.]+)% of the (\d+) held-out answers", words)
    assert given
    assert int(given[3]) == held_out
    # Two digits are shown.
    assert float(given[2]) == pytest.approx(100 * int(given[1]) / held_out, abs=0.5)


def test_prediction_sets_are_made_for_all_questions_and_for_each_dataset(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_runs(page.workbench.store), runs=("many", "few"))
    first = page.sets({"version": version, "sets": 0.1})
    assert first == {"rows": [], "note": "", "computing": True}
    shown = sets_of(page, version)
    assert [row["name"] for row in shown["rows"]] == [None, "capitals", "rivers"]
    for row in shown["rows"]:
        assert sum(row["shares"].values()) == pytest.approx(1)
        assert row["interval"][0] <= row["coverage"] <= row["interval"][1]
    together = shown["rows"][0]
    # One of ten may lack it; the interval is of about 160 questions.
    assert together["interval"][0] < 0.9 < together["interval"][1] + 0.05
    small = sets_of(page, version, 0.01)["rows"][2]
    assert small["infinite"]
    assert (small["labels"], small["size"]) == (99, None)
    with pytest.raises(InvalidInput, match="Miss rate, at most must be a number above 0 and below 1"):
        page.sets({"version": version, "sets": 1})


def test_a_fit_keeps_the_prediction_sets_at_the_level_of_the_page_where_samples_can_be_graded(
    page: CalibratePage,
) -> None:
    store = page.workbench.store
    put_run(store, "plain", graded=90)
    put_run(store, "judged", graded=90, grader="judge")
    put_run(store, "alone", graded=90, n_samples=0)
    kept = {}
    for run in ("plain", "judged", "alone"):
        version = fitted(page, run, name=run, sets=0.2)["made"]
        kept[run] = Calibrator.model_validate_json(store.calibrators.load(version).body).prediction_sets
    assert (kept["judged"], kept["alone"]) == (None, None)
    assert kept["plain"] == conformal_predictor(sampled_runs(store, ["plain"]), 0.2)
    with pytest.raises(InvalidInput, match="Miss rate, at most must be a number above 0 and below 1"):
        fitted(page, "plain", sets=None)


def test_where_there_are_no_samples_it_is_said_why(page: CalibratePage) -> None:
    store, ours = page.workbench.store, shipped_calibrators()[0]
    version = put_calibrator(store, put_run(store, graded=90, n_samples=0))
    store.calibrators.save(ours.version, ours.name, ours.model_dump_json())
    for of, why in ((version, "ask.n_samples"), (ours.version, "it was deleted")):
        shown = sets_of(page, of)
        assert shown["rows"] == []
        assert why in shown["note"]


def test_a_calibrator_is_deleted_unless_it_speaks_or_ships(page: CalibratePage) -> None:
    store, ours = page.workbench.store, shipped_calibrators()[0]
    run = put_run(store, graded=90)
    first, second = (put_calibrator(store, run, name) for name in ("first", "second"))
    store.calibrators.save(ours.version, ours.name, ours.model_dump_json())
    page.activate({"version": first})
    assert drawn(page, ours.version)["calibrator"]["ships"]
    assert not drawn(page, second)["calibrator"]["ships"]
    for version, says in ((first, "is active"), (ours.version, "ships with Codex")):
        with pytest.raises(Conflict, match=says):
            page.delete({"version": version})
    page.delete({"version": second})
    assert {line["version"] for line in page.look({})["saved"]} == {first, ours.version}
    for call in (page.delete, page.show):
        with pytest.raises(NotFound):
            call({"version": second, **RISK})


def test_what_a_fit_asked_for_is_known_afterwards_and_after_a_restart_where_it_was_guaranteed(
    page: CalibratePage,
) -> None:
    put_run(page.workbench.store, "good", graded=300)
    guaranteed = fitted(page, "good", name="guaranteed", alpha=0.35, delta=0.1)["made"]
    refused = fitted(page, "good", name="refused", alpha=0.01, delta=0.1)["made"]
    asked = {line["version"]: line["asked"] for line in page.look({})["saved"]}
    assert asked == {guaranteed: {"alpha": 0.35, "delta": 0.1}, refused: {"alpha": 0.01, "delta": 0.1}}
    started = CalibratePage(page.workbench, page.jobs)
    asked = {line["version"]: line["asked"] for line in started.look({})["saved"]}
    assert asked == {guaranteed: {"alpha": 0.35, "delta": 0.1}, refused: None}


def test_the_end_of_a_fit_says_how_its_calibrator_stands_now(page: CalibratePage) -> None:
    put_run(page.workbench.store, "good", graded=90)
    version = fitted(page, "good")["made"]

    def said() -> str:
        words = page.look({})["job"]["summary"]
        assert words.startswith(version)
        return str(words.removeprefix(version))

    assert said() == " is saved, not yet active"
    page.activate({"version": version})
    assert said() == " is saved and active"
    page.rollback({})
    assert said() == " is saved, no longer active"
    page.delete({"version": version})
    assert said() == " was saved, and deleted since"


def test_another_calibrator_stands_in_the_place_of_the_estimate(page: CalibratePage) -> None:
    run = put_run(page.workbench.store, graded=90)
    first, second = (put_calibrator(page.workbench.store, run, name) for name in ("first", "second"))
    shown = drawn(page, second, **{"with": first})
    assert shown["left"]["diagram"]["layout"]["title"]["text"] == first
    assert shown["rows"][0]["label"] == first


def test_activation_can_be_taken_back(page: CalibratePage) -> None:
    run = put_run(page.workbench.store, graded=90)
    first, second = (put_calibrator(page.workbench.store, run, name) for name in ("first", "second"))

    def active() -> list[str]:
        listed = [line["version"] for line in page.look({})["saved"] if line["active"]]
        assert listed == (
            [page.workbench.active.calibrator.version] if page.workbench.active.calibrator else []
        )
        return listed

    page.activate({"version": first})
    page.activate({"version": second})
    assert active() == [second]
    page.rollback({})
    assert active() == [first]
    page.activate({"version": None})
    assert active() == []
    page.rollback({})
    assert active() == [first]


def test_a_calibrator_of_other_answers_warns(page: CalibratePage) -> None:
    store, samples = page.workbench.store, page.workbench.settings.ask.n_samples
    run = put_run(store, graded=90)
    model = put_calibrator(store, run, "model", model="another:model:q4")
    sampled = put_calibrator(store, run, "sampled", n_samples=samples + 3)
    prompt = put_calibrator(store, run, "prompt", prompt="0123456789ab")
    mismatches = {line["version"]: line["mismatch"] for line in page.look({})["saved"]}
    assert "another:model:q4" in mismatches[model]
    assert f"{samples + 3} samples" in mismatches[sampled]
    assert "other prompt templates" in mismatches[prompt]
    assert page.show({"version": model, **RISK})["calibrator"]["mismatch"] == mismatches[model]


def test_a_run_that_is_deleted_takes_the_diagrams_with_it_and_nothing_else(page: CalibratePage) -> None:
    run = put_run(page.workbench.store, "gone", graded=90)
    version = put_calibrator(page.workbench.store, run)
    page.workbench.store.runs.delete("gone")
    shown = drawn(page, version)
    assert shown["left"] is None
    assert shown["right"] is None
    assert "deleted" in shown["note"]
    assert shown["rows"][2]["metrics"]["ece"]["value"] >= 0
    assert "deleted" in dict(shown["calibrator"]["facts"])["runs"]
    with pytest.raises(NotFound):
        page.fit({"runs": ["gone"], "method": "auto", "name": "", **RISK, **SETS})


def test_a_calibrator_that_ships_is_drawn_from_the_run_that_ships_with_it(page: CalibratePage) -> None:
    ours, store = shipped_calibrators()[0], page.workbench.store
    store.calibrators.save(ours.version, ours.name, ours.model_dump_json())
    load_example(store, ours.model)
    shown = drawn(page, ours.version)
    assert shown["left"]
    assert shown["right"]
    assert ("datasets", ", ".join(ours.datasets)) in shown["calibrator"]["facts"]


def test_a_calibrator_that_ships_is_shown_without_the_run_that_ships_with_it(page: CalibratePage) -> None:
    ours = shipped_calibrators()[0]
    page.workbench.store.calibrators.save(ours.version, ours.name, ours.model_dump_json())
    shown = drawn(page, ours.version)
    assert "it was deleted, or never there" in shown["note"]
    assert (shown["left"], shown["right"], shown["calibrator"]["guarantee"]) == (None, None, None)


def test_diagrams_that_were_drawn_stay_when_their_run_is_deleted(page: CalibratePage) -> None:
    version = put_calibrator(page.workbench.store, put_run(page.workbench.store, "gone", graded=90))
    before = drawn(page, version)
    page.workbench.store.runs.delete("gone")
    assert page.show({"version": version, **RISK})["right"] == before["right"]


@pytest.mark.parametrize("alpha", [0, 1, 2, "much", None])
def test_a_risk_outside_of_0_to_1_is_refused(page: CalibratePage, alpha: object) -> None:
    put_run(page.workbench.store, "good", graded=90)
    with pytest.raises(InvalidInput, match="above 0 and below 1"):
        page.fit({"runs": ["good"], "method": "auto", "name": "", "alpha": alpha, "delta": 0.05, **SETS})


def test_a_cancelled_fit_saves_nothing(page: CalibratePage) -> None:
    put_run(page.workbench.store, "good", graded=400)
    job = page.fit({"runs": ["good"], "method": "auto", "name": "", **RISK, **SETS})
    page.cancel({"job": job["id"]})
    ended = page.jobs.wait(job["id"], WAIT)
    assert ended.state == "cancelled"
    assert page.look({})["saved"] == []
