"""The Tune page: the price of every threshold, seen while it is moved."""

from __future__ import annotations

from typing import Any

from codex import signals
from codex.ask.workbench import Workbench
from codex.calibration.glossary import glossary_view
from codex.errors import InvalidInput, NotFound
from codex.pages import JSON
from codex.pages.components import Calls, view
from codex.pages.tune.larger import LargerRuns
from codex.pages.tune.policies import from_yaml, named, policy_of, policy_view, saved_as, saved_view, to_yaml
from codex.pages.tune.runs import OpenRun, OpenRuns
from codex.pages.tune.target import propose
from codex.pages.tune.view import (
    changes_view,
    curve_key,
    figure_view,
    open_view,
    outcome_view,
    run_line,
    signal_scale,
)
from codex.policy import GATES, Policy

SHOWN = 20
"""Changed decisions that are shown at first."""


class TunePage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.runs = OpenRuns(workbench.store, lambda run: workbench.active.calibrator)
        self.larger = LargerRuns(workbench.store)

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {
            "shown": SHOWN,
            "gates": [str(gate) for gate in GATES],
            "names": {name: known.label for name, known in signals.REGISTRY.items()},
            "metrics": glossary_view(("coverage", "selective_accuracy")),
        }

    def look(self, wanted: JSON) -> JSON:
        """The runs and the policies; for the run that is shown, what its table would be called now.

        wanted: {run: id, or null}.
        """
        store = self.workbench.store
        summaries = store.runs.list()
        for opened in (self.runs, self.larger.runs):
            opened.forget_others({one.run.id for one in summaries})
        shown = next((one for one in summaries if one.run.id == wanted.get("run")), None)
        saved = [line for policy in store.policies.list() if (line := saved_view(policy))]
        settings, active = (
            policy_view(self.workbench.settings.policy),
            policy_view(self.workbench.active.policy),
        )
        labels = {line["version"]: line["label"] for line in saved}
        return {
            "runs": [run_line(one) for one in summaries],
            "policies": saved + [settings] * all(line["version"] != settings["version"] for line in saved),
            "active": {**active, "label": labels.get(active["version"], active["label"])},
            "key": self.runs.key(shown) if shown else None,
        }

    def open(self, wanted: JSON) -> JSON:
        """A run's table, read as it is now. wanted: {run, policy}."""
        return open_view(self.runs.open(str(wanted["run"])), policy_of(wanted["policy"]))

    def scale(self, wanted: JSON) -> JSON:
        """Where the values of a signal lie in the run. wanted: {run, key, signal}."""
        return signal_scale(self._opened(wanted).rows, str(wanted["signal"]))

    def move(self, wanted: JSON) -> JSON:
        """What a policy does to the run's answers, beside another one, and which decisions changed.

        wanted: {run, key, policy, other: a policy to compare with, before: the policy that the changed
        questions are counted from, limit: how many of them are shown, curve: the one that is drawn, larger:
        {run, key} of a larger model, or null}. The curve comes only where another one has to be drawn.
        """
        opened = self._opened(wanted)
        policy, other, before = (policy_of(wanted[name]) for name in ("policy", "other", "before"))
        rows = opened.rows
        now, there = rows.outcome(policy), rows.outcome(other)
        curve = curve_key(opened, policy, now, there)
        drawn = wanted.get("curve") == curve
        return {
            "key": opened.key,
            "curve": curve,
            "now": outcome_view(now),
            "other": outcome_view(there),
            "differs": len(rows.changes(other, policy).rows),
            "changes": changes_view(rows, rows.changes(before, policy), int(wanted.get("limit") or SHOWN)),
            "figure": None if drawn else figure_view(rows, policy, now, there),
            "larger": self.larger.look(opened, policy, wanted.get("larger")),
        }

    def propose(self, wanted: JSON) -> JSON:
        """Thresholds for a target, or why there are none.

        wanted: {run, key, policy, by: "risk" or "coverage", risk, coverage, confidence_level: in percent}.
        """
        proposal = propose(self._opened(wanted), policy_of(wanted["policy"]), wanted)
        return {
            "policy": proposal.policy and proposal.policy.model_dump(mode="json"),
            "words": proposal.words,
        }

    def save(self, wanted: JSON) -> JSON:
        """Keep a policy under a name. wanted: {policy, name}."""
        policy = self._named(wanted)
        self.workbench.store.policies.save(policy.version, policy.name, policy.model_dump_json())
        return policy_view(policy)

    def activate(self, wanted: JSON) -> JSON:
        """Let a policy decide from the next question on; it is saved too. wanted: {policy, name}."""
        policy = self._named(wanted)
        self.workbench.active.activate_policy(policy)
        return policy_view(policy)

    def rename(self, wanted: JSON) -> None:
        """Call a saved policy something else. wanted: {version, name}."""
        self.workbench.store.policies.rename(str(wanted["version"]), str(wanted["name"]))

    def delete(self, wanted: JSON) -> None:
        """Delete a saved policy that does not decide. wanted: {version}."""
        self.workbench.store.policies.delete(str(wanted["version"]))

    def export(self, wanted: JSON) -> JSON:
        """A policy as a file. wanted: {policy, name}."""
        policy = named(policy_of(wanted["policy"]), wanted.get("name") or "policy")
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in policy.name).strip(".-") or "policy"
        return {"name": f"{stem}.yaml", "text": to_yaml(policy)}

    def read(self, wanted: JSON) -> JSON:
        """A policy out of a file. wanted: {text}.

        A guarantee is kept only where this very policy is known here: it was made on this store's runs.
        """
        policy = from_yaml(str(wanted["text"]))
        dropped = policy.guarantee is not None and not self._known(policy)
        if dropped:
            policy = policy.model_copy(update={"guarantee": None})
        return {"policy": policy_view(policy), "dropped": dropped}

    def _named(self, wanted: JSON) -> Policy:
        """A policy under the name that was typed. wanted: {policy, name}."""
        policy = named(policy_of(wanted["policy"]), wanted.get("name"))
        return saved_as(self.workbench.store.policies, policy)

    def _opened(self, wanted: JSON) -> OpenRun:
        opened = self.runs.at(str(wanted["run"]), str(wanted.get("key")))
        if not len(opened.rows):
            raise InvalidInput(f"The run {opened.summary.run.name!r} has no graded answers yet.", ["run"])
        return opened

    def _known(self, policy: Policy) -> bool:
        try:
            self.workbench.store.policies.load(policy.version)
        except NotFound:
            return False
        return True


def build(workbench: Workbench) -> Any:
    """Put the page into the Blocks that are open."""
    page = TunePage(workbench)
    calls: Calls = {
        "read": (page.look, page.open, page.scale, page.move, page.propose, page.export, page.read),
        "evaluate": (page.save, page.activate, page.rename, page.delete),
    }
    view("tune", page.config(), calls)
    return page
