"""What each alert looks at."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import add

from codex.ask.workbench import Workbench
from codex.calibration.drift import LEVEL
from codex.monitoring.alerting import Reading
from codex.monitoring.risk import DETECTED, labelled_risk, labels_to_detect
from codex.settings import MonitoringSettings
from codex.store import Store
from codex.store.monitoring.rollups import Rollup, Window
from codex.text import chosen, percent

ABSTAIN_SHARE = "abstain_share"
ERROR_SHARE = "error_share"
DRIFT = "drift"
LABELLED_RISK = "labelled_risk"
NAMES = (ABSTAIN_SHARE, ERROR_SHARE, DRIFT, LABELLED_RISK)
"""Every alert, in the order they are shown."""


def readings(workbench: Workbench, now: datetime) -> list[Reading]:
    """One look at every alert; roll up before. Raises StoreError.

    Labels that contradict the active policy's guarantee suspend it.
    """
    settings = workbench.settings.monitoring
    total = newest(workbench.store, settings.window_hours, now)
    return [
        _abstain_share(total, settings),
        _error_share(total, settings),
        _drift(workbench),
        _labelled_risk(workbench),
    ]


def hour_of(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def newest(store: Store, hours: int, now: datetime) -> Rollup:
    """What was answered in so many hours up to now, of all models and policies together."""
    # What a clock that was ahead has dated later is of no recent hour.
    window = Window(hour_of(now - timedelta(hours=hours)), hour_of(now) + timedelta(hours=1))
    return reduce(add, store.monitoring.totals(window), Rollup(None, "", ""))


def _abstain_share(total: Rollup, settings: MonitoringSettings) -> Reading:
    share = total.share(total.abstained)
    return _share_reading(
        ABSTAIN_SHARE,
        share,
        settings.abstain_share,
        total.answers,
        settings,
        f"abstained on {total.abstained:,} of {_counted(total.answers, 'question')}",
    )


def _error_share(total: Rollup, settings: MonitoringSettings) -> Reading:
    errors = ", ".join(f"{name} {count:,}" for name, count in total.failures.items())
    return _share_reading(
        ERROR_SHARE,
        total.error_share,
        settings.error_share,
        total.questions,
        settings,
        f"{total.failed:,} of {_counted(total.questions, 'question')} failed"
        + (f" ({errors})" if errors else ""),
    )


def _share_reading(
    name: str,
    share: float | None,
    threshold: float,
    count: int,
    settings: MonitoringSettings,
    words: str,
) -> Reading:
    exceeded = share is not None and share > threshold
    hours = "hour" if settings.window_hours == 1 else f"{settings.window_hours:,} hours"
    if count < settings.minimum_answers:
        message = (
            f"{_counted(count, 'question')} in the last {hours}; "
            f"the share says something from {settings.minimum_answers:,} on."
        )
    else:
        relation = "more than" if exceeded else "not more than"
        message = f"In the last {hours}, {words}: {percent(share or 0.0)}, {relation} {chosen(threshold)}."
    return Reading(name, share, threshold, count, settings.minimum_answers, exceeded, message)


def _drift(workbench: Workbench) -> Reading:
    active = workbench.active
    drift, calibrator = active.drift, active.calibrator
    about = calibrator.version if calibrator else ""
    if drift is None:
        why = (
            "No calibrator is active" if calibrator is None else "The calibrator keeps no answers to compare"
        )
        message = f"{why}: there is nothing that answers could drift away from."
        return Reading(DRIFT, None, LEVEL, 0, 1, False, message, about)
    return Reading(DRIFT, drift.p_value, LEVEL, drift.n, 1, drift.detected, drift.message, about)


def _labelled_risk(workbench: Workbench) -> Reading:
    active, settings = workbench.active, workbench.settings.monitoring
    policy, calibrator = active.policy, active.calibrator
    guarantee = policy.guarantee
    if guarantee is not None and (calibrator is None or guarantee.calibrator != calibrator.version):
        guarantee = None
    level = settings.risk if settings.risk is not None else guarantee.risk if guarantee else None
    if level is None:
        active.contradict("", "")
        message = (
            "The active policy guarantees no risk. Activate one that does on the Tune page, or set "
            "monitoring.risk, to compare labels with it."
        )
        return Reading(LABELLED_RISK, None, None, 0, 1, False, message, policy.version)
    delta = settings.risk_error_level
    version = calibrator.version if guarantee and calibrator else None
    correct = workbench.store.monitoring.labelled_answers(policy.version, version)
    found = labelled_risk([not each for each in correct], level, delta)
    contradicted = found.contradicted_at is not None
    delay = labels_to_detect(level, delta)
    detected = (
        f"A risk of {percent(min(2 * level, (1 + level) / 2))} from the first label on is detected within "
        f"{_counted(delay, 'label')} in {chosen(DETECTED)} of cases"
        if delay is not None
        else "A risk of twice that takes thousands of labels to detect"
    )
    if contradicted:
        message = (
            f"Since label {found.contradicted_at:,} of {found.labels:,} the labels contradict a risk of "
            f"at most {chosen(level)}: over some stretch it was at least {percent(found.lower_bound)}. "
            "Calibrate on new labels, or activate another policy."
        )
    else:
        message = (
            f"{found.incorrect:,} of {_counted(found.labels, 'labelled answer')} incorrect, which does not "
            f"contradict a risk of at most {chosen(level)}. {detected}; the chance of ever raising a false "
            f"alarm is at most {chosen(delta)}."
        )
    active.contradict(
        policy.version if guarantee and contradicted and level >= guarantee.risk else "", message
    )
    about = f"{policy.version} {version or ''} {level:g} {delta:g}"
    value = found.lower_bound if found.labels else None
    return Reading(LABELLED_RISK, value, level, found.labels, 1, contradicted, message, about)


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
