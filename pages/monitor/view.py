"""What the Monitor page shows, as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add

from codex import figures
from codex.figures import AMBER, GREY, INDIGO, ROSE, TEAL
from codex.monitoring.alerting import WORDS
from codex.monitoring.readings import ABSTAIN_SHARE, DRIFT, ERROR_SHARE, LABELLED_RISK
from codex.pages import JSON
from codex.policy import Policy
from codex.settings import MonitoringSettings
from codex.signals import REGISTRY
from codex.store.monitoring.alerts import AlertState, Notice, NoticeKind
from codex.store.monitoring.rollups import Distribution, Distributions, Retired, Rollup
from codex.text import number, percent

TITLES = {
    ABSTAIN_SHARE: "Abstentions",
    ERROR_SHARE: "Failed questions",
    DRIFT: "Drift",
    LABELLED_RISK: "Risk of labelled answers",
}
MEANINGS = {
    ABSTAIN_SHARE: "The share of the newest questions on which Codex abstained.",
    ERROR_SHARE: "The share of the newest questions that came to no decision.",
    DRIFT: "Whether the answers look like those that the calibrator was fitted on.",
    LABELLED_RISK: "Whether people's labels contradict the share of incorrect answers that is guaranteed. "
    "It holds for labels of answers that were not picked for how they look: those of a random queue.",
}
KINDS: dict[NoticeKind, str] = {
    "alert": "alert",
    "again": "still in alert",
    "recovered": "recovered",
    "ended": "ended",
    "paused": "paused",
    "resumed": "resumed",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A window that can be chosen."""

    words: str
    hours: int | None
    """None: from the first answer on."""

    @property
    def by_hour(self) -> bool:
        """Whether it is shown hour by hour; else day by day, in UTC."""
        return self.hours is not None and self.hours <= 7 * 24


SPANS = {
    "day": Span("the last 24 hours", 24),
    "week": Span("the last 7 days", 7 * 24),
    "month": Span("the last 30 days", 30 * 24),
    "quarter": Span("the last 90 days", 90 * 24),
    "all": Span("all time", None),
}


def alert_view(state: AlertState) -> JSON:
    """One alert."""
    return {
        "name": state.name,
        "title": TITLES[state.name],
        "meaning": MEANINGS[state.name],
        "state": state.state,
        "word": WORDS[state.state],
        "since": state.since.isoformat(),
        "message": state.message,
    }


def notice_view(notice: Notice) -> JSON:
    """What was told of an alert, and whether it was delivered."""
    delivery = {
        "none": "",
        "waiting": "waiting",
        "delivered": "delivered",
        "failed": f"given up after {notice.attempts} attempts",
    }[notice.delivery]
    return {
        "number": notice.number,
        "title": TITLES.get(notice.alert, notice.alert),
        "kind": KINDS[notice.kind],
        "at": notice.made_at.isoformat(),
        "message": notice.message,
        "delivery": delivery,
        "error": notice.error,
    }


def facts_view(total: Rollup) -> list[tuple[str, str]]:
    """What a window comes to: name and value."""
    tokens = total.prompt_tokens + total.answer_tokens + total.sample_tokens

    def share(count: int) -> str:
        found = total.share(count)
        return "n/a" if found is None else f"{percent(found)} ({count:,})"

    errors = "".join(f", {name} {count:,}" for name, count in total.failures.items())
    failed = (
        "n/a" if total.error_share is None else f"{percent(total.error_share)} ({total.failed:,}{errors})"
    )
    return [
        ("Questions", f"{total.questions:,}"),
        ("Answered", share(total.answered)),
        ("Deferred", share(total.deferred)),
        ("Abstained", share(total.abstained)),
        ("Failed", failed),
        ("Mean confidence", "n/a" if total.confidence is None else percent(total.confidence)),
        ("Mean time, s", "n/a" if total.latency is None else number(total.latency)),
        ("Retrieved, reflected", f"{total.retrievals:,}, {total.reflections:,}"),
        ("Tokens", f"{tokens:,}"),
    ]


def merged(rollups: Iterable[Rollup]) -> Rollup:
    """All of them together."""
    return reduce(add, rollups, Rollup(None, "", ""))


def charts_view(hours: Sequence[Rollup], *, by_hour: bool) -> JSON:
    """Figures over the hours of a window, or over its days in UTC."""
    buckets: dict[datetime, list[Rollup]] = {}
    for each in hours:
        assert each.hour is not None
        at = each.hour.astimezone(UTC)
        buckets.setdefault(at if by_hour else at.replace(hour=0), []).append(each)
    times = [at.isoformat() for at in buckets]
    totals = [merged(each) for each in buckets.values()]
    axis = "hour" if by_hour else "day (UTC)"
    decisions = {
        "answer": (TEAL, [each.answered for each in totals]),
        "defer": (AMBER, [each.deferred for each in totals]),
        "abstain": (ROSE, [each.abstained for each in totals]),
    }
    tokens = {
        "prompts": (GREY, [each.prompt_tokens for each in totals]),
        "answers": (INDIGO, [each.answer_tokens for each in totals]),
        "samples": (AMBER, [each.sample_tokens for each in totals]),
    }
    confidence = {"confidence": (INDIGO, [each.confidence for each in totals])}
    latency = {"seconds": (INDIGO, [each.latency for each in totals])}
    failed = {"failed": (ROSE, [each.error_share for each in totals])}
    width = timedelta(hours=1 if by_hour else 24)
    return {
        "decisions": figures.over_time(times, decisions, "Decisions", axis, "questions", width, stacked=True),
        "failed": figures.over_time(times, failed, "Failed questions", axis, "share", width, share=True),
        "confidence": figures.over_time(
            times, confidence, "Mean confidence", axis, "confidence", width, share=True
        ),
        "latency": figures.over_time(times, latency, "Mean time to the decision", axis, "seconds", width),
        "tokens": figures.over_time(times, tokens, "Tokens", axis, "tokens", width, stacked=True),
    }


def signals_view(found: Distributions, policy: Policy) -> JSON:
    """Where every signal lies, those that a rule of the policy is on first, in the order of the rules."""
    ruled = list(dict.fromkeys(rule.signal for rule in policy.rules))
    names = [name for name in ruled if name in found.signals]
    names += [name for name in found.signals if name not in ruled]
    words = f"Quantiles over the {found.answers:,} stored answers of this window, as first measured."
    if found.looked_at < found.answers:
        words = (
            f"Quantiles over the newest {found.looked_at:,} of the {found.answers:,} answers of this window."
        )
    return {
        "words": words if found.answers else "",
        "rows": [_signal(name, found.signals[name], policy) for name in names],
    }


def _signal(name: str, found: Distribution, policy: Policy) -> JSON:
    signal = REGISTRY[name]
    rule = next((rule for rule in policy.rules if rule.signal == name), None)
    side = "below" if signal.higher_is_confident else "above"
    if rule is not None:
        side = "below" if rule.below is not None else "above"
    return {
        "name": name,
        "label": signal.label,
        "meaning": signal.meaning,
        "unit": signal.unit,
        "n": found.n,
        "quantiles": [["p10", found.p10], ["p50", found.p50], ["p90", found.p90]],
        "rule": "" if rule is None else f"{rule.sign} {number(rule.threshold)}: {rule.gate}",
        "side": side,
    }


def retention_words(settings: MonitoringSettings, retired: Retired | None) -> str:
    """How long answers are kept, in a sentence."""
    days = settings.retention_days
    if days is None:
        return "Answers are kept until they are deleted (monitoring.retention_days is not set)."
    kept = "" if retired is None or not retired.kept else f" {retired.kept:,} older ones are such."
    return (
        f"Answers are deleted after {days:,} days, except those that are labelled or wait in a label queue."
        f"{kept} The counts by hour stay."
    )


def webhook_words(shown: str | None) -> str:
    """Where alerts are sent, in a sentence."""
    if shown is None:
        return "Alerts stand here and in the log; monitoring.webhook sends them to an address too."
    return f"Alerts are sent to {shown}."
