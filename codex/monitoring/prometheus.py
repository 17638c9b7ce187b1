"""The rollups as Prometheus reads them: sums over all hours, which only ever rise, also over restarts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import get_args

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from codex.monitoring.monitor import Monitor
from codex.store.monitoring.alerts import AlertState, State
from codex.store.monitoring.rollups import SECONDS, TENTHS, Rollup, Window

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MOST_SERIES = 100
"""Models and policies with a label of their own, the first that came; all others are one together."""
OTHER = ("other", "other")
LABELS = ("model", "policy")


def exposition(monitor: Monitor) -> bytes:
    """All metrics in Prometheus' text format, as of now. Raises StoreError."""
    monitor.roll_up()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(monitor))
    return generate_latest(registry)


class _Metrics(Collector):
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        workbench = self._monitor.workbench
        yield from _of_rollups(_bounded(workbench.store.monitoring.totals(Window())))
        yield from _of_alerts(self._monitor.states())
        ready = GaugeMetricFamily("codex_model_ready", "Whether the model is loaded.", labels=("model",))
        ready.add_metric((workbench.model.engine.fingerprint,), float(workbench.model.engine.is_loaded))
        yield ready
        yield GaugeMetricFamily(
            "codex_questions_under_way",
            "Questions that are being answered, or wait.",
            workbench.traces.under_way,
        )


def _bounded(totals: Iterable[Rollup]) -> list[tuple[tuple[str, str], Rollup]]:
    """By model and policy, in the order in which they first came: who has a label of its own keeps it."""
    found: dict[tuple[str, str], Rollup] = {}
    for place, total in enumerate(totals):
        key = (total.model, total.policy) if place < MOST_SERIES else OTHER
        found[key] = found[key] + total if key in found else total
    return list(found.items())


def _of_rollups(totals: list[tuple[tuple[str, str], Rollup]]) -> Iterator[Metric]:
    answers = CounterMetricFamily(
        "codex_answers", "Questions that came to a decision.", labels=(*LABELS, "decision")
    )
    failures = CounterMetricFamily("codex_failures", "Questions that failed.", labels=(*LABELS, "error"))
    rounds = CounterMetricFamily(
        "codex_rounds", "Rounds after the first: retrieve or reflect.", labels=(*LABELS, "kind")
    )
    tokens = CounterMetricFamily(
        "codex_tokens", "Tokens of prompts, answers and samples.", labels=(*LABELS, "kind")
    )
    seconds = HistogramMetricFamily("codex_answer_seconds", "How long questions took.", labels=LABELS)
    confidences = HistogramMetricFamily(
        "codex_confidence", "How likely answers were said to be correct.", labels=LABELS
    )
    for key, total in totals:
        for decision, count in (
            ("answer", total.answered),
            ("defer", total.deferred),
            ("abstain", total.abstained),
        ):
            answers.add_metric((*key, decision), count)
        for error, count in total.failures.items():
            failures.add_metric((*key, error), count)
        for kind, count in (("retrieve", total.retrievals), ("reflect", total.reflections)):
            rounds.add_metric((*key, kind), count)
        for kind, count in (
            ("prompt", total.prompt_tokens),
            ("answer", total.answer_tokens),
            ("samples", total.sample_tokens),
        ):
            tokens.add_metric((*key, kind), count)
        tenths = (f"{(bin + 1) / TENTHS:g}" for bin in range(TENTHS - 1))
        seconds.add_metric(key, _buckets(map(str, SECONDS), total.seconds), total.seconds_sum)
        confidences.add_metric(key, _buckets(tenths, total.confidences), total.confidence_sum)
    yield from (answers, failures, rounds, tokens, seconds, confidences)


def _of_alerts(alerts: list[AlertState]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "codex_alert_state", "1 for the state that an alert is in.", labels=("alert", "state")
    )
    values = GaugeMetricFamily("codex_alert_value", "What an alert measures.", labels=("alert",))
    thresholds = GaugeMetricFamily("codex_alert_threshold", "What it is compared with.", labels=("alert",))
    for alert in alerts:
        for state in get_args(State):
            states.add_metric((alert.name, state), float(alert.state == state))
        if alert.value is not None:
            values.add_metric((alert.name,), alert.value)
        if alert.threshold is not None:
            thresholds.add_metric((alert.name,), alert.threshold)
    yield from (states, values, thresholds)


def _buckets(bounds: Iterable[str], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them; the last one holds all."""
    summed = itertools.accumulate(counts)
    return [(bound, float(count)) for bound, count in zip((*bounds, "+Inf"), summed, strict=True)]
