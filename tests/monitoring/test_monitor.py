"""The alerts of a workbench: looked at, kept, told."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.calibration.drift import EVERY
from codex.errors import CodexError, InvalidInput, ModelError, NotFound, SettingsError
from codex.monitoring.monitor import Monitor
from codex.monitoring.readings import NAMES
from codex.policy import Policy, PolicyGuarantee
from codex.settings import load_settings
from codex.store.monitoring.alerts import AlertState
from codex.store.monitoring.rollups import Window
from codex.types import Action, Confidence, Decision, Gate, Trace, TraceParams
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually, workbench
from tests.support.traces import make_trace

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
Made = Callable[..., Monitor]


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tmp_path: Path, clock: Clock) -> Iterator[Made]:
    """Monitors of workbenches that share a home, as after a restart."""
    opened: list[Workbench] = []

    def make(*overrides: str, engine: ScriptedEngine | None = None) -> Monitor:
        for each in opened:
            each.close()
        opened.clear()
        scripted = engine or ScriptedEngine(lambda _: Script(["Paris"]))
        opened.append(workbench(trust(tmp_path), scripted, "ask.n_samples=1", *overrides))
        return Monitor(opened[-1], clock)

    yield make
    for each in opened:
        each.close()


def answered(
    monitor: Monitor, numbers: range, action: Action = Action.ANSWER, at: datetime = NOON
) -> list[str]:
    """Answers by the active policy; returns their ids."""
    active = monitor.workbench.active
    calibrator = active.calibrator.version if active.calibrator else None
    made = []
    for number in numbers:
        whole = make_trace(number, samples=0, tokens=1)
        confidence = Confidence(0.9, calibrated=0.9 if calibrator else None)
        last = replace(whole.last, decision=Decision(action, Gate.PROCEED, ""), confidence=confidence)
        trace: Trace = replace(
            whole,
            created_at=at,
            policy=active.policy.version,
            steps=(last,),
            params=TraceParams(calibrator=calibrator),
        )
        monitor.workbench.store.save(trace)
        made.append(trace.id)
    return made


def look(monitor: Monitor, name: str) -> AlertState:
    return next(state for state in monitor.look() if state.name == name)


def kinds(monitor: Monitor) -> list[tuple[str, str]]:
    return [(each.alert, each.kind) for each in reversed(monitor.workbench.store.alerts.notices())]


def test_at_first_every_alert_is_at_its_cold_start(made: Made) -> None:
    monitor = made()
    states = monitor.look()
    assert [state.name for state in states] == list(NAMES)
    assert {state.state for state in states} == {"cold_start"}
    assert monitor.states() == states
    assert kinds(monitor) == []


def test_abstentions_raise_an_alert_which_is_kept_over_a_restart_and_ends(
    made: Made, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ("monitoring.minimum_answers=10", "monitoring.abstain_share=0.5")
    monitor = made(*settings)
    answered(monitor, range(4))
    answered(monitor, range(4, 9), Action.ABSTAIN)
    few = look(monitor, "abstain_share")
    assert (few.state, few.count) == ("cold_start", 9)
    answered(monitor, range(9, 10), Action.ABSTAIN)
    with caplog.at_level(logging.WARNING):
        found = look(monitor, "abstain_share")
    assert (found.state, found.value, found.threshold, found.count) == ("alert", 0.6, 0.5, 10)
    assert found.message == ("In the last 24 hours, abstained on 6 of 10 questions: 60%, more than 50%.")
    assert f"Alert abstain_share, alert: {found.message}" in caplog.text
    monitor = made(*settings)
    assert monitor.states()[0] == found
    assert look(monitor, "abstain_share") == found
    assert kinds(monitor) == [("abstain_share", "alert")]
    answered(monitor, range(10, 12))
    assert look(monitor, "abstain_share").state == "ok"
    assert kinds(monitor) == [("abstain_share", "alert"), ("abstain_share", "recovered")]
    clock.now += 26 * HOUR
    assert look(monitor, "abstain_share").state == "no_data"


def test_only_the_newest_hours_count_and_none_of_a_clock_that_was_ahead(made: Made) -> None:
    monitor = made("monitoring.minimum_answers=5", "monitoring.window_hours=2")
    answered(monitor, range(5))
    answered(monitor, range(5, 20), Action.ABSTAIN, NOON - 4 * HOUR)
    answered(monitor, range(20, 40), Action.ABSTAIN, NOON + 400 * HOUR)
    found = look(monitor, "abstain_share")
    assert (found.state, found.value, found.count) == ("ok", 0.0, 5)


def test_questions_that_fail_are_counted_by_their_error(made: Made, clock: Clock) -> None:
    clock.now = datetime.now(UTC)  # as the workbench has it
    engine = ScriptedEngine(lambda _: Script(["Paris"]))
    monitor = made("monitoring.minimum_answers=4", "monitoring.error_share=0.4", engine=engine)
    bench = monitor.workbench
    bench.answer("What is the capital of France?")
    engine.failure = ModelError("out of memory")
    for _ in range(2):
        with pytest.raises(ModelError):
            bench.answer("And of Spain?")
    engine.failure = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        bench.answer("And of Italy?")
    # None of these is a failure of the service.
    with pytest.raises(InvalidInput):
        bench.answer("")
    events = bench.ask("And of Greece?")
    events.close()
    found = look(monitor, "error_share")
    assert (found.state, found.value, found.count) == ("alert", 0.75, 4)
    assert "3 of 4 questions failed (InternalError 1, ModelError 2): 75%" in found.message
    monitor.look()
    [hour] = bench.store.monitoring.hours(Window())
    assert (hour.model, hour.policy) == (engine.model, bench.active.policy.version)
    assert hour.failures == {"InternalError": 1, "ModelError": 2}


def test_failures_are_kept_when_the_workbench_closes_before_anybody_looks(made: Made) -> None:
    monitor = made(engine=ScriptedEngine(lambda _: Script(["Paris"]), failure=ModelError("none")))
    with pytest.raises(ModelError):
        monitor.workbench.answer("What is the capital of France?")
    monitor = made()
    [hour] = monitor.workbench.store.monitoring.hours(Window())
    assert hour.failures == {"ModelError": 1}


def guaranteed(monitor: Monitor, risk: float) -> None:
    """Activate a policy that guarantees a risk."""
    active = monitor.workbench.active
    assert active.calibrator is not None
    guarantee = PolicyGuarantee(
        risk=risk,
        confidence_level=0.95,
        calibrator=active.calibrator.version,
        run="r",
        questions=100,
        answered=50,
        incorrect=1,
    )
    active.activate_policy(Policy(name="safe", guarantee=guarantee))


def label(monitor: Monitor, ids: list[str], correct: bool) -> None:
    for each in ids:
        monitor.workbench.store.label(each, correct)


@pytest.fixture
def calibrated(made: Made) -> Monitor:
    """With the calibrator that ships for the default model."""
    return made(engine=ScriptedEngine(lambda _: Script(["A"]), model="llama_cpp:smollm2-135m-instruct:Q4_1"))


def test_labels_that_contradict_the_guarantee_suspend_it_and_say_so(calibrated: Monitor) -> None:
    monitor = calibrated
    assert look(monitor, "labelled_risk").message.startswith("The active policy guarantees no risk.")
    guaranteed(monitor, 0.1)
    ids = answered(monitor, range(40))
    deferred = answered(monitor, range(40, 60), Action.DEFER)
    label(monitor, ids[:20], True)
    label(monitor, deferred, False)  # they were not given, so nothing is guaranteed of them
    found = look(monitor, "labelled_risk")
    assert (found.state, found.count, found.threshold, found.value) == ("ok", 20, 0.1, 0.0)
    assert "detected within 168 labels in 90% of cases" in found.message
    assert "false alarm is at most 5%" in found.message
    assert (monitor.workbench.active.guarantee or "").startswith("At most 10%")
    label(monitor, ids[20:35], False)
    found = look(monitor, "labelled_risk")
    assert found.state == "alert"
    assert found.value is not None
    assert found.value > 0.1
    guarantee = monitor.workbench.active.guarantee or ""
    assert guarantee.startswith("The guarantee is suspended. Since label 2")
    # Labels are taken back: the guarantee holds again.
    for each in ids[20:35]:
        monitor.workbench.store.label(each, None)
    assert look(monitor, "labelled_risk").state == "ok"
    assert (monitor.workbench.active.guarantee or "").startswith("At most 10%")
    assert [kind for _, kind in kinds(monitor)] == ["alert", "recovered"]


def test_another_policy_begins_anew(calibrated: Monitor) -> None:
    monitor = calibrated
    guaranteed(monitor, 0.1)
    label(monitor, answered(monitor, range(20)), False)
    assert look(monitor, "labelled_risk").state == "alert"
    guaranteed(monitor, 0.3)
    assert look(monitor, "labelled_risk").state == "cold_start"
    assert [kind for _, kind in kinds(monitor)] == ["alert", "ended"]
    assert (monitor.workbench.active.guarantee or "").startswith("At most 30%")


def test_a_risk_can_be_set_where_nothing_is_guaranteed(made: Made) -> None:
    monitor = made("monitoring.risk=0.2")
    label(monitor, answered(monitor, range(20)), False)
    assert look(monitor, "labelled_risk").state == "alert"
    assert monitor.workbench.active.guarantee is None


def test_drift_is_that_of_the_active_calibrator(calibrated: Monitor) -> None:
    monitor = calibrated
    active = monitor.workbench.active
    assert look(monitor, "drift").state == "cold_start"
    assert active.calibrator is not None
    ids = answered(monitor, range(EVERY))
    steps = [monitor.workbench.store.load(each).last for each in ids]
    active.watch(active.calibrator, steps)  # with signals that nothing like it was fitted on
    found = look(monitor, "drift")
    assert (found.state, found.count) == ("alert", EVERY)
    assert found.message.startswith("The newest 50 answers have drifted")


def test_a_paused_alert_stays_so_over_a_restart(made: Made) -> None:
    settings = ("monitoring.minimum_answers=5", "monitoring.abstain_share=0.5")
    monitor = made(*settings)
    answered(monitor, range(5))
    monitor.look()
    monitor.pause("abstain_share")
    answered(monitor, range(5, 15), Action.ABSTAIN)
    monitor = made(*settings)
    assert look(monitor, "abstain_share").state == "paused"
    monitor.resume("abstain_share")
    assert monitor.states()[0].state == "alert"
    assert [kind for _, kind in kinds(monitor)] == ["paused", "resumed", "alert"]
    with pytest.raises(NotFound, match="'nothing'"):
        monitor.pause("nothing")


def test_it_looks_when_it_starts_and_ends_with_the_application(made: Made) -> None:
    monitor = made()
    before = set(threading.enumerate())  # a server of other tests may have its own monitor
    monitor.start()
    assert eventually(lambda: len(monitor.states()) == len(NAMES), 10)
    monitor.close()
    assert "codex-monitor" not in {thread.name for thread in set(threading.enumerate()) - before}
    monitor.start()  # the application can be started again
    monitor.close()


def test_a_look_that_finds_nothing_new_writes_nothing(made: Made) -> None:
    monitor = made()
    answered(monitor, range(3))
    monitor.look()
    log = monitor.workbench.store.path.with_name("codex.duckdb.wal")
    before = log.stat().st_size
    for _ in range(5):
        monitor.look()
    assert log.stat().st_size == before


def test_a_store_that_cannot_be_read_is_said_once_and_stops_nothing(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = made()
    monitor.workbench.store.close()
    with caplog.at_level(logging.WARNING):
        monitor.start()
        assert eventually(lambda: "Monitoring waits" in caplog.text, 10)
        monitor.close()


def test_failures_that_cannot_be_kept_stay_for_the_next_time(made: Made) -> None:
    monitor = made(engine=ScriptedEngine(lambda _: Script(["A"]), failure=ModelError("none")))
    bench = monitor.workbench
    with pytest.raises(ModelError):
        bench.answer("What?")
    bench.store.close()
    with pytest.raises(CodexError):
        bench.failures.keep(bench.store)
    monitor = made()
    with suppress(CodexError):
        bench.failures.keep(monitor.workbench.store)
    [hour] = monitor.workbench.store.monitoring.hours(Window())
    assert hour.failures == {"ModelError": 1}


def test_old_answers_are_deleted_by_days_only_where_that_is_set(made: Made, clock: Clock) -> None:
    monitor = made()
    answered(monitor, range(3), at=NOON - 40 * 24 * HOUR)
    assert monitor.retire() is None
    assert len(monitor.workbench.store.sessions.traces("s")) == 3
    monitor = made("monitoring.retention_days=30")
    [kept] = answered(monitor, range(3, 4), at=NOON - 29 * 24 * HOUR)
    retired = monitor.retire()
    assert retired is not None
    assert retired.deleted == 3
    assert [trace.id for trace in monitor.workbench.store.sessions.traces("s")] == [kept]
    assert sum(each.answers for each in monitor.workbench.store.monitoring.totals(Window())) == 4


def test_old_answers_are_erased_from_the_file_by_the_thread(made: Made) -> None:
    monitor = made("monitoring.retention_days=30")
    answered(monitor, range(3), at=NOON - 40 * 24 * HOUR)
    store = monitor.workbench.store
    monitor.start()
    assert eventually(lambda: monitor.retired is not None and monitor.retired.deleted == 3, 20)
    assert eventually(lambda: store.erasure.status.state == "none", 20)
    monitor.close()
    assert sum(each.answers for each in store.monitoring.totals(Window())) == 3


def test_notices_wait_for_the_webhook_and_tell_no_question(made: Made) -> None:
    monitor = made(
        "monitoring.webhook=http://127.0.0.1:9/x", "monitoring.minimum_answers=1", "store.privacy=full"
    )
    answered(monitor, range(5), Action.ABSTAIN)
    monitor.look()
    [notice] = monitor.workbench.store.alerts.waiting()
    assert (notice.alert, notice.kind, notice.attempts) == ("abstain_share", "alert", 0)
    assert "moon" not in json.dumps(notice.message)
    monitor.pause("drift")
    assert len(monitor.workbench.store.alerts.waiting()) == 1  # what a person did is told to nobody else


@pytest.mark.parametrize(
    "address", ["ftp://a.example/", "example.org/hook", "http://", "http://a:b@c.example/", "http://a b/"]
)
def test_what_is_no_web_address_is_no_webhook(address: str) -> None:
    with pytest.raises(SettingsError, match=r"monitoring\.webhook"):
        load_settings([f"monitoring.webhook='{address}'"])
