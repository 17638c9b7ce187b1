"""Rollups by hour, where signals lie, and what old answers leave behind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from codex.store import Store
from codex.store.database.migrations import MIGRATIONS, count_tokens
from codex.store.labelling.labels import Label
from codex.store.labelling.queues import LabelQueue
from codex.store.monitoring.monitoring import MOST_ANSWERS
from codex.store.monitoring.rollups import SECONDS, Failed, Rollup, Window
from codex.types import Action, Confidence, Decision, Gate, Trace, TraceParams
from tests.support.traces import make_trace
from tests.support.undone import UNDO

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb", "full") as opened:
        yield opened


def answer(
    number: int,
    at: datetime = NOON,
    *,
    action: Action = Action.ANSWER,
    confidence: float | None = 0.5,
    seconds: float = 1.0,
    model: str = "m",
    policy: str = "p@1",
    signals: dict[str, float | None] | None = None,
    session: str = "s",
    calibrator: str | None = None,
    before: tuple[str, ...] = (),
) -> Trace:
    """before: kinds of steps before the one that decides."""
    whole = make_trace(number, samples=1, tokens=3, session=session)
    last = replace(
        whole.last,
        confidence=Confidence(confidence, calibrated=confidence if calibrator else None),
        decision=Decision(action, Gate.PROCEED, ""),
        signals=signals if signals is not None else {"entropy": float(number)},
    )
    kinds = ("ask", *before)
    # Steps before the last decide otherwise, which must not count.
    others = replace(last, confidence=Confidence(0.0), decision=Decision(Action.ABSTAIN, Gate.RETRIEVE, ""))
    steps = tuple(
        replace(last if place == len(kinds) - 1 else others, kind=kind)  # type: ignore[arg-type]
        for place, kind in enumerate(kinds)
    )
    return replace(
        whole,
        created_at=at,
        model=model,
        policy=policy,
        steps=steps,
        seconds=seconds,
        params=TraceParams(calibrator=calibrator),
    )


def test_an_hour_counts_what_the_last_step_of_each_question_decided(store: Store) -> None:
    store.save(answer(1, confidence=0.95, seconds=0.2))
    store.save(answer(2, action=Action.DEFER, confidence=0.4, seconds=7.0, before=("retrieve", "reflect")))
    store.save(answer(3, action=Action.ABSTAIN, confidence=None, seconds=500.0))
    assert store.monitoring.roll_up() == 5
    [hour] = store.monitoring.hours(Window())
    prompts = sum(
        step.observation.generation.prompt_tokens
        for number in (1, 2, 3)
        for step in store.load(f"trace-{number}").steps
    )
    seconds = [0] * (len(SECONDS) + 1)
    for place in (0, SECONDS.index(10.0), len(SECONDS)):
        seconds[place] = 1
    confidences = [0] * 10
    confidences[9] = confidences[4] = 1
    assert hour == Rollup(
        NOON, "m", "p@1",
        answered=1, deferred=1, abstained=1, retrievals=1, reflections=1, confident=2,
        confidence_sum=pytest.approx(1.35), seconds_sum=pytest.approx(507.2),
        prompt_tokens=prompts, answer_tokens=5 * 3, sample_tokens=5 * 3,
        seconds=tuple(seconds), confidences=tuple(confidences), failures={},
    )  # fmt: skip
    assert hour.confidence == pytest.approx(0.675)
    assert hour.latency == pytest.approx(169.1, abs=0.1)


def test_rolling_up_bit_by_bit_gives_what_rolling_up_at_once_gives(tmp_path: Path) -> None:
    chance = random.Random(5)
    traces = [
        answer(
            number,
            NOON + chance.randrange(-3, 4) * HOUR,  # the clock goes back and forth
            action=chance.choice(list(Action)),
            confidence=chance.random(),
            seconds=10 * chance.random(),
            model=chance.choice("ab"),
            policy=chance.choice(["p@1", "p@2"]),
            before=chance.choice([(), ("retrieve",)]),
        )
        for number in range(60)
    ]
    with Store(tmp_path / "once.duckdb") as once, Store(tmp_path / "often.duckdb") as often:
        for place, trace in enumerate(traces):
            once.save(trace)
            often.save(trace)
            if place % 7 == 0:
                often.monitoring.roll_up()
        for each in (once, often):
            each.monitoring.roll_up()
            assert each.monitoring.roll_up() == 0
        whole, parts = (each.monitoring.hours(Window()) for each in (once, often))
        assert sum(hour.answers for hour in whole) == 60
        assert len(whole) == len(parts) > 10
        for one, other in zip(whole, parts, strict=True):
            assert replace(one, confidence_sum=0, seconds_sum=0) == replace(
                other, confidence_sum=0, seconds_sum=0
            )
            assert one.confidence_sum == pytest.approx(other.confidence_sum)
            assert one.seconds_sum == pytest.approx(other.seconds_sum)
        assert once.monitoring.series() == often.monitoring.series()


def test_answers_of_a_clock_that_went_back_fall_into_their_own_hour(store: Store) -> None:
    store.save(answer(1, NOON))
    store.monitoring.roll_up()
    store.save(answer(2, NOON - 30 * HOUR))
    store.monitoring.roll_up()
    assert [(hour.hour, hour.answers) for hour in store.monitoring.hours(Window())] == [
        (NOON - 30 * HOUR, 1),
        (NOON, 1),
    ]


def test_totals_are_the_sums_of_the_hours_of_a_window(store: Store) -> None:
    for number in range(6):
        store.save(answer(number, NOON + number * HOUR, model="ab"[number % 2], confidence=number / 10))
    store.monitoring.roll_up()
    every = store.monitoring.totals(Window())
    assert [(each.model, each.answers, each.hour) for each in every] == [("a", 3, None), ("b", 3, None)]
    assert every[1].confidence_sum == pytest.approx(0.1 + 0.3 + 0.5)
    window = Window(NOON + HOUR, NOON + 4 * HOUR, model="b", policy="p@1")
    assert [each.answers for each in store.monitoring.totals(window)] == [2]
    assert store.monitoring.totals(replace(window, policy="other")) == []


def test_failures_are_counted_beside_the_answers_and_alone(store: Store) -> None:
    store.save(answer(1))
    store.monitoring.roll_up()
    failed = Failed(NOON, "m", "p@1", "ModelError", 2)
    store.monitoring.add_failures([failed, replace(failed, error="Busy", count=1)])
    store.monitoring.add_failures([failed, replace(failed, model="other", hour=NOON + HOUR)])
    first, second = store.monitoring.hours(Window())
    assert (first.answers, first.failures, first.error_share) == (1, {"Busy": 1, "ModelError": 4}, 5 / 6)
    assert (second.model, second.answers, second.failed, second.error_share) == ("other", 0, 2, 1.0)
    assert (second.confidence, second.latency, second.share(0)) == (None, None, None)
    assert store.monitoring.series() == [("m", "p@1"), ("other", "p@1")]


def test_rollups_survive_a_restart_and_the_deletion_of_their_answers(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path) as store:
        for number in range(3):
            store.save(answer(number))
        store.monitoring.roll_up()
        store.delete_session("s")
    with Store(path) as store:
        assert store.monitoring.roll_up() == 0
        store.save(answer(9))
        assert store.monitoring.roll_up() == 1
        assert [hour.answers for hour in store.monitoring.hours(Window())] == [4]


def test_answers_of_before_there_was_monitoring_are_rolled_up_with_their_tokens(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path) as store:
        store.save(answer(1, before=("retrieve",)))
    before = MIGRATIONS.index(count_tokens)
    with duckdb.connect(path) as db:
        for version in range(len(MIGRATIONS), before, -1):
            for statement in UNDO[version]:
                db.execute(statement)
        db.execute("DELETE FROM schema_migrations WHERE version > ?", [before])
    with Store(path) as store:
        store.monitoring.roll_up()
        [hour] = store.monitoring.hours(Window())
        assert (hour.answers, hour.answer_tokens, hour.sample_tokens) == (1, 6, 6)


def test_quantiles_are_those_of_the_first_step_of_the_answers_of_a_window(store: Store) -> None:
    values = np.random.default_rng(3).normal(size=41)
    for number, value in enumerate(values):
        signals = {"entropy": float(value), "it's": 1.0, "none": None}
        at = NOON + (number >= 40) * HOUR
        store.save(answer(number, at, signals=signals, confidence=number / 100, before=("retrieve",)))
    # The names of signals that no answer has are left out.
    found = store.monitoring.distributions(
        Window(until=NOON + HOUR, model="m"), ("entropy", "it's", "none", "unknown")
    )
    assert (found.answers, found.looked_at, sorted(found.signals)) == (40, 40, ["entropy", "it's"])
    entropy = found.signals["entropy"]
    assert entropy.n == 40
    assert [entropy.p10, entropy.p50, entropy.p90] == pytest.approx(np.quantile(values[:40], [0.1, 0.5, 0.9]))
    assert found.confidence is not None
    assert found.confidence.p50 == pytest.approx(0.195)
    empty = store.monitoring.distributions(Window(model="other"), ("entropy",))
    assert (empty.answers, empty.signals, empty.confidence) == (0, {}, None)
    assert MOST_ANSWERS == 100_000  # what the page says


def test_labelled_answers_are_those_that_a_policy_gave_in_the_order_of_their_labels(store: Store) -> None:
    for number in range(5):
        store.save(answer(number, action=Action.DEFER if number == 2 else Action.ANSWER, calibrator="c@1"))
    store.save(answer(5, policy="p@2"))
    store.save(answer(6, calibrator="c@2"))
    for number, correct in ((3, True), (0, False), (2, False), (5, False), (6, True), (1, True)):
        store.label(f"trace-{number}", correct)
    assert store.monitoring.labelled_answers("p@1", "c@1") == [True, False, True]
    assert store.monitoring.labelled_answers("p@1") == [True, False, True, True]
    store.label("trace-0", None)
    store.label("trace-3", False)  # a changed label comes last
    store.labels.put(Label("", "trace-1", "unclear"))
    assert store.monitoring.labelled_answers("p@1", "c@1") == [False]


def test_old_answers_go_with_all_they_hold_and_their_counts_stay(store: Store, tmp_path: Path) -> None:
    for number in range(4):
        store.save(answer(number, NOON + number * HOUR, session="old" if number < 2 else "both"))
    store.save(answer(4, NOON + 9 * HOUR, session="both"))
    store.monitoring.roll_up()
    assert store.monitoring.retire(NOON + 3 * HOUR).deleted == 3
    assert [session.id for session in store.sessions.list()] == ["both"]
    assert [trace.id for trace in store.sessions.traces("both")] == ["trace-3", "trace-4"]
    assert store.load("trace-3").last.observation.generation.tokens
    assert sum(hour.answers for hour in store.monitoring.hours(Window())) == 5
    store.close()
    with duckdb.connect(tmp_path / "codex.duckdb") as db:
        counts = [
            db.execute(f"SELECT count(DISTINCT {column}) FROM {table}").fetchall()[0][0]
            for table, column in (("model_inference_token_stats", "event_id"), ("sessions", "id"))
        ]
    assert counts == [2, 1]


def test_labelled_answers_and_those_that_wait_for_a_label_are_not_deleted(store: Store) -> None:
    for number in range(4):
        store.save(answer(number, session=f"s{number}"))
    store.monitoring.roll_up()
    store.label("trace-0", False)
    store.label_queues.create(LabelQueue("q", "q", "asked", "", "newest", 1, NOON))
    pool = store.label_queues.asked("asked", "q")
    one = [pool.keys.index(("", "trace-1"))]
    only = replace(pool, keys=(("", "trace-1"),), confidence=pool.confidence[one], made_at=pool.made_at[one])
    store.label_queues.add("q", only, np.zeros(1), None)
    retired = store.monitoring.retire(NOON + HOUR)
    assert (retired.deleted, retired.kept) == (2, 2)
    assert {session.id for session in store.sessions.list()} == {"s0", "s1"}
    store.label("trace-0", None)
    assert store.monitoring.retire(NOON + HOUR).deleted == 1


def test_what_is_not_counted_yet_is_not_deleted(store: Store) -> None:
    store.save(answer(1))
    assert store.monitoring.retire(NOON + HOUR).deleted == 0
    store.monitoring.roll_up()
    assert store.monitoring.retire(NOON + HOUR).deleted == 1


def test_drift_counts_deleted_answers_as_seen(store: Store) -> None:
    for number in range(6):
        store.save(answer(number, NOON + number * HOUR, calibrator="c@1"))
    store.monitoring.roll_up()
    store.monitoring.retire(NOON + 4 * HOUR)
    seen, newest = store.calibrated_signals("c@1", 10)
    assert (seen, [row["entropy"] for row in newest]) == (6, [4.0, 5.0])
