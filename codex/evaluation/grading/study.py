"""How far each grader agrees with people, on answers that people judged."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codex.errors import Cancelled, NotFound
from codex.evaluation.grading.grades import grade
from codex.evaluation.items import GraderName, Item

if TYPE_CHECKING:
    from codex.engines.base import Engine

SETS = ("nq", "triviaqa")
TEXT_GRADERS: tuple[GraderName, ...] = ("exact", "contains", "recall", "f1", "rouge_l", "numeric", "refusal")
"""Those that need neither choices, patterns nor a model."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what a person said of it."""

    set: str
    system: str
    """Which of the five systems answered."""
    item: Item
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a grader and people agree, on one set and one system or all."""

    grader: str
    set: str
    system: str
    """"all": of every system together."""
    n: int
    ungraded: int
    """Answers that the grader could not judge; not among the n."""
    agreement: float
    """Share of the answers of which both say the same."""
    kappa: float
    """Cohen's, in [-1, 1]; NaN where it is not defined."""
    ac1: float
    """Gwet's, in [-1, 1]."""
    too_kind: int
    """Wrong answers that the grader calls right."""
    too_strict: int
    """Right answers that the grader calls wrong."""


def study(
    folder: Path,
    graders: Sequence[GraderName] = TEXT_GRADERS,
    engine: Engine | None = None,
    sample: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> list[Agreement]:
    """Measure graders against people's verdicts; best mean AC1 over the sets first.

    folder: holds nq.jsonl.gz and triviaqa.jsonl.gz in the form of EVOUNA (Wang et al. 2023,
    arXiv:2305.12421). sample: only so many answers of each set, drawn by chance with a
    fixed seed. Raises NotFound.
    """
    answers = judged(folder, sample)
    people = np.array([each.right for each in answers])
    said = np.full((len(graders), len(answers)), np.nan)
    for at, each in enumerate(answers):
        if cancel and cancel.is_set():
            raise Cancelled("The study was stopped.")
        for number, grader in enumerate(graders):
            right = grade(each.item, each.text, grader, engine).right
            said[number, at] = np.nan if right is None else right
        if progress:
            progress(at + 1, len(answers))
    rows = [list(_rows(*of_grader, answers, people)) for of_grader in zip(graders, said, strict=True)]
    rows.sort(key=lambda of_grader: -_mean_ac1(of_grader))
    return list(itertools.chain.from_iterable(rows))


def best(rows: Sequence[Agreement]) -> str:
    """The grader with the highest mean AC1 over the sets."""
    names = dict.fromkeys(row.grader for row in rows)
    return max(names, key=lambda name: _mean_ac1([row for row in rows if row.grader == name]))


def gwet_ac1(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two raters beyond chance, in [-1, 1]; both arrays are boolean, [n].

    Gwet 2008, "Computing inter-rater reliability and its variance in the presence of high agreement",
    Br. J. Math. Stat. Psychol. 61: chance is 2 p (1 - p), p the mean share of yes.
    """
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    yes = (one.mean() + two.mean()) / 2
    chance = 2 * yes * (1 - yes)
    return float(((one == two).mean() - chance) / (1 - chance))


def judged(folder: Path, sample: int | None = None) -> list[Judged]:
    """The judged answers of both sets. Left out: unsuitable questions, and answers without a verdict."""
    found = []
    for name in SETS:
        path = folder / f"{name}.jsonl.gz"
        if not path.exists():
            raise NotFound(
                f"There is no {path}. Give the folder with EVOUNA's {' and '.join(SETS)}: --data DIR."
            )
        of_set = list(_judged(path, name))
        if sample is not None and sample < len(of_set):
            of_set = random.Random(0).sample(of_set, sample)
        found += of_set
    return found


def _judged(path: Path, name: str) -> Iterator[Judged]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["improper"] or not row["answers"]:
                continue
            item = Item(row["id"], row["question"], tuple(row["answers"]), name)
            for system, output in row["outputs"].items():
                if output["answer"] is not None and output["correct"] is not None:
                    yield Judged(name, system, item, output["answer"], output["correct"])


def _rows(
    grader: str, said: NDArray[np.float64], answers: Sequence[Judged], people: NDArray[np.bool_]
) -> Iterator[Agreement]:
    sets = np.array([each.set for each in answers])
    systems = np.array([each.system for each in answers])
    for name in SETS:
        for system in ("all", *dict.fromkeys(systems)):
            chosen = (sets == name) & ((systems == system) | (system == "all"))
            graded = chosen & ~np.isnan(said)
            if graded.any():
                missing = int((chosen & ~graded).sum())
                yield _agreement(grader, name, system, people[graded], said[graded] == 1, missing)


def _agreement(
    grader: str, name: str, system: str, people: NDArray[np.bool_], said: NDArray[np.bool_], missing: int
) -> Agreement:
    # scikit-learn is loaded only where something is measured.
    from sklearn.metrics import cohen_kappa_score

    one_sided = len(set(people) | set(said)) == 1
    return Agreement(
        grader=grader,
        set=name,
        system=system,
        n=len(people),
        ungraded=missing,
        agreement=float((people == said).mean()),
        kappa=float("nan") if one_sided else float(cohen_kappa_score(people, said)),
        ac1=gwet_ac1(people, said),
        too_kind=int((said & ~people).sum()),
        too_strict=int((people & ~said).sum()),
    )


def _mean_ac1(rows: Sequence[Agreement]) -> float:
    return float(np.mean([row.ac1 for row in rows if row.system == "all"]))
