"""Monitoring over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from codex.errors import ModelError
from codex.signals import REGISTRY
from tests.support.scripted import Script
from tests.support.serving import SURE, Serve, Served, assert_error

UNSURE = Script(["Per", "haps"], [0.1, 0.1], entropy=3.0)


@pytest.fixture
def busy(serve: Serve) -> Served:
    """Three answers and a failure."""
    served = serve(SURE, "monitoring.minimum_answers=4", "monitoring.error_share=0.2")
    for number in range(3):
        assert served.http.post("/infer", json={"query": f"Question {number}?"}).status_code == 200
    served.scripted.failure = ModelError("out of memory")
    assert served.http.post("/infer", json={"query": "One more?"}).status_code == 503
    return served


def test_the_hours_hold_what_was_answered_and_what_failed(busy: Served) -> None:
    [hour] = busy.http.get("/monitoring/hours").json()
    assert hour["answered"] + hour["deferred"] + hour["abstained"] == 3
    assert (hour["failed"], hour["failures"]) == (1, {"ModelError": 1})
    assert hour["model"] == busy.scripted.model
    assert hour["hour"].endswith(":00:00Z")
    assert hour["answer_tokens"] == 15
    assert 0 < hour["confidence"] <= 1
    assert busy.http.get("/monitoring/hours", params={"model": "other"}).json() == []
    past = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    assert busy.http.get("/monitoring/hours", params={"until": past}).json() == []


def test_the_signals_are_told_with_their_quantiles(busy: Served) -> None:
    found = busy.http.get("/monitoring/signals").json()
    assert (found["answers"], found["looked_at"]) == (3, 3)
    signals = {each["name"]: each for each in found["signals"]}
    assert "avg_logprob" in signals
    assert set(signals) <= set(REGISTRY)
    entropy = signals["entropy"]
    assert (entropy["n"], entropy["higher_is_confident"]) == (3, False)
    assert entropy["p10"] <= entropy["p50"] <= entropy["p90"]
    assert found["confidence"]["n"] == 3


def test_alerts_are_looked_at_paused_and_resumed(busy: Served) -> None:
    alerts = {each["name"]: each for each in busy.http.get("/monitoring/alerts").json()}
    assert alerts["error_share"]["state"] == "alert"
    assert alerts["error_share"]["value"] == 0.25
    assert busy.http.post("/monitoring/alerts/error_share/pause").json()["state"] == "paused"
    assert busy.http.post("/monitoring/alerts/error_share/resume").json()["state"] == "alert"
    notices = busy.http.get("/monitoring/notices").json()
    assert [each["kind"] for each in notices] == ["resumed", "paused", "alert"]
    assert notices[-1]["delivery"] == "none"
    for action in ("pause", "resume"):
        assert_error(busy.http.post(f"/monitoring/alerts/nothing/{action}"), 404)


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"since": "2026-01-01T00:00:00"}, ["since"]),  # of which offset?
        ({"since": "yesterday"}, ["since"]),
        ({"until": "0001-01-01T00:00:00Z"}, ["until"]),
        ({"until": "9999-12-31T23:59:59-14:00"}, ["until"]),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, ["since", "until"]),
    ],
    ids=["no offset", "no time", "too early", "too late", "backwards"],
)
@pytest.mark.parametrize("path", ["hours", "signals"])
def test_a_window_that_cannot_be_is_refused(
    sure: Served, path: str, params: dict[str, str], fields: list[str]
) -> None:
    assert_error(sure.http.get(f"/monitoring/{path}", params=params), 422, fields)


def test_metrics_are_plain_text_and_guarded_as_all_else(busy: Served) -> None:
    response = busy.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'codex_failures_total{error="ModelError"' in response.text
    assert_error(busy.http.get("/metrics", headers={"Host": "evil.example"}), 421)
    assert_error(busy.http.get("/metrics", headers={"Origin": "https://evil.example"}), 403)


def test_nothing_that_was_asked_is_told(serve: Serve) -> None:
    served = serve(SURE, "store.privacy=full")
    assert served.http.post("/infer", json={"query": "Where is Xanadu?"}).status_code == 200
    for path in ("/monitoring/hours", "/monitoring/signals", "/monitoring/alerts", "/metrics"):
        response = served.http.get(path)
        assert response.status_code == 200
        assert "Xanadu" not in response.text
        assert "Canberra" not in response.text


def test_a_policy_of_a_single_question_is_told_by_its_version(serve: Serve) -> None:
    served = serve(UNSURE)
    served.http.post("/infer", json={"query": "Who?", "policy": {"name": "strict", "answer_above": 0.99}})
    lines = served.http.get("/metrics").text.splitlines()
    policies = {line.split('policy="')[1].split('"')[0] for line in lines if 'policy="' in line}
    assert len(policies) == 1
    assert policies.pop().startswith("strict@")
