"""The Tune page's calls: what a policy would have done, thresholds for a target, policies kept and read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codex.ask.deciding import decide_one
from codex.ask.workbench import Workbench
from codex.calibration import Calibrator, fit
from codex.datasets.splits import split
from codex.errors import InvalidInput, NotFound
from codex.pages.tune.page import TunePage
from codex.pages.tune.policies import MAX_YAML, from_yaml, to_yaml
from codex.pages.tune.table import POINTS, SortedTable
from codex.policy import Policy, Rule
from codex.settings import load_settings
from codex.store import Store
from codex.store.versions.policies import UNSAVED
from codex.types import Action
from tests.support.kept_run import GROUP, keep_run
from tests.support.scripted import Script, ScriptedEngine

N = 200
BARE = Policy(rules=(), answer_above=0.5, abstain_below=0.2)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    home = tmp_path_factory.mktemp("tune")
    workbench = Workbench(
        load_settings([f"home={home}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db")
    )
    keep_run(workbench.store, n=N)
    yield workbench
    workbench.close()


@pytest.fixture
def page(shared: Workbench) -> Iterator[TunePage]:
    yield TunePage(shared)
    shared.active.activate_calibrator(None)
    shared.active.activate_policy(shared.settings.policy)


def body(policy: Policy) -> dict[str, Any]:
    return policy.model_dump(mode="json")


def moved(page: TunePage, policy: Policy, **also: Any) -> dict[str, Any]:
    """As the page sees it: through JSON, which has no NaN."""
    wanted = {
        "run": "r1",
        "key": "",
        "policy": body(policy),
        "other": body(BARE),
        "before": body(BARE),
        **also,
    }
    return json.loads(json.dumps(page.move(wanted), allow_nan=False))


def proposed(page: TunePage, policy: Policy = BARE, **wanted: Any) -> dict[str, Any]:
    typed = {"by": "risk", "risk": "30", "coverage": "50", "confidence_level": "95"} | wanted
    return page.propose({"run": "r1", "key": "", "policy": body(policy), **typed})


def test_the_page_counts_what_the_service_would_decide_one_by_one(page: TunePage) -> None:
    policy = Policy(rules=(Rule(signal="top1_prob", below=0.7, gate="abstain"),), answer_above=0.6)
    records = list(page.workbench.store.runs.records("r1"))
    decided = [decide_one(policy, r.signals, r.signals["evidence_support"]).action for r in records]
    answered = [r.correct for r, action in zip(records, decided, strict=True) if action is Action.ANSWER]
    now = moved(page, policy)["now"]
    assert now["actions"] == {str(action): decided.count(action) for action in Action}
    assert now["coverage"] == len(answered) / N
    assert now["accuracy"] == sum(map(bool, answered)) / len(answered)
    assert now["correct"] + now["correct_withheld"] == sum(bool(r.correct) for r in records)
    assert now["rules"] == [140 - 1]  # confidences 1/200 to 139/200 lie below 0.7


def test_the_interval_is_wilsons(page: TunePage) -> None:
    now = moved(page, BARE)["now"]
    n, p, z = 101, now["accuracy"], 1.959964  # confidences 100/200 to 200/200
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    ends = [(middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)]
    assert now["interval"] == pytest.approx(ends, abs=1e-6)


def test_questions_that_change_sides_are_listed_with_where_from_and_where_to(page: TunePage) -> None:
    changes = moved(page, BARE.model_copy(update={"answer_above": 0.55}), limit=3)["changes"]
    assert changes["total"] == 10  # 100/200 to 109/200
    [move] = changes["moves"]
    assert (move["from"], move["to"], move["count"]) == ("answer", "defer", 10)
    assert [line["confidence"] for line in changes["questions"]] == [0.545, 0.54, 0.535]
    first = page.workbench.store.runs.record("r1", changes["questions"][0]["id"])
    assert (changes["questions"][0]["question"], changes["questions"][0]["correct"]) == (
        first.observation.question,
        first.correct,
    )


def test_another_baseline_for_the_changes_leaves_the_comparison(page: TunePage) -> None:
    higher = BARE.model_copy(update={"answer_above": 0.55})
    seen = moved(page, higher, before=body(higher))
    assert (seen["changes"]["total"], seen["differs"]) == (0, 10)


def test_nothing_answered_has_no_accuracy_and_no_point(page: TunePage) -> None:
    seen = moved(page, Policy(rules=(Rule(signal="top1_prob", below=2.0, gate="abstain"),)))
    assert (seen["now"]["accuracy"], seen["now"]["interval"], seen["now"]["coverage"]) == (None, None, 0.0)
    assert "policy" not in {trace["name"] for trace in seen["figure"]["data"]}


def test_the_policys_point_lies_on_the_curve(page: TunePage) -> None:
    policy = Policy(rules=(Rule(signal="entropy", above=1.0, gate="abstain"),), answer_above=0.8)
    traces = {trace["name"]: trace for trace in moved(page, policy)["figure"]["data"]}
    point = (traces["policy"]["x"][0], traces["policy"]["y"][0])
    assert min(np.hypot(x - point[0], y - point[1]) for x, y in zip(*curve(traces), strict=True)) < 1e-9


def curve(traces: dict[str, Any]) -> tuple[list[float], list[float]]:
    return traces["risk"]["x"], traces["risk"]["y"]


def test_a_curve_that_is_drawn_already_is_not_sent_again(page: TunePage) -> None:
    rule = Rule(signal="entropy", above=1.0, gate="abstain")
    first = moved(page, BARE)
    higher = moved(page, BARE.model_copy(update={"answer_above": 0.7}), curve=first["curve"])
    assert (higher["figure"], higher["curve"]) == (None, first["curve"])
    ruled = moved(page, BARE.model_copy(update={"rules": (rule,)}), curve=first["curve"])
    assert ruled["figure"] is not None
    nothing = moved(page, Policy(rules=(), answer_above=1.0, abstain_below=0.0), curve=first["curve"])
    assert nothing["figure"] is None  # one answer has confidence 1, so there is a point still
    guaranteed = Policy.model_validate(proposed(page, risk="45")["policy"])
    assert moved(page, guaranteed, curve=first["curve"])["figure"] is not None
    assert {"policy", "compared"} <= {trace["name"] for trace in first["figure"]["data"]}


def test_the_curve_takes_equal_confidences_together(shared: Workbench) -> None:
    table = shared.store.runs.table("r1")
    seeded = np.random.default_rng(1)
    confidence = seeded.integers(0, 5, N) / 4
    confidence[:20] = np.nan
    seen = SortedTable(table, confidence).curve(BARE)
    assert seen.threshold.tolist() == [1, 0.75, 0.5, 0.25, 0]
    for coverage, risk, threshold in zip(seen.coverage, seen.risk, seen.threshold, strict=True):
        given = confidence >= threshold
        assert coverage == given.mean()
        assert risk == pytest.approx(1 - table.correct[given].mean())


def test_a_long_curve_is_thinned_to_what_a_screen_shows(shared: Workbench) -> None:
    table = shared.store.runs.table("r1")
    many = 50
    big = type(table)(
        ids=table.ids * many,
        questions=table.questions * many,
        texts=table.texts * many,
        groups=np.tile(table.groups, many),
        correct=np.tile(table.correct, many),
        signals={name: np.tile(column, many) for name, column in table.signals.items()},
        ungraded=0,
    )
    seen = SortedTable(big, np.random.default_rng(2).random(N * many)).curve(BARE)
    assert len(seen.risk) == POINTS
    assert seen.coverage[-1] == 1


def test_a_target_risk_gives_the_threshold_and_its_guarantee(page: TunePage) -> None:
    found = proposed(page, risk="45")
    policy = Policy.model_validate(found["policy"])
    guarantee = policy.guarantee
    assert guarantee is not None
    assert (guarantee.risk, guarantee.confidence_level, guarantee.run, guarantee.questions) == (
        0.45,
        0.95,
        "r1",
        N,
    )
    now = moved(page, policy)["now"]
    assert (guarantee.answered, guarantee.incorrect) == (now["actions"]["answer"], now["incorrect"])
    assert found["words"].startswith(
        "At most 45% of the answers given are incorrect, at the 95% confidence level. "
        f"Of 200 graded questions {guarantee.answered} are answered at once, {guarantee.incorrect} of them "
        "incorrectly"
    )


def test_a_target_that_cannot_be_guaranteed_says_why_and_moves_nothing(page: TunePage) -> None:
    found = proposed(page, risk="1")
    assert found["policy"] is None
    assert "200" in found["words"]
    assert "1%" in found["words"]


def test_a_target_coverage_answers_at_least_that_share(page: TunePage) -> None:
    found = proposed(page, by="coverage", coverage="33")
    policy = Policy.model_validate(found["policy"])
    assert policy.answer_above == 135 / 200  # the 66th highest of 200
    assert moved(page, policy)["now"]["coverage"] == 0.33
    assert policy.guarantee is not None
    assert policy.guarantee.incorrect / policy.guarantee.answered < policy.guarantee.risk < 1


def test_a_coverage_that_the_rules_forbid_says_how_much_they_allow(page: TunePage) -> None:
    strict = Policy(rules=(Rule(signal="top1_prob", below=0.9, gate="abstain"),))
    found = proposed(page, strict, by="coverage", coverage="50")
    assert found["policy"] is None
    assert "At most 10.5%" in found["words"]  # 180/200 to 200/200


def test_a_lower_threshold_takes_abstain_below_along(page: TunePage) -> None:
    policy = Policy.model_validate(proposed(page, by="coverage", coverage="95")["policy"])
    assert policy.abstain_below == policy.answer_above < BARE.abstain_below


@pytest.mark.parametrize(
    ("name", "typed"),
    [("risk", "0"), ("risk", "100"), ("risk", "200"), ("risk", "x"), ("confidence_level", "nan")],
)
def test_a_target_that_is_no_share_is_refused_with_what_was_typed(
    page: TunePage, name: str, typed: str
) -> None:
    with pytest.raises(InvalidInput, match=f"percentage above 0 and below 100, not '{typed}'"):
        proposed(page, **{name: typed})


def calibrator(page: TunePage, **also: Any) -> Calibrator:
    """Fitted to the questions of the run on the calibration side, and active."""
    table = page.workbench.store.runs.table("r1")
    sides = also.get("sides", ("calibration",))
    side = np.array([split(question) in sides for question in table.questions])
    columns = {"top1_prob": table.signals["top1_prob"][side]}
    fitted = fit(columns, table.correct[side], signs={"top1_prob": 1}, method="platt")
    made = Calibrator(
        name="sums",
        method=fitted.method,
        design=fitted.design,
        map=fitted.map,
        **(
            {"model": "scripted", "prompt": "prompt", "n_samples": 0, "sample_temperature": 0.0}
            | {"evidence": False, "runs": ("r1",), "datasets": (GROUP,)}
            | also
        ),
        questions=int(side.sum()),
        accuracy=0.5,
        metrics={"before": {}, "after": {}},
        created_at=datetime.now(UTC),
    )
    store = page.workbench.store
    store.calibrators.save(made.version, made.name, made.model_dump_json(), "r1")
    page.workbench.active.activate_calibrator(made.version)
    return made


def test_the_active_calibrator_speaks_where_it_holds_for_the_run(page: TunePage) -> None:
    before = page.open({"run": "r1", "policy": body(BARE)})
    assert (before["calibrator"], before["why"]) == (None, "No calibrator is active.")
    made = calibrator(page)
    after = page.open({"run": "r1", "policy": body(BARE)})
    assert after["calibrator"] == made.version
    assert after["key"] != before["key"]
    assert (before["seen"], after["seen"]) == (False, True)
    table = page.workbench.store.runs.table("r1")
    answered = int((made.confidences(table.signals) >= 0.5).sum())
    assert moved(page, BARE)["now"]["actions"]["answer"] == answered


def test_a_calibrator_of_another_model_is_not_used_and_the_page_says_why(page: TunePage) -> None:
    calibrator(page, model="another model")
    opened = page.open({"run": "r1", "policy": body(BARE)})
    assert opened["calibrator"] is None
    assert "another model" in opened["why"]


@pytest.mark.parametrize("by", ["risk", "coverage"])
def test_a_calibrator_that_has_seen_the_whole_run_guarantees_nothing_on_it(page: TunePage, by: str) -> None:
    made = calibrator(page, sides=("calibration", "test"))
    assert page.open({"run": "r1", "policy": body(BARE)})["unproven"] == made.why_unproven
    found = proposed(page, by=by, risk="45", coverage="40")
    assert found["words"] == made.why_unproven
    assert "so that none is left to prove a guarantee" in found["words"]
    if by == "risk":
        assert found["policy"] is None
    else:
        assert Policy.model_validate(found["policy"]).guarantee is None


def test_a_calibrator_of_other_answers_that_holds_nothing_out_is_proved_on_these(page: TunePage) -> None:
    calibrator(page, sides=("calibration", "test"), runs=(), datasets=("rivers",))
    guarantee = Policy.model_validate(proposed(page, by="coverage", coverage="40")["policy"]).guarantee
    assert guarantee is not None
    assert guarantee.questions == N


@pytest.mark.parametrize("sides", [("calibration",), ("calibration", "test")])
def test_questions_of_the_ask_page_may_stand_in_any_run(page: TunePage, sides: tuple[str, ...]) -> None:
    made = calibrator(page, sides=sides, runs=(), datasets=("Ask page",))
    found = proposed(page, by="coverage", coverage="40")
    guarantee = Policy.model_validate(found["policy"]).guarantee
    if made.holds_out:
        assert guarantee is not None
        assert guarantee.questions == N - made.questions
    else:
        assert (guarantee, found["words"]) == (None, made.why_unproven)


def test_a_guarantee_rests_only_on_questions_that_the_calibrator_has_not_seen(page: TunePage) -> None:
    made = calibrator(page)
    found = proposed(page, by="coverage", coverage="40")
    guarantee = Policy.model_validate(found["policy"]).guarantee
    assert guarantee is not None
    assert guarantee.calibrator == made.version
    assert guarantee.questions == N - made.questions
    assert f"{made.questions} more do not count" in found["words"]


def test_a_deleted_run_is_said_and_forgotten(page: TunePage) -> None:
    store = page.workbench.store
    keep_run(store, "gone", n=30)
    assert moved(page, BARE, run="gone")["now"]["questions"] == 30
    store.runs.delete("gone")
    assert page.look({"run": "gone"})["key"] is None
    with pytest.raises(NotFound, match="deleted"):
        moved(page, BARE, run="gone")


def test_a_run_that_grew_has_another_key_and_is_read_again_only_when_asked(page: TunePage) -> None:
    store = page.workbench.store
    keep_run(store, "growing", n=30)
    opened = page.open({"run": "growing", "policy": body(BARE)})
    [record] = [r for r in store.runs.records("growing") if r.id == "q3"]
    store.runs.add("growing", [type(record)(**{**fields(record), "id": "new"})])
    assert page.look({"run": "growing"})["key"] != opened["key"]
    assert moved(page, BARE, run="growing", key=opened["key"])["now"]["questions"] == 30
    assert page.open({"run": "growing", "policy": body(BARE)})["questions"] == 31
    store.runs.delete("growing")


def test_a_run_in_which_a_person_graded_has_another_key_and_the_persons_verdicts(page: TunePage) -> None:
    store = page.workbench.store
    keep_run(store, "labelled", n=30)
    opened = page.open({"run": "labelled", "policy": body(BARE)})
    everything = Policy(rules=(), answer_above=0.0, abstain_below=0.0)
    before = moved(page, everything, run="labelled", key=opened["key"])["now"]
    store.runs.label("labelled", "q3", not store.runs.record("labelled", "q3").correct)
    key = page.look({"run": "labelled"})["key"]
    assert key != opened["key"]
    assert page.open({"run": "labelled", "policy": body(BARE)})["key"] == key
    assert moved(page, everything, run="labelled", key=key)["now"] != before
    store.runs.delete("labelled")


def fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_a_run_without_graded_answers_is_an_empty_one(page: TunePage) -> None:
    keep_run(page.workbench.store, "empty", n=0)
    assert page.open({"run": "empty", "policy": body(BARE)})["questions"] == 0
    with pytest.raises(InvalidInput, match="no graded answers"):
        moved(page, BARE, run="empty")
    page.workbench.store.runs.delete("empty")


def test_a_rule_on_a_signal_that_the_run_lacks_never_holds(page: TunePage) -> None:
    policy = Policy(rules=(Rule(signal="nowhere", below=1.0, gate="abstain"),), answer_above=0.5)
    opened = page.open({"run": "r1", "policy": body(policy)})
    assert opened["scales"]["nowhere"]["missing"] == N
    assert moved(page, policy)["now"]["rules"] == [0]


def test_a_policy_is_saved_listed_and_made_active(page: TunePage) -> None:
    workbench = page.workbench
    careful = body(BARE.model_copy(update={"answer_above": 0.9}))
    saved = page.save({"policy": careful, "name": " careful "})
    assert saved["name"] == "careful"
    assert workbench.active.policy.version != saved["version"]
    looked = page.look({})
    assert saved["version"] in {line["version"] for line in looked["policies"]}
    assert workbench.settings.policy.version in {line["version"] for line in looked["policies"]}
    page.activate({"policy": careful, "name": "careful"})
    assert workbench.active.policy.version == saved["version"] == page.look({})["active"]["version"]
    active = workbench.store.policies.active()
    assert active is not None
    assert active.version == saved["version"]


@pytest.mark.parametrize("name", ["", "  ", None, "x" * 81, "two\nlines", UNSAVED])
def test_a_policy_without_a_usable_name_is_refused(page: TunePage, name: str | None) -> None:
    with pytest.raises(InvalidInput, match="name"):
        page.save({"policy": body(BARE), "name": name})


def test_a_policy_survives_its_file(page: TunePage) -> None:
    policy = Policy(name="für Käthe", answer_above=0.723456789)
    exported = page.export({"policy": body(policy), "name": "für Käthe: #1"})
    assert exported["name"] == "für-Käthe---1.yaml"
    assert from_yaml(exported["text"]) == policy.model_copy(update={"name": "für Käthe: #1"})


def test_a_file_of_the_settings_is_a_policy(page: TunePage) -> None:
    shipped = Path(__file__).parents[2] / "codex" / "conf" / "policy" / "default.yaml"
    assert from_yaml(shipped.read_text()) == page.workbench.settings.policy


def test_a_guarantee_in_a_file_counts_only_where_it_was_made(page: TunePage) -> None:
    guaranteed = Policy.model_validate(proposed(page, risk="45")["policy"]).model_copy(
        update={"name": "mine"}
    )
    text = to_yaml(guaranteed)
    unknown = page.read({"text": text})
    assert (unknown["dropped"], unknown["policy"]["guarantee"]) == (True, None)
    page.save({"policy": body(guaranteed), "name": "mine"})
    known = page.read({"text": text})
    assert (known["dropped"], known["policy"]["guarantee"]) == (False, body(guaranteed)["guarantee"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("answer_above: [0.5", "not valid YAML in line 1"),
        ("just text", "needs rules, answer_above"),
        ("", "needs rules, answer_above"),
        ("- a\n- b", "needs rules, answer_above"),
        ("answer_above: high", "answer_above: Input should be a valid number"),
        ("answer_above: 2", "answer_above: Input should be less than or equal to 1"),
        ("answer_above: 0.1\nabstain_below: 0.9", r"abstain_below \(0.9\) must not exceed"),
        ("rules:\n  - {signal: entropy, gate: abstain}", "rules 1: the rule on 'entropy' needs exactly one"),
        (
            "rules:\n  - {signal: entropy, above: .nan, gate: abstain}",
            "rules 1 above: Input should be",
        ),
        ("surprise: 1", "surprise: Extra inputs are not permitted"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML in line 1"),
        ("\x00", "not valid YAML"),
        ("[" * 1500, "not valid YAML"),
        ("a" * (MAX_YAML + 1), "larger than 64 KiB"),
    ],
)
def test_a_bad_file_is_refused_in_words(page: TunePage, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        page.read({"text": text})
