"""The Monitor page: decisions, signals and alerts over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from codex.errors import InvalidInput
from codex.monitoring.monitor import Monitor
from codex.monitoring.readings import hour_of
from codex.pages import JSON
from codex.pages.components import view
from codex.pages.monitor.view import (
    SPANS,
    alert_view,
    charts_view,
    facts_view,
    merged,
    notice_view,
    retention_words,
    signals_view,
    webhook_words,
)
from codex.signals import REGISTRY
from codex.store.monitoring.rollups import Window

NOTICES = 20
"""The newest that are shown."""


class MonitorPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.workbench = monitor.workbench

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {"spans": [[name, span.words] for name, span in SPANS.items()]}

    def look(self, wanted: JSON) -> JSON:
        """All that the page shows. wanted: {span, model, policy}; "" for every model or policy."""
        span = SPANS.get(str(wanted["span"]))
        if span is None:
            raise InvalidInput(f"There is no window {wanted['span']!r}: choose another one.", ["span"])
        alerts = self.monitor.look()
        store, now = self.workbench.store, datetime.now(UTC)
        since = None if span.hours is None else hour_of(now - timedelta(hours=span.hours))
        window = Window(since, None, str(wanted["model"]) or None, str(wanted["policy"]) or None)
        hours = store.monitoring.hours(window)
        series = store.monitoring.series()
        webhook = self.monitor.webhook
        return {
            "models": sorted({model for model, _ in series}),
            "policies": sorted({policy for _, policy in series}),
            "alerts": [alert_view(each) for each in alerts],
            "facts": facts_view(merged(hours)),
            "charts": charts_view(hours, by_hour=span.by_hour) if hours else None,
            "hourly": span.by_hour,
            "signals": signals_view(
                store.monitoring.distributions(window, tuple(REGISTRY)), self.workbench.active.policy
            ),
            "notices": [notice_view(each) for each in store.alerts.notices(NOTICES)],
            "notes": [
                retention_words(self.monitor.settings, self.monitor.retired),
                webhook_words(webhook.shown if webhook else None),
            ],
        }

    def pause(self, wanted: JSON) -> None:
        """Tell nothing of an alert until it is resumed. wanted: {alert}."""
        self.monitor.pause(str(wanted["alert"]))

    def resume(self, wanted: JSON) -> None:
        """Tell of an alert again. wanted: {alert}."""
        self.monitor.resume(str(wanted["alert"]))


def build(monitor: Monitor) -> None:
    """Put the page into the Blocks that are open."""
    page = MonitorPage(monitor)
    view("monitor", page.config(), {"read": (page.look,), "evaluate": (page.pause, page.resume)})
