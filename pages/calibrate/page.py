"""The Calibrate page: a confidence that means what it says, fitted, shown and made active."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping

import numpy as np

from codex.ask.workbench import Workbench
from codex.calibration import Calibrator, fit
from codex.calibration.calibrator import measured
from codex.calibration.glossary import glossary_view
from codex.calibration.prior import estimated_confidences
from codex.calibration.shipped import shipped_calibrators
from codex.errors import Conflict, InvalidInput
from codex.evaluation.calibrating import (
    Target,
    answers_of,
    calibrate,
    delete,
    group_guarantees,
    guarantee,
    with_guarantee,
)
from codex.evaluation.prediction_sets import NO_SAMPLES, Sampled, checked_sets, sampled_runs
from codex.jobs import Job, JobProgress, Jobs
from codex.pages import JSON
from codex.pages.background import Background, Result
from codex.pages.calibrate.view import (
    METHODS,
    SHOWN,
    FitTarget,
    Judged,
    Seen,
    calibrator_facts,
    calibrator_line,
    diagram,
    group_row,
    guarantee_view,
    hints,
    run_choice,
    sets_row,
)
from codex.pages.components import Calls, view
from codex.pages.kept import Kept
from codex.pages.versions import can_go_back, made_view, metrics_row, news, standing
from codex.policy import Policy
from codex.signals import REGISTRY
from codex.store.evaluation.table import Table

KIND = "calibrate"
HELD_OUT = "Calibrated, on the held-out half of the questions"
ALPHA, DELTA = 0.1, 0.05
"""The risk and the error level that the form proposes."""
LEVELS = {
    "alpha": "Incorrect answers allowed, α",
    "delta": "Error level δ",
    "sets": "Miss rate, at most",
}
"""What a level between 0 and 1 is called on the page."""
SETS_ALPHA = 0.1
"""The share of prediction sets that may lack the correct answer, at first."""
MOMENT = 0.3
"""Seconds for which a page is let wait, rather than told to ask again."""


class CalibratePage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self.workbench = workbench
        self.jobs = jobs
        self._seen: Background[Seen] = Background(jobs, "diagrams", "Drawing the diagrams", self._compute)
        self._samples: Background[list[Sampled]] = Background(
            jobs, "samples", "Reading the samples", self._read_samples
        )
        self._kept = Kept(workbench.settings.home / "cache" / "diagrams")
        self._read: dict[str, Calibrator] = {}
        self._asked: dict[str, FitTarget] = {}
        """What was asked for at the fits of this process, by the calibrator's version."""
        self._lock = threading.Lock()

    def config(self) -> JSON:
        """What the page needs at the start."""
        levels = {"alpha": ALPHA, "delta": DELTA, "sets": SETS_ALPHA}
        metrics = glossary_view(SHOWN)
        return {"methods": list(METHODS.items()), "defaults": levels, "metrics": metrics}

    def look(self, wanted: JSON) -> JSON:
        """The fit, and runs and calibrators if the page has others. wanted: {seen: version}."""
        store = self.workbench.store
        job = next(iter(self.jobs.list(KIND)), None)
        runs = [run_choice(summary) for summary in store.runs.list()]
        read = [(one, self._body(one.version, one.body)) for one in store.calibrators.list()]
        asked = self._asked_for()
        calibrators = [
            calibrator_line(one, it, self.workbench.active.mismatch(it), asked.get(one.version))
            for one, it in read
        ]
        history = store.calibrators.history()
        shown = {"runs": runs, "saved": calibrators, "back": can_go_back(history)}
        now = {one.version: standing(one, history) for one, _ in read}
        return {"job": _fit_view(job, now) if job else None, **news(wanted, shown)}

    def fit(self, wanted: JSON) -> JSON:
        """Fit and save. wanted: {runs: ids, method, alpha, delta, sets, name}."""
        runs, method = [str(run) for run in wanted["runs"]], str(wanted["method"])
        if not runs:
            raise InvalidInput("Choose a run to fit on.", ["runs"])
        alpha, delta = _level(wanted, "alpha"), _level(wanted, "delta")
        sets = _level(wanted, "sets")
        name = str(wanted.get("name") or "").strip() or "calibrator"
        store, target = self.workbench.store, Target(alpha, delta, self.workbench.active.policy)
        for run in runs:
            store.runs.get(run)

        def work(job: Job) -> Calibrator:
            job.report(JobProgress(text="Reading the answers"))

            def progress(done: int, total: int) -> None:
                job.report(JobProgress(done, total, "fits"))

            embed = self.workbench.embed_questions
            done = calibrate(store, runs, method, target, name, progress, job.cancel, sets, embed)
            with self._lock:
                self._asked[done.version] = {"alpha": alpha, "delta": delta}
            return done

        return _fit_view(self.jobs.start(KIND, f"Fitting {name}", work), {})

    def cancel(self, wanted: JSON) -> None:
        """Stop a fit."""
        self.jobs.cancel(wanted["job"])

    def show(self, wanted: JSON) -> JSON:
        """A calibrator, its diagrams and metrics beside another's or the estimate, and what it guarantees.

        wanted: {version, with: another version or null, alpha, delta}.
        """
        version, other = str(wanted["version"]), wanted.get("with")
        calibrator = self._load(version)
        seen, rival = self._result(version), self._result(str(other)) if other else None
        computing = (seen is None) or (bool(other) and rival is None)
        value = seen.value if seen else None
        rows = []
        if other:
            compared = self._load(str(other))
            rows.append(metrics_row(str(other), "Cross-fitted on its own runs", compared.metrics["after"]))
        rows += [
            metrics_row("estimated", "What is shown without a calibrator", value.before if value else None),
            metrics_row("combined", "Cross-fitted, before the map", calibrator.metrics["before"]),
            metrics_row("calibrated", "Cross-fitted, after the map", calibrator.metrics["after"]),
        ]
        if calibrator.holds_out:
            rows.append(metrics_row("held out", HELD_OUT, value.held_out if value else None))
        return {
            "calibrator": self._card(version, calibrator, value, wanted),
            "left": self._left(value, str(other) if other else None, rival),
            "right": diagram(value.calibrated, value.correct, f"After: {calibrator.name}") if value else None,
            "rows": rows,
            "groups": self._groups(value, calibrator, wanted) if value and calibrator.holds_out else None,
            "computing": self._progress() if computing else None,
            "note": " ".join(outcome.note for outcome in (seen, rival) if outcome and outcome.note),
            "hint": hints(calibrator, value),
        }

    def sets(self, wanted: JSON) -> JSON:
        """Prediction sets for all questions and for each dataset, once their samples are read.

        wanted: {version, sets: the share of them that may lack the correct answer}.
        """
        alpha, runs = _level(wanted, "sets"), json.dumps(self._load(str(wanted["version"])).runs)
        found = self._samples.get(runs)
        if found is None:
            self._samples.want([runs], first=True)
        rows = [sets_row(each) for each in checked_sets(found.value, alpha)] if found and found.value else []
        return {"rows": rows, "note": found.note if found else "", "computing": found is None}

    def activate(self, wanted: JSON) -> None:
        """Let a calibrator speak, or none. wanted: {version: or null}."""
        self.workbench.active.activate_calibrator(wanted["version"])

    def keep_guarantee(self, wanted: JSON) -> None:
        """Activate the calibrator, and a policy that answers from the threshold of its guarantee.

        wanted: {version, alpha, delta}. Raises Conflict when nothing can be guaranteed.
        """
        version = str(wanted["version"])
        calibrator, found = self._load(version), self._result(version)
        if found is None or found.value is None:
            raise Conflict("The diagrams are still being drawn; try again in a moment.")
        target = self._target(wanted)
        proven = guarantee(found.value.labelled, calibrator, target)
        policy = with_guarantee(target.policy, proven, calibrator)
        if policy is None:
            raise Conflict(str(proven))
        self.workbench.active.activate(version, policy)

    def delete(self, wanted: JSON) -> None:
        """Delete a calibrator that is neither active nor shipped, and that no guarantee rests on.

        wanted: {version}.
        """
        version = str(wanted["version"])
        delete(self.workbench.store, version)
        with self._lock:
            self._read.pop(version, None)

    def rename(self, wanted: JSON) -> None:
        """Call a calibrator something else; its version stays. wanted: {version, name}."""
        self.workbench.store.calibrators.rename(str(wanted["version"]), str(wanted["name"]))

    def rollback(self, _: JSON) -> None:
        """Take the last activation back."""
        self.workbench.active.rollback_calibrator()

    def _card(self, version: str, calibrator: Calibrator, seen: Seen | None, wanted: JSON) -> JSON:
        active, target = self.workbench.active.calibrator, self._target(wanted)
        saved = self.workbench.store.calibrators.load(version)
        names = {each.run.id: each.run.name for each in self.workbench.store.runs.list()}
        return {
            "version": version,
            "name": saved.name,
            "title": saved.title,
            "active": active is not None and active.version == version,
            "ships": any(version == each.version for each in shipped_calibrators()),
            "mismatch": self.workbench.active.mismatch(calibrator),
            "facts": calibrator_facts(calibrator, names, seen.labelled.counts if seen else None),
            "guarantee": guarantee_view(guarantee(seen.labelled, calibrator, target)) if seen else None,
        }

    def _target(self, wanted: JSON) -> Target:
        """What is to be guaranteed, under the rules of the active policy."""
        alpha, delta = _level(wanted, "alpha"), _level(wanted, "delta")
        return Target(alpha, delta, self.workbench.active.policy)

    def _asked_for(self) -> dict[str, FitTarget]:
        """What calibrators were fitted for, by version; of an earlier process where there is a guarantee."""
        found: dict[str, FitTarget] = {}
        for saved in self.workbench.store.policies.list():  # The newest first: the first guarantee stays.
            if guarantee := Policy.model_validate_json(saved.body).guarantee:
                found[guarantee.calibrator] = {
                    "alpha": guarantee.risk,
                    "delta": round(1 - guarantee.confidence_level, 12),
                }
        with self._lock:
            return found | self._asked

    def _groups(self, seen: Seen, calibrator: Calibrator, wanted: JSON) -> list[JSON]:
        """The same of each dataset by itself."""
        groups = group_guarantees(seen.labelled, calibrator, self._target(wanted))
        return [group_row(name, each) for name, each in groups.items()]

    def _left(self, seen: Seen | None, other: str | None, rival: Result[Seen] | None) -> JSON | None:
        if other is not None:
            found = rival.value if rival else None
            return diagram(found.calibrated, found.correct, f"{other}") if found else None
        return diagram(seen.estimated, seen.correct, "Before: estimated") if seen else None

    def _result(self, version: str) -> Result[Seen] | None:
        return self._seen.get(version) or self._seen.soon(version, MOMENT)

    def _progress(self) -> str:
        job = self._seen.job
        now = job.progress if job else JobProgress()
        return (
            f"Drawing the diagrams: {now.done} of {now.total} fits" if now.total else "Drawing the diagrams"
        )

    def _compute(self, version: str, job: Job) -> Seen:
        """Judge each answer once more by a fit that did not see it, since only the fit itself was kept.

        The first repeat of the fit is drawn, the one that the intervals of its metrics are of.
        """
        calibrator = self._load(version)
        if not calibrator.runs:
            raise InvalidInput(
                "It was fitted on answers of no run, so there is nothing to draw. "
                + (calibrator.why_unproven or "Fit on a run to see it.")
            )
        labelled = answers_of(self.workbench.store, calibrator)
        table, held = labelled.to_fit, labelled.held_out
        job.report(JobProgress(text=version))
        plain = estimated_confidences(table.signals, len(table.correct))

        def judged() -> Judged:
            return Judged(
                calibrated=_crossfitted(calibrator, table, job),
                before=measured(plain, table.correct),
                held_out=measured(calibrator.confidences(held.signals), held.correct) if held.ids else None,
            )

        answers = hashlib.sha256(json.dumps([table.ids, held.ids]).encode())
        answers.update(table.correct.tobytes() + held.correct.tobytes())
        key = f"diagrams {version} {answers.hexdigest()}"
        found = self._kept.recall(key, judged, Judged.model_dump_json, Judged.model_validate_json)
        return Seen(
            labelled=labelled,
            correct=table.correct,
            estimated=plain,
            calibrated=np.array(found.calibrated, dtype=np.float64),
            before=found.before,
            held_out=found.held_out,
        )

    def _read_samples(self, runs: str, job: Job) -> list[Sampled]:
        """What the samples of runs say. runs: their ids, in JSON."""
        ids = json.loads(runs)
        if not ids:
            raise InvalidInput(
                "It was fitted on answers from a file, without samples. Fit on a run to see prediction sets."
            )
        job.report(JobProgress(text="Reading the samples"))
        samples = sampled_runs(self.workbench.store, ids, job.cancel)
        if not samples:
            raise InvalidInput(NO_SAMPLES)
        return samples

    def _load(self, version: str) -> Calibrator:
        with self._lock:
            known = self._read.get(version)
        return known or self._body(version, self.workbench.store.calibrators.load(version).body)

    def _body(self, version: str, body: str) -> Calibrator:
        """A calibrator of its JSON; a version never changes, so it is read once."""
        with self._lock:
            if version not in self._read:
                self._read[version] = Calibrator.model_validate_json(body)
            return self._read[version]


def _crossfitted(calibrator: Calibrator, table: Table, job: Job) -> list[float]:
    fitted = fit(
        table.signals,
        table.correct,
        signs={each.name: 1 if each.higher_is_confident else -1 for each in REGISTRY.values()},
        groups=table.groups,
        repeats=1,
        balanced=calibrator.holds_out,
        method="auto" if len(calibrator.briers) > 1 else calibrator.method,
        progress=lambda done, total: job.report(JobProgress(done, total, "fits")),
        cancel=job.cancel,
    )
    confidences: list[float] = fitted.crossfitted[0].tolist()
    return confidences


def _level(wanted: JSON, name: str) -> float:
    typed = "" if wanted.get(name) is None else str(wanted[name])
    try:
        level = float(typed)
    except ValueError:
        level = np.nan
    if not 0 < level < 1:
        raise InvalidInput(f"{LEVELS[name]} must be a number above 0 and below 1, not {typed!r}.", [name])
    return level


def _fit_view(job: Job, stands: Mapping[str, str]) -> JSON:
    return made_view(job, job.result.version if isinstance(job.result, Calibrator) else None, stands)


def build(workbench: Workbench, jobs: Jobs) -> CalibratePage:
    """Put the page into the Blocks that are open."""
    page = CalibratePage(workbench, jobs)
    calls: Calls = {
        "read": (page.look, page.show, page.sets),
        "evaluate": (
            *(page.fit, page.cancel, page.activate, page.keep_guarantee),
            *(page.rollback, page.rename, page.delete),
        ),
    }
    view("calibrate", page.config(), calls)
    return page
