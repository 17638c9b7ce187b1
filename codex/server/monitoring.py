"""What the answers are like, over HTTP: by hour, by signal, alerts, and metrics for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from codex.errors import InvalidInput
from codex.monitoring.monitor import Monitor
from codex.monitoring.prometheus import CONTENT_TYPE, exposition
from codex.server.bodies import Body, Moment, Number
from codex.server.guard import GuardedRoute
from codex.server.routes import errors
from codex.signals import REGISTRY
from codex.store.monitoring.alerts import AlertState, Delivery, NoticeKind, State
from codex.store.monitoring.rollups import Distribution, Rollup, Window

router = APIRouter(tags=["monitoring"], route_class=GuardedRoute)

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times that a window can have."""
HOUR: JsonDict = {
    "hour": "2026-01-31T12:00:00Z",
    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
    "policy": "default@0123456789",
    "answered": 12,
    "deferred": 5,
    "abstained": 3,
    "failed": 1,
    "failures": {"ModelError": 1},
    "retrievals": 4,
    "reflections": 0,
    "confidence": 0.62,
    "seconds": 2.4,
    "prompt_tokens": 1800,
    "answer_tokens": 420,
    "sample_tokens": 2100,
}
SIGNALS: JsonDict = {
    "answers": 200,
    "looked_at": 200,
    "signals": [
        {
            "name": "avg_logprob",
            "label": "mean log-probability",
            "unit": "nats per token",
            "higher_is_confident": True,
            "n": 200,
            "p10": -1.4,
            "p50": -0.6,
            "p90": -0.2,
        }
    ],
    "confidence": {"n": 200, "p10": 0.2, "p50": 0.6, "p90": 0.9},
    "seconds": {"n": 200, "p10": 1.1, "p50": 2.3, "p90": 6.0},
}
ALERT: JsonDict = {
    "name": "abstain_share",
    "state": "ok",
    "since": "2026-01-31T12:00:00Z",
    "value": 0.15,
    "threshold": 0.5,
    "count": 200,
    "message": "In the last 24 hours, abstained on 30 of 200 questions: 15%, not more than 50%.",
}
NOTICE: JsonDict = {
    "alert": "error_share",
    "kind": "alert",
    "made_at": "2026-01-31T12:00:00Z",
    "message": "In the last 24 hours, 30 of 200 questions failed (ModelError 30): 15%, more than 10%.",
    "value": 0.15,
    "threshold": 0.1,
    "delivery": "delivered",
    "attempts": 1,
    "next_at": None,
    "error": "",
}


def monitor_of(request: Request) -> Monitor:
    """The monitor of the application."""
    found: Monitor = request.app.state.monitor
    return found


def window_of(
    since: Annotated[Moment | None, Query(description="From then on, with its offset.")] = None,
    until: Annotated[Moment | None, Query(description="Before then, with its offset.")] = None,
    model: Annotated[str | None, Query(description="The engine's fingerprint.")] = None,
    policy: Annotated[str | None, Query(description="A policy's version.")] = None,
) -> Window:
    """Which answers are looked at. Raises InvalidInput."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and not FIRST <= moment < LAST:
            raise InvalidInput(
                f"{name}: give a time between 1970 and 2200, not {moment.isoformat()}.", [name]
            )
    if since is not None and until is not None and since >= until:
        raise InvalidInput("since has to be before until.", ["since", "until"])
    return Window(since, until, model, policy)


Watched = Annotated[Monitor, Depends(monitor_of)]
Looked = Annotated[Window, Depends(window_of)]


class HourBody(Body):
    """The answers of one hour, model and policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [HOUR]})

    hour: datetime = Field(description="Its beginning, in UTC.")
    model: str
    policy: str = Field(description="Its version.")
    answered: int
    deferred: int
    abstained: int
    failed: int = Field(description="Questions that came to no decision.")
    failures: dict[str, int] = Field(description="The same by the error.")
    retrievals: int
    reflections: int
    confidence: Number = Field(description="The mean.")
    seconds: Number = Field(description="The mean from question to decision.")
    prompt_tokens: int
    answer_tokens: int
    sample_tokens: int

    @classmethod
    def of(cls, rollup: Rollup) -> HourBody:
        """A rollup of an hour."""
        names = set(cls.model_fields) - {"seconds", "failures"}
        told = {name: getattr(rollup, name) for name in names}
        return cls(**told, seconds=rollup.latency, failures=dict(rollup.failures))


class DistributionBody(Body):
    """Where the values of a number lie."""

    n: int = Field(description="Answers that have it.")
    p10: Number
    p50: Number
    p90: Number


class SignalBody(DistributionBody):
    """Where the values of a signal lie."""

    name: str
    label: str
    unit: str
    higher_is_confident: bool

    @classmethod
    def named(cls, name: str, found: Distribution) -> SignalBody:
        """A signal of the register."""
        signal = REGISTRY[name]
        return cls(
            name=name,
            label=signal.label,
            unit=signal.unit,
            higher_is_confident=signal.higher_is_confident,
            n=found.n,
            p10=found.p10,
            p50=found.p50,
            p90=found.p90,
        )


class SignalsBody(Body):
    """Where every signal lies."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIGNALS]})

    answers: int = Field(description="That are stored of the window.")
    looked_at: int = Field(description="The newest of them that these numbers rest on.")
    signals: list[SignalBody]
    confidence: DistributionBody | None
    seconds: DistributionBody | None


class AlertBody(Body):
    """How an alert stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [ALERT]})

    name: str
    state: State = Field(
        description="cold_start: there never was enough to go by; no_data: there was, and now there is not."
    )
    since: datetime
    value: Number
    threshold: Number
    count: int = Field(description="What the value rests on.")
    message: str


class NoticeBody(Body):
    """What was told of an alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [NOTICE]})

    alert: str
    kind: NoticeKind
    made_at: datetime
    message: str
    value: Number
    threshold: Number
    delivery: Delivery = Field(description="To the webhook; none: there was none.")
    attempts: int
    next_at: datetime | None
    error: str = Field(description="Of the last attempt.")


@router.get("/monitoring/hours", summary="Read the answers by hour", responses=errors(503))
def read_hours(monitor: Watched, window: Looked) -> list[HourBody]:
    """Counts and means of each hour, model and policy, oldest first; they stay when answers are deleted."""
    monitor.roll_up()
    return [HourBody.of(each) for each in monitor.workbench.store.monitoring.hours(window)]


@router.get("/monitoring/signals", summary="Read where the signals lie", responses=errors(503))
def read_signals(monitor: Watched, window: Looked) -> SignalsBody:
    """Quantiles of every signal over the answers that are stored, as their first round measured them."""
    found = monitor.workbench.store.monitoring.distributions(window, tuple(REGISTRY))
    return SignalsBody(
        answers=found.answers,
        looked_at=found.looked_at,
        signals=[SignalBody.named(name, each) for name, each in found.signals.items()],
        confidence=_distribution(found.confidence),
        seconds=_distribution(found.seconds),
    )


@router.get("/monitoring/alerts", summary="List the alerts", responses=errors(503))
def list_alerts(monitor: Watched) -> list[AlertBody]:
    """How every alert stands now."""
    return [AlertBody.model_validate(each) for each in monitor.look()]


@router.post("/monitoring/alerts/{name}/pause", summary="Pause an alert", responses=errors(404, 503))
def pause(name: str, monitor: Watched) -> AlertBody:
    """Tell nothing of an alert until it is resumed."""
    monitor.look()
    monitor.pause(name)
    return _alert(monitor.states(), name)


@router.post("/monitoring/alerts/{name}/resume", summary="Resume an alert", responses=errors(404, 503))
def resume(name: str, monitor: Watched) -> AlertBody:
    """Tell of a paused alert again, from now on."""
    monitor.resume(name)
    return _alert(monitor.states(), name)


@router.get("/monitoring/notices", summary="List what was told of the alerts", responses=errors(503))
def list_notices(monitor: Watched, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[NoticeBody]:
    """The newest first, each with whether the webhook took it."""
    return [NoticeBody.model_validate(each) for each in monitor.workbench.store.alerts.notices(limit)]


@router.get(
    "/metrics",
    summary="Read the metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors(503)},
)
def metrics(monitor: Watched) -> Response:
    """The counts of all hours in Prometheus' text format; they rise over restarts and deletions."""
    return Response(exposition(monitor), media_type=CONTENT_TYPE)


def _distribution(found: Distribution | None) -> DistributionBody | None:
    return None if found is None else DistributionBody.model_validate(found)


def _alert(states: list[AlertState], name: str) -> AlertBody:
    return AlertBody.model_validate(next(each for each in states if each.name == name))
