"""The metrics for Prometheus: from the rollups, only ever rising, with bounded labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from codex.ask.workbench import Workbench
from codex.monitoring.monitor import Monitor
from codex.monitoring.prometheus import MOST_SERIES, exposition
from codex.paths import resources
from codex.store.monitoring.rollups import Failed
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench
from tests.support.traces import make_trace

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = workbench(trust(tmp_path), ScriptedEngine(lambda _: Script(["A"])))
    yield opened
    opened.close()


def samples(bench: Workbench) -> Samples:
    found = {}
    for family in text_string_to_metric_families(exposition(Monitor(bench)).decode()):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def save(bench: Workbench, number: int, policy: str = 'p"@\n1', seconds: float = 3.0) -> None:
    trace = make_trace(number, samples=2, tokens=4)
    bench.store.save(replace(trace, created_at=NOON, model="m", policy=policy, seconds=seconds))


def test_what_was_answered_is_told_by_model_policy_and_decision(bench: Workbench) -> None:
    for number in range(3):
        save(bench, number)
    bench.store.monitoring.add_failures([Failed(NOON, "m", 'p"@\n1', "ModelError", 2)])
    found = samples(bench)
    labels = {"model": "m", "policy": 'p"@\n1'}
    assert of(found, "codex_answers_total", decision="defer", **labels) == 3
    assert of(found, "codex_answers_total", decision="answer", **labels) == 0
    assert of(found, "codex_failures_total", error="ModelError", **labels) == 2
    assert of(found, "codex_tokens_total", kind="answer", **labels) == 12
    assert of(found, "codex_tokens_total", kind="samples", **labels) == 24
    assert of(found, "codex_answer_seconds_bucket", le="2.5", **labels) == 0
    assert of(found, "codex_answer_seconds_bucket", le="5.0", **labels) == 3
    assert of(found, "codex_answer_seconds_bucket", le="+Inf", **labels) == 3
    assert of(found, "codex_answer_seconds_sum", **labels) == 9
    assert of(found, "codex_confidence_count", **labels) == 3
    assert of(found, "codex_model_ready", model="scripted:test:none") == 1
    assert of(found, "codex_questions_under_way") == 0


def test_no_counter_falls_over_a_deletion_or_a_restart(tmp_path: Path) -> None:
    before: Samples = {}
    for start in range(3):
        bench = workbench(trust(tmp_path), ScriptedEngine(lambda _: Script(["A"])))
        save(bench, start)
        now = samples(bench)
        for key, value in before.items():
            if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                assert now[key] >= value, key
        assert of(now, "codex_confidence_count", model="m", policy='p"@\n1') == start + 1
        before = now
        bench.store.delete_session("s")
        bench.close()


def test_labels_are_bounded_and_who_has_one_of_its_own_keeps_it(bench: Workbench) -> None:
    bench.store.monitoring.add_failures(
        Failed(NOON, "m", f"p@{number}", "Busy", 1) for number in range(MOST_SERIES + 5)
    )
    found = samples(bench)
    assert len([key for key in found if key[0] == "codex_failures_total"]) == MOST_SERIES + 1
    assert of(found, "codex_failures_total", model="other", policy="other", error="Busy") == 5
    # However much comes of a later one, the first ones stay.
    bench.store.monitoring.add_failures([Failed(NOON, "m", f"p@{MOST_SERIES + 1}", "Busy", 100)])
    again = samples(bench)
    assert of(again, "codex_failures_total", model="other", policy="other", error="Busy") == 105
    assert of(again, "codex_failures_total", model="m", policy="p@0", error="Busy") == 1


def test_every_alert_has_exactly_one_state(bench: Workbench) -> None:
    Monitor(bench).look()
    found = samples(bench)
    states: dict[str, float] = {}
    for (name, labels), value in found.items():
        if name == "codex_alert_state":
            alert = dict(labels)["alert"]
            states[alert] = states.get(alert, 0) + value
    assert states == dict.fromkeys(("abstain_share", "error_share", "drift", "labelled_risk"), 1.0)
    assert of(found, "codex_alert_threshold", alert="abstain_share") == 0.5


def test_the_dashboard_uses_metrics_and_labels_that_there_are(bench: Workbench) -> None:
    bench.answer("What is the capital of France?")
    bench.store.monitoring.add_failures([Failed(NOON, "m", "p", "ModelError", 1)])
    monitor = Monitor(bench)
    monitor.look()
    found = samples(bench)
    names = {name for name, _ in found}
    labels = {label for _, pairs in found for label, _ in pairs}
    dashboard = json.loads((resources("assets") / "grafana" / "codex.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    queries += [
        variable["query"]["query"] if isinstance(variable["query"], dict) else variable["query"]
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
    assert len(queries) >= 8
    used = {name for query in queries for name in re.findall(r"\bcodex_\w+", query)}
    assert used
    assert used <= names
    by = {
        label.strip()
        for query in queries
        for group in re.findall(r"by ?\(([^)]*)\)", query)
        for label in group.split(",")
    }
    assert by <= labels
    filtered = {label for query in queries for label in re.findall(r"(\w+)=~?\"", query)}
    assert filtered <= labels
