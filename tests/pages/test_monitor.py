"""The calls of the Monitor page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, NotFound
from codex.monitoring.monitor import Monitor
from codex.pages.monitor.page import MonitorPage
from codex.pages.monitor.view import charts_view, retention_words, webhook_words
from codex.settings import MonitoringSettings
from codex.store.monitoring.rollups import Failed, Retired, Rollup
from codex.types import Trace
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench
from tests.support.traces import make_trace

HOUR = datetime(2026, 3, 1, 23, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = workbench(
        trust(tmp_path), ScriptedEngine(lambda _: Script(["Paris"])), "ask.n_samples=1", "store.privacy=full"
    )
    yield opened
    opened.close()


@pytest.fixture
def page(bench: Workbench) -> MonitorPage:
    return MonitorPage(Monitor(bench))


def look(page: MonitorPage, **wanted: str) -> Any:
    return page.look({"span": "day", "model": "", "policy": "", **wanted})


def old(number: int, hours: int) -> Trace:
    return replace(
        make_trace(number), created_at=datetime.now(UTC) - timedelta(hours=hours), model="old", policy="p@old"
    )


def test_before_the_first_question_there_is_nothing_to_show(page: MonitorPage) -> None:
    seen = look(page)
    assert (seen["charts"], seen["models"], seen["notices"], seen["signals"]["rows"]) == (None, [], [], [])
    assert [alert["word"] for alert in seen["alerts"]] == ["Cold start"] * 4
    assert dict(seen["facts"])["Questions"] == "0"


def test_what_was_answered_is_shown_by_window_model_and_policy(bench: Workbench, page: MonitorPage) -> None:
    bench.answer("Where is Xanadu?")
    bench.store.save(old(1, 50))
    bench.store.save(old(2, 51))
    seen = look(page)
    assert dict(seen["facts"])["Questions"] == "1"
    assert sorted(seen["models"]) == sorted(["old", bench.model.engine.fingerprint])
    assert dict(look(page, span="week")["facts"])["Questions"] == "3"
    only = look(page, span="all", model="old", policy="p@old")
    assert dict(only["facts"])["Questions"] == "2"
    assert dict(only["facts"])["Deferred"] == "100% (2)"
    assert look(page, model="old")["charts"] is None
    with pytest.raises(InvalidInput, match="'year'"):
        look(page, span="year")


def test_no_text_of_a_question_or_an_answer_is_shown(bench: Workbench, page: MonitorPage) -> None:
    bench.answer("Where is Xanadu?")
    told = str(look(page))
    assert "Xanadu" not in told
    assert "Paris" not in told


def test_failures_are_named(bench: Workbench, page: MonitorPage) -> None:
    bench.answer("Where is Xanadu?")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    bench.store.monitoring.add_failures([Failed(hour, "m", "p", "ModelError", 3)])
    assert dict(look(page)["facts"])["Failed"] == "75% (3, ModelError 3)"


def test_signals_with_a_rule_come_first_with_it_and_each_has_its_side(
    bench: Workbench, page: MonitorPage
) -> None:
    bench.answer("Where is Xanadu?")
    rows = look(page)["signals"]["rows"]
    ruled = [(row["name"], row["rule"], row["side"]) for row in rows if row["rule"]]
    assert ruled == [
        ("avg_logprob", "< −1.5: reflect", "below"),
        ("entropy", "> 2.5: retrieve", "above"),
        ("top1_prob", "< 0.20: abstain", "below"),
        ("min_prob_focus", "< 0.20: retrieve", "below"),
    ]
    assert [row["name"] for row in rows[:4]] == [name for name, *_ in ruled]
    sides = {row["name"]: row["side"] for row in rows}
    assert sides["perplexity"] == "above"  # less confident where it is higher
    assert [name for name, _ in rows[0]["quantiles"]] == ["p10", "p50", "p90"]


def test_an_alert_is_paused_and_resumed(page: MonitorPage) -> None:
    look(page)
    page.pause({"alert": "drift"})
    seen = look(page)
    assert [alert["state"] for alert in seen["alerts"] if alert["name"] == "drift"] == ["paused"]
    assert [notice["kind"] for notice in seen["notices"]] == ["paused"]
    page.resume({"alert": "drift"})
    assert [notice["kind"] for notice in look(page)["notices"]] == ["resumed", "paused"]
    with pytest.raises(NotFound):
        page.pause({"alert": "nothing"})


def test_hours_are_shown_as_they_are_and_days_summed_up() -> None:
    hours = [
        Rollup(HOUR + timedelta(hours=n), model, "p", answered=n + 1, confident=1, confidence_sum=0.5)
        for n in range(3)
        for model in "ab"
    ]
    by_hour = charts_view(hours, by_hour=True)["decisions"]["data"][0]
    assert (by_hour["name"], list(by_hour["y"])) == ("answer", [2, 4, 6])
    assert by_hour["x"][0] == "2026-03-01T23:00:00+00:00"
    days = charts_view(hours, by_hour=False)
    assert list(days["decisions"]["data"][0]["y"]) == [2, 10]
    assert list(days["confidence"]["data"][0]["y"]) == [0.5, 0.5]
    assert days["latency"]["data"][0]["y"] == [0.0, 0.0]


def test_how_long_answers_are_kept_and_where_alerts_go_is_said() -> None:
    forever = retention_words(MonitoringSettings(), None)
    assert "kept until they are deleted" in forever
    month = retention_words(MonitoringSettings(retention_days=30), Retired(5, 2))
    assert "after 30 days, except those that are labelled or wait in a label queue. 2 older ones" in month
    assert "monitoring.webhook" in webhook_words(None)
    assert webhook_words("https://chat.example") == "Alerts are sent to https://chat.example."
