"""The Train page: what the model knows, learned from runs; watched, compared, made active."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import get_args

from codex.ask.verifying import stored
from codex.ask.workbench import Workbench
from codex.calibration.glossary import glossary_view
from codex.errors import CapabilityError, Conflict, InvalidInput
from codex.grounding.trained import Method, TrainedVerifier
from codex.jobs import Job, Jobs
from codex.pages import JSON
from codex.pages.components import Calls, view
from codex.pages.train import adapters
from codex.pages.train.adapters import PREFIX, adapter_view, options_of, tuning_view
from codex.pages.train.verifiers import SHOWN, course_view, verifier_view
from codex.pages.train.view import Kind, Sides, Use, probes_view, run_choice, sides_of
from codex.pages.versions import can_go_back, made_view, news, standing
from codex.signals.probes import Probes
from codex.store.evaluation.runs import RunSummary
from codex.store.versions.versions import SavedVersion
from codex.training import probe, verifier_models
from codex.training.agents import check_trl
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.fine_tunings import FineTunings, base_of
from codex.training.probe_fit import LEAST_OF_ALL
from codex.training.saved_probes import SavedProbes
from codex.training.saved_verifiers import SavedVerifier
from codex.training.trainings import KIND, Trainings
from codex.training.verifier_labels import LEAST, LEAST_OF_KIND, check_run
from codex.training.verifier_options import FitOptions
from codex.types import Run

STOPPED = "Stopped at a checkpoint. Resume continues from there."
SidesKey = tuple[str, int, int, int, str]
"""Of a run: whatever changes with its labels."""
LAYERS = 1 / 3
"""The share of the layers that a verifier adapts, from the last one down."""


class TrainPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(
        self, workbench: Workbench, trainings: Trainings, jobs: Jobs, fine_tunings: FineTunings
    ) -> None:
        self.workbench = workbench
        self.trainings = trainings
        self.fine_tunings = fine_tunings
        self.jobs = jobs
        self._sides: dict[SidesKey, Sides] = {}
        self._probes: dict[str, SavedProbes] = {}
        self._verifiers: dict[str, tuple[TrainedVerifier, SavedVerifier]] = {}
        self._lock = threading.Lock()

    def config(self) -> JSON:
        """What the page needs at the start."""
        options = FitOptions()
        return {
            "least": {
                "probe": {"all": 2 * LEAST_OF_ALL, "kind": LEAST_OF_ALL},
                "verifier": {"all": LEAST, "kind": LEAST_OF_KIND},
            },
            "metrics": glossary_view(SHOWN),
            "columns": adapters.columns(),
            "defaults": {
                "epochs": options.epochs,
                "learning_rate": options.learning_rate,
                "kl_weight": options.kl_weight,
            },
            "tuning": adapters.defaults(),
        }

    def look(self, wanted: JSON) -> JSON:
        """The training, and runs and versions if the page has others. wanted: {seen: version}."""
        store = self.workbench.store
        job = next(iter(self.jobs.list(KIND)), None)
        found, probes, verifiers = store.runs.list(), store.probes, store.verifiers
        shown = {
            # Those that can be chosen first.
            "runs": sorted(map(self._choice, found), key=lambda run: all(run["problems"].values())),
            "saved": self._saved(found),
            "back": {"probe": can_go_back(probes.history()), "verifier": can_go_back(verifiers.history())},
            "problems": {
                "probe": _said(self._check_probes),
                "readout": _said(self._check_readout),
                "lora": _said(self._check_lora),
                "answerer": _said(self.fine_tunings.check_model),
                "reward": _said(check_trl) or _said(self.fine_tunings.check_model),
            },
        }
        busy = "" if self.jobs.running(KIND) else self.trainings.busy
        return {"job": self._job(job) if job else None, "busy": busy, **news(wanted, shown)}

    def train(self, wanted: JSON) -> JSON:
        """Train and save. wanted: {kind, runs: ids, name}; of a verifier its method too, readout or lora,
        and of an adapter, as of the model itself, the fields of its form.
        """
        kind = _kind(wanted)
        if kind == "answerer":
            return self._job(self.fine_tunings.answerer(options_of(AnswererOptions, wanted)))
        if kind == "reward":
            return self._job(self.fine_tunings.reward(options_of(RewardOptions, wanted)))
        runs, name = [str(run) for run in wanted["runs"]], str(wanted.get("name") or "").strip()
        if kind == "probe":
            return self._job(self.trainings.probes(runs, name or "probe"))
        if _method(wanted) == "readout":
            return self._job(self.trainings.readout(runs, name or "verifier"))
        options = FitOptions(
            epochs=round(_number(wanted, "epochs", 1, 100)),
            learning_rate=_number(wanted, "learning_rate", 1e-7, 1),
            kl_weight=_number(wanted, "kl_weight", 0, 1000),
        )
        return self._job(self.trainings.verifier(runs, name or "verifier", options, LAYERS))

    def resume(self, wanted: JSON) -> JSON:
        """Resume a training of the model that was interrupted. wanted: {version}."""
        return self._job(self.fine_tunings.resume(_adapter(wanted)))

    def use(self, wanted: JSON) -> JSON:
        """Load the model that was trained. wanted: {version}."""
        return self._job(self.fine_tunings.use(_adapter(wanted)))

    def verify(self, wanted: JSON) -> JSON:
        """Verify the runs of a verifier by it. wanted: {version}."""
        version = str(wanted["version"])
        there = {each.run.id for each in self.workbench.store.runs.list()}
        runs = [run for run in stored(self.workbench.store.verifiers.load(version)).runs if run in there]
        return self._job(self.trainings.verify(version, runs))

    def cancel(self, wanted: JSON) -> None:
        """Stop a training. wanted: {job}."""
        self.jobs.cancel(str(wanted["job"]))

    def activate(self, wanted: JSON) -> None:
        """Use a version from the next question on, or none of its kind. wanted: {kind, version: or null}."""
        active = self.workbench.active
        activate = active.activate_probes if _kind(wanted) == "probe" else active.verifier.activate
        activate(wanted["version"])

    def rollback(self, wanted: JSON) -> None:
        """Take the last activation back. wanted: {kind}."""
        active = self.workbench.active
        (active.rollback_probes if _kind(wanted) == "probe" else active.verifier.rollback)()

    def rename(self, wanted: JSON) -> None:
        """Call a version something else. wanted: {kind, version, name}."""
        store = self.workbench.store
        versions = store.probes if _kind(wanted) == "probe" else store.verifiers
        versions.rename(str(wanted["version"]), str(wanted["name"]))

    def delete(self, wanted: JSON) -> None:
        """Delete a version that is not active. wanted: {kind, version}."""
        if _kind(wanted) in ("answerer", "reward"):
            self.fine_tunings.delete(_adapter(wanted))
        elif _kind(wanted) == "probe":
            self.workbench.store.probes.delete(str(wanted["version"]))
        else:
            self.workbench.active.verifier.delete(str(wanted["version"]))

    def _check_probes(self) -> None:
        probe.check_engine(self.workbench.model.engine)

    def _check_readout(self) -> None:
        probe.check_engine(self.workbench.model.grounder.verifier)

    def _check_lora(self) -> None:
        verifier_models.check_engine(self.workbench.model.settings.engine.name)

    def _choice(self, summary: RunSummary) -> JSON:
        run, engine = summary.run, self.workbench.model.engine
        running = "It is still running." if run.state == "running" else ""
        foreign = f"Of {run.model}, which is not loaded."
        problem = foreign if run.model != engine.fingerprint else running
        asked = running or ("Its questions follow others." if run.origin.follows else "")
        other = foreign if base_of(run.model) != base_of(engine.fingerprint) else ""
        problems: dict[Use, str] = {
            "probe": problem or probe.unfit(run, engine),
            "verifier": problem or _said(lambda: check_run(run, engine.fingerprint)),
            "answerer": asked,
            "refuse": other or asked,
            "reward": asked,
        }
        sides = Sides(0, 0, 0) if all(problems.values()) else self._sides_of(summary)
        return run_choice(summary, sides, problems)

    def _saved(self, found: Sequence[RunSummary]) -> list[JSON]:
        """The saved versions of all kinds, the newest first."""
        store, model = self.workbench.store, self.workbench.model
        runs = {each.run.id: each.run for each in found}
        names = {run.id: run.name for run in runs.values()}
        shown = [
            probes_view(self._probe(each), names, model.engine.fingerprint) for each in store.probes.list()
        ]
        shown += [self._verifier(each, runs, names) for each in store.verifiers.list()]
        loaded, in_use = base_of(model.engine.fingerprint), self.fine_tunings.in_use
        job = self.jobs.running(KIND)
        trained = self.fine_tunings.name_of(job) if job else None
        shown += [adapter_view(each, in_use, loaded, trained) for each in self.fine_tunings.list()]
        return sorted(shown, key=lambda each: str(each["created"]), reverse=True)

    def _verifier(self, saved: SavedVersion, runs: dict[str, Run], names: dict[str, str]) -> JSON:
        model = self.workbench.model
        with self._lock:
            if saved.version not in self._verifiers:
                self._verifiers[saved.version] = (stored(saved), SavedVerifier.of(saved))
            made, known = self._verifiers[saved.version]
        checked = model.settings.grounding
        own = checked.verifier_model is None
        mismatch = made.mismatch(model.engine, checked.verifier_form) if own else ""
        mine = [runs[run] for run in made.runs if run in runs]
        verified = bool(mine) and all(run.verifier == saved.version for run in mine)
        now = known.model_copy(update={"name": saved.name, "active": saved.active})
        return verifier_view(now, names, mismatch, verified)

    def _job(self, job: Job) -> JSON:
        if (name := self.fine_tunings.name_of(job)) is not None:
            return self._tuning(job, name)
        store, done = self.workbench.store, job.result
        stands: dict[str, str] = {}
        made = done.version if isinstance(done, Probes | TrainedVerifier) else None
        if made:
            versions = store.probes if isinstance(done, Probes) else store.verifiers
            stands = {each.version: standing(each, versions.history()) for each in versions.list()}
        shown = made_view(job, made, stands)
        if job.about and made is None and job.state == "done":
            shown["summary"] = "the runs are verified; fit a calibrator on them"
        elif job.about and job.state == "cancelled":
            shown["summary"] = "Stopped; the run that was under way is as it was."
        return {**shown, "course": course_view(self.trainings.epochs(job.id))}

    def _tuning(self, job: Job, name: str) -> JSON:
        """A job about an adapter."""
        trained = not isinstance(job.result, str)
        there = job.state != "running" and any(each.name == name for each in self.fine_tunings.list())
        shown = made_view(job, None, {})
        if job.state == "done":
            shown["summary"] = f"{name} is trained, not yet in use" if trained else f"{name} is loaded"
        elif job.state == "cancelled":
            resumes = there and self.fine_tunings.course(job.id)
            shown["summary"] = STOPPED if resumes else "Stopped; nothing has changed."
        course = tuning_view(self.fine_tunings.course(job.id))
        return {**shown, "made": PREFIX + name if there else None, "course": course}

    def _sides_of(self, summary: RunSummary) -> Sides:
        key = (summary.run.id, summary.done, summary.correct, summary.incorrect, summary.labels)
        with self._lock:
            known = self._sides.get(key)
        if known is None:
            known = sides_of(self.workbench.store.runs.lines(summary.run.id))
            with self._lock:
                self._sides[key] = known
        return known

    def _probe(self, saved: SavedVersion) -> SavedProbes:
        """Saved probes; what was learned never changes, so it is read once."""
        with self._lock:
            if saved.version not in self._probes:
                self._probes[saved.version] = SavedProbes.of(saved)
            known = self._probes[saved.version]
        return known.model_copy(update={"name": saved.name, "active": saved.active})


def _kind(wanted: JSON) -> Kind:
    """Raises ValueError for what the page never sends."""
    kind: Kind = wanted["kind"]
    if kind not in get_args(Kind):
        raise ValueError(kind)
    return kind


def _adapter(wanted: JSON) -> str:
    """The name of an adapter. Raises ValueError for what the page never sends."""
    version = str(wanted["version"])
    if not version.startswith(PREFIX):
        raise ValueError(version)
    return version.removeprefix(PREFIX)


def _method(wanted: JSON) -> Method:
    """Raises ValueError for what the page never sends."""
    method: Method = wanted["method"]
    if method not in ("readout", "lora"):
        raise ValueError(method)
    return method


def _number(wanted: JSON, name: str, low: float, high: float) -> float:
    typed = wanted[name]
    if isinstance(typed, bool) or not isinstance(typed, int | float) or not low <= typed <= high:
        words = name.replace("_", " ").capitalize()
        raise InvalidInput(f"{words} must be a number from {low:g} to {high:g}.", [name])
    return float(typed)


def _said(check: Callable[[], object]) -> str:
    """Why a check fails, as a sentence; "": it does not."""
    try:
        check()
    except (CapabilityError, Conflict, InvalidInput) as error:
        return str(error)
    return ""


def build(workbench: Workbench, trainings: Trainings, jobs: Jobs, fine_tunings: FineTunings) -> None:
    """Put the page into the Blocks that are open."""
    page = TrainPage(workbench, trainings, jobs, fine_tunings)
    calls: Calls = {
        "read": (page.look,),
        "train": (
            *(page.train, page.resume, page.verify, page.cancel, page.activate),
            *(page.rollback, page.rename, page.delete),
        ),
        "admin": (page.use,),
    }
    view("train", page.config(), calls)
