"""From graded answers to a calibrator: fitted on one half of them, so that guarantees rest on the other."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from codex.calibration import LEAST_LABELS, Calibrator, Method, before_and_after, fit
from codex.calibration.calibrator import STATED, WithoutProbes
from codex.calibration.combine import PROBES
from codex.calibration.drift import Reference
from codex.calibration.familiarity import Embed, Familiarity
from codex.calibration.prior import shipped_prior
from codex.calibration.resampling import auroc_gain
from codex.calibration.risk import (
    Guarantee,
    NoGuarantee,
    by_group,
    fewest_labels,
    selective_threshold,
)
from codex.calibration.shipped import shipped_calibrators
from codex.datasets.splits import split
from codex.errors import Conflict, InvalidInput
from codex.evaluation.generations import Generated
from codex.evaluation.prediction_sets import Sampled, sampled_runs, with_prediction_sets
from codex.evaluation.scoring import graded
from codex.jobs import OnProgress
from codex.policy import GATES, Policy, PolicyGuarantee, decide
from codex.signals import REGISTRY
from codex.signals.text import normalise
from codex.store import Store
from codex.store.evaluation.table import Table
from codex.types import Gate, Origin, Run, Side


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be guaranteed of the answers given."""

    alpha: float
    """At most this share of them is wrong."""
    delta: float
    """The chance that it is more."""
    policy: Policy
    """The one that decides: its rules choose which answers are given at all."""


class Counts(BaseModel):
    """Where graded answers end up: graded - duplicates = to_fit + held_out."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    graded: int
    """Graded answers of all runs together."""
    duplicates: int
    """Of these, answers to a question that was asked before: they are left out."""
    to_fit: int
    """A calibrator is fitted on them, and cross-fitted metrics are of them: the calibration half, or all."""
    held_out: int
    """The others: guarantees and held-out metrics are of them."""

    def __str__(self) -> str:
        graded = f"{self.graded:,} graded answer{'' if self.graded == 1 else 's'}"
        if self.duplicates:
            duplicates = f"{self.duplicates:,} duplicate{'' if self.duplicates == 1 else 's'}"
            graded += f" \u2212 {duplicates} = {self.graded - self.duplicates:,}"
        return f"{graded}: {self.to_fit:,} to fit, {self.held_out:,} held out"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Graded answers, and how they came about."""

    table: Table
    """Both sides of the split, each question once."""
    origin: Origin
    runs: tuple[str, ...] = ()
    graded: int = 0
    """With those that are not in the table, since their question stands there already."""
    sides: tuple[Side, ...] = ("calibration",)
    """The sides of the split that are fitted on; the others are held out."""

    @property
    def to_fit(self) -> Table:
        """The answers that are fitted on."""
        return _rows(self.table, self.is_to_fit)

    @property
    def held_out(self) -> Table:
        """The answers that no fit sees."""
        return _rows(self.table, ~self.is_to_fit)

    @property
    def is_to_fit(self) -> NDArray[np.bool_]:
        """[n]: which answers of the table are fitted on."""
        return np.array([split(question) in self.sides for question in self.table.questions], dtype=np.bool_)

    @property
    def counts(self) -> Counts:
        """How many answers are fitted on and held out."""
        n, to_fit = len(self.table.ids), int(self.is_to_fit.sum())
        return Counts(graded=self.graded, duplicates=self.graded - n, to_fit=to_fit, held_out=n - to_fit)


def calibrate(
    store: Store,
    run_ids: Sequence[str],
    method: str = "auto",
    target: Target | None = None,
    name: str = "calibrator",
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    sets_alpha: float | None = None,
    embed: Embed | None = None,
) -> Calibrator:
    """Fit a calibrator to the answers of runs and save it; it is not made active.

    With a target its policy is saved too, under the calibrator's name, with the threshold and the
    guarantee that the held-out answers allow, if any; see `guarantee`.
    With sets_alpha it keeps prediction sets too, of which that share may lack the correct answer; none where
    the answers have no samples, or were graded by the judge. embed: with it, questions unlike those fitted
    on will be recognised.

    Raises NotFound; InvalidInput when the runs were not asked in the same way, when there are too few labels
    (it says how many are needed) or only one kind of them, for an unknown method, an alpha or delta outside
    ]0, 1[; Cancelled, with nothing saved.
    """
    if target is not None:
        selective_threshold([], [], target.alpha, target.delta)  # Says before the fit what cannot be.
    labelled = labelled_runs(store, run_ids)
    calibrator, _ = fitted(labelled, method, name, progress, cancel, embed)
    if sets_alpha is not None and (samples := _gradable_samples(store, run_ids, cancel)):
        calibrator = with_prediction_sets(calibrator, samples, sets_alpha)
    policy = None
    if target is not None:
        policy = with_guarantee(target.policy, guarantee(labelled, calibrator, target), calibrator)
    keep(store, calibrator, policy)
    return calibrator


def keep(store: Store, calibrator: Calibrator, policy: Policy | None = None) -> None:
    """Save a calibrator, and the policy with a guarantee on it; neither is made active."""
    run = calibrator.runs[0] if calibrator.runs else None
    store.calibrators.save(calibrator.version, calibrator.name, calibrator.model_dump_json(), run)
    if policy is not None:
        store.policies.save(policy.version, policy.name, policy.model_dump_json())


def delete(store: Store, version: str) -> None:
    """Delete a calibrator.

    Raises NotFound; Conflict when it is active, ships with Codex, or a guarantee rests on it.
    """
    if any(version == each.version for each in shipped_calibrators()):
        raise Conflict(f"{version} ships with Codex: deleted, it would be back at the next start.")
    store.delete_calibrator(version)


def labelled_runs(store: Store, run_ids: Sequence[str]) -> Labelled:
    """The graded answers of runs; a question that stands in several counts in the first.

    Raises NotFound, and InvalidInput when the runs were not asked in the same way.
    """
    if not run_ids:
        raise InvalidInput("Name a run to calibrate on; `codex runs` lists them.", ["runs"])
    chosen = list(dict.fromkeys(run_ids))
    runs = [store.runs.get(run_id).run for run_id in chosen]
    _check_alike(runs)
    tables = [store.runs.table(run_id) for run_id in chosen]
    names = dict.fromkeys(name for table in tables for name in table.signals)
    joined = Table(
        ids=tuple(id_ for table in tables for id_ in table.ids),
        questions=tuple(question for table in tables for question in table.questions),
        texts=tuple(answer for table in tables for answer in table.texts),
        groups=np.concatenate([table.groups for table in tables]),
        correct=np.concatenate([table.correct for table in tables]),
        signals={
            name: np.concatenate(
                [table.signals.get(name, np.full(len(table.ids), np.nan)) for table in tables]
            )
            for name in names
        },
        ungraded=sum(table.ungraded for table in tables),
    )
    return Labelled(each_once(joined), runs[0].origin, tuple(chosen), len(joined.ids))


def answers_of(store: Store, calibrator: Calibrator) -> Labelled:
    """What the runs of a calibrator hold now, divided as it was fitted. Raises as `labelled_runs`."""
    return replace(labelled_runs(store, calibrator.runs), sides=calibrator.sides)


def labelled_generations(
    generations: Iterable[Generated],
    model: str | None = None,
    prompt: str | None = None,
    grader: str | None = None,
    cancel: threading.Event | None = None,
) -> Labelled:
    """Stored answers with their grades.

    model, prompt: fingerprints, where the answers do not say them. Raises InvalidInput when they were not
    made in one way, or nobody says by which model; Cancelled.
    """
    ways: dict[Origin, str] = {}

    def noted() -> Iterator[Generated]:
        for each in generations:
            if not each.error:
                said, observation = each.origin or Origin("", "", 1.0), each.observation
                origin = replace(
                    said,
                    model=model or said.model,
                    prompt=prompt or said.prompt,
                    n_samples=said.n_samples if said.adaptive else len(observation.samples),
                    evidence=bool(observation.passages),
                )
                ways.setdefault(origin, each.id)
            yield each

    table, _ = graded(noted(), grader, cancel)
    if len(ways) > 1:
        (first, one), (second, other) = list(ways.items())[:2]
        raise InvalidInput(
            f"The answers were not generated in the same way: {_in_words(first)} for {one!r}, "
            f"{_in_words(second)} for {other!r}. Calibrate on each kind separately.",
            ["generations"],
        )
    (origin,) = ways or [Origin(model or "", prompt or "", 1.0)]
    if not origin.model:
        raise InvalidInput(
            "The file does not say which model answered: name its fingerprint with --model.", ["model"]
        )
    return Labelled(each_once(table), origin, graded=len(table.ids))


def of_groups(table: Table, groups: Sequence[str]) -> Table:
    """The rows of these groups."""
    return _rows(table, np.isin(table.groups, groups))


def fitted(
    labelled: Labelled,
    method: str = "auto",
    name: str = "calibrator",
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    embed: Embed | None = None,
) -> tuple[Calibrator, NDArray[np.float64]]:
    """A calibrator fitted on `labelled.to_fit`, and what such fits say of the rows there.

    The latter: [repeats, n], each of a fit that did not see its row. Raises InvalidInput, Cancelled;
    ModelError of `embed`.
    """
    name = _name(name)
    table = labelled.to_fit
    _check_enough(labelled.counts)
    fit_to = partial(
        fit,
        correct=table.correct,
        signs={signal.name: 1 if signal.higher_is_confident else -1 for signal in REGISTRY.values()},
        groups=table.groups,
        counts=table.counts,
        prior=shipped_prior().design,
        method=_method(method),
        # Where nothing is held out to compare with, these metrics are all that there is.
        balanced=labelled.counts.held_out > 0,
        progress=progress,
        cancel=cancel,
    )
    plain = {name: column for name, column in table.signals.items() if name not in PROBES}
    result, without = fit_to(plain), None
    if labelled.origin.probe:
        probed = fit_to(table.signals)
        # A probe that adds nothing here is left out: it would only tie the calibrator to its domain.
        if auroc_gain(probed.crossfitted[0], result.crossfitted[0], table.correct)[1] > 0:
            result, without = probed, WithoutProbes(design=result.design, map=result.map)
    terms = {term.name for it in (result, without) if it for term in it.design.terms}
    used = {term.name: table.signals[term.name] for term in result.design.terms}
    made = Calibrator(
        name=name,
        method=result.method,
        design=result.design,
        map=result.map,
        **asdict(
            replace(
                labelled.origin,
                probe=labelled.origin.probe if without else "",
                stated=labelled.origin.stated if STATED in terms else "",
            )
        ),
        runs=labelled.runs,
        datasets=tuple(sorted(set(table.groups.tolist()))),
        questions=len(table.ids),
        sides=labelled.sides,
        accuracy=float(np.average(table.correct, weights=table.counts)),
        metrics=before_and_after(result, table.correct, counts=table.counts),
        briers=result.briers,
        prior=shipped_prior().version if result.with_prior else None,
        without_probes=without,
        reference=Reference.of(used).model_dump(mode="json"),
        familiarity=Familiarity.of(table.questions, embed) if embed else None,
        plugins={name: REGISTRY[name].package for name in used if REGISTRY[name].package},
    )
    return made, result.crossfitted


def guarantee(labelled: Labelled, calibrator: Calibrator, target: Target) -> Guarantee | NoGuarantee:
    """What can be guaranteed of the answers that no rule of the policy applies to, given at some threshold.

    Where a rule has the model asked again, what is answered then is another answer.
    It rests on the side alone that the calibrator has not seen; where it has seen both, there is none.
    Raises InvalidInput.
    """
    if not calibrator.holds_out:
        return _unproven(calibrator, target)
    held, confidence, given = _held_out(labelled, calibrator, target.policy)
    return selective_threshold(confidence, held.correct, target.alpha, target.delta, selectable=given)


def guarantee_labels(labelled: Labelled, calibrator: Calibrator, target: Target) -> int | None:
    """About how many held-out answers like these a guarantee takes; None where more would not help.

    The calibrator holds answers out. Raises InvalidInput.
    """
    held, confidence, given = _held_out(labelled, calibrator, target.policy)

    def of_first(n: int) -> Guarantee | NoGuarantee:
        return selective_threshold(
            confidence[:n], held.correct[:n], target.alpha, target.delta, selectable=given[:n]
        )

    n = len(held.ids)
    found = of_first(n)
    if isinstance(found, NoGuarantee):
        return found.labels
    sizes = np.geomspace(fewest_labels(target.alpha, target.delta), n, 12).astype(int).tolist()
    return next((size for size in sizes if isinstance(of_first(size), Guarantee)), n)


def group_guarantees(
    labelled: Labelled, calibrator: Calibrator, target: Target
) -> dict[str, Guarantee | NoGuarantee]:
    """The same of each dataset by itself (Mondrian), by name: each holds with probability 1 - delta.

    A dataset without a held-out answer has no guarantee. Raises InvalidInput.
    """
    names = np.unique(labelled.table.groups).tolist()
    if not calibrator.holds_out:
        return dict.fromkeys(names, _unproven(calibrator, target))
    held, confidence, given = _held_out(labelled, calibrator, target.policy)
    found = by_group(confidence, held.correct, held.groups, target.alpha, target.delta, selectable=given)
    nothing = selective_threshold([], [], target.alpha, target.delta)
    return {name: found.get(name, nothing) for name in names}


def _gradable_samples(store: Store, run_ids: Sequence[str], cancel: threading.Event | None) -> list[Sampled]:
    """What the samples of runs say; nothing where only the judge could grade them."""
    try:
        return sampled_runs(store, run_ids, cancel)
    except InvalidInput:
        return []


def _held_out(
    labelled: Labelled, calibrator: Calibrator, policy: Policy
) -> tuple[Table, NDArray[np.float64], NDArray[np.bool_]]:
    """The answers it has not seen, their confidences, and which of them no rule of the policy holds for."""
    held = replace(labelled, sides=calibrator.sides).held_out
    confidence = calibrator.confidences(held.signals) if held.ids else np.empty(0)
    gates = decide(policy, held.signals, confidence).gate
    return held, confidence, gates == GATES.index(Gate.PROCEED)


def _unproven(calibrator: Calibrator, target: Target) -> NoGuarantee:
    selective_threshold([], [], target.alpha, target.delta)  # Says what is wrong with a level.
    few = fewest_labels(target.alpha, target.delta)
    return NoGuarantee(
        alpha=target.alpha, delta=target.delta, n=0, labels=few, reason=calibrator.why_unproven
    )


def with_guarantee(policy: Policy, found: Guarantee | NoGuarantee, calibrator: Calibrator) -> Policy | None:
    """The policy with the threshold and its guarantee, under the calibrator's name; None without one.

    It asks no larger model: what is guaranteed is proven of the answers of one.
    """
    if isinstance(found, NoGuarantee):
        return None
    return policy.model_copy(
        update={
            "name": calibrator.name,
            "answer_above": found.threshold,
            "abstain_below": min(policy.abstain_below, found.threshold),
            "larger_above": None,
            "guarantee": PolicyGuarantee(
                risk=found.alpha,
                confidence_level=round(1 - found.delta, 12),
                calibrator=calibrator.version,
                run=calibrator.runs[0] if calibrator.runs else "",
                questions=found.n,
                answered=found.answered,
                incorrect=found.incorrect,
            ),
        }
    )


def _check_enough(counts: Counts) -> None:
    if counts.to_fit < LEAST_LABELS:
        raise InvalidInput(
            f"There are too few answers. {counts}; {LEAST_LABELS} are needed to fit. A calibrator is fitted "
            "on one half of the questions, so that the other half can prove it. "
            f"Ask {2 * (LEAST_LABELS - counts.to_fit)} more questions.",
            ["runs"],
        )


def _check_alike(runs: Sequence[Run]) -> None:
    """Raise InvalidInput, with what differs, unless the runs were asked in one way."""

    def way(run: Run) -> dict[str, object]:
        asked = run.params
        return {
            "model": run.model,
            "prompt": run.prompt,
            "evidence": asked.evidence,
            **{f"answer.{name}": value for name, value in asdict(asked.answer).items()},
            **{f"samples.{name}": value for name, value in asdict(asked.samples).items()},
            "n_samples": asked.n_samples,
            "adaptive": asked.adaptive,
            **{f"checks.{name}": value for name, value in asked.checks.items()},
            "probe": run.probe,
            "verifier": run.verifier,
            "stated": asked.stated,
        }

    first = way(runs[0])
    for run in runs[1:]:
        other = way(run)
        differing = [
            f"{key} is {first.get(key)!r} in {runs[0].name!r} and {other.get(key)!r} in {run.name!r}"
            for key in {**first, **other}
            if first.get(key) != other.get(key)
        ]
        if differing:
            raise InvalidInput(
                f"The runs were not asked in the same way: {'; '.join(differing)}. "
                "Calibrate on each separately.",
                ["runs"],
            )


def each_once(table: Table) -> Table:
    """A question asked twice would be on both sides of a fold, and count twice in a guarantee."""
    first: dict[str, int] = {}
    for at, question in enumerate(table.questions):
        first.setdefault(normalise(question), at)
    keep = np.zeros(len(table.ids), dtype=np.bool_)
    keep[list(first.values())] = True
    return _rows(table, keep)


def _rows(table: Table, keep: NDArray[np.bool_]) -> Table:
    kept = np.flatnonzero(keep)
    return Table(
        ids=tuple(table.ids[at] for at in kept),
        questions=tuple(table.questions[at] for at in kept),
        texts=tuple(table.texts[at] for at in kept),
        groups=table.groups[kept],
        correct=table.correct[kept],
        signals={name: column[kept] for name, column in table.signals.items()},
        ungraded=table.ungraded,
        counts=None if table.counts is None else table.counts[kept],
    )


def _method(name: str) -> Method | Literal["auto"]:
    for method in ("auto", *get_args(Method)):
        if method == name:
            return method  # type: ignore[no-any-return]
    raise InvalidInput(
        f"There is no method {name!r}. There are: auto, {', '.join(get_args(Method))}.", ["method"]
    )


def _name(name: str) -> str:
    stripped = name.strip()
    if not stripped or "@" in stripped:
        raise InvalidInput(f"{name!r} is not a valid calibrator name: use letters, without @.", ["name"])
    return stripped


def _in_words(origin: Origin) -> str:
    samples = f"{'at most ' if origin.adaptive else ''}{origin.n_samples} samples"
    return (
        f"{origin.model or 'a model not named'}, {samples} at temperature "
        f"{origin.sample_temperature:g}, {'with' if origin.evidence else 'without'} passages, "
        f"answers at temperature {origin.temperature:g}"
    )
