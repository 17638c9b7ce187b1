"""How far each grader agrees with people, on answers that people judged."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codex.calibration.imports import IMPORTS
from codex.errors import Cancelled, InvalidInput, NotFound
from codex.grading.grades import grade
from codex.grading.kinds import grader_of
from codex.items import Item
from codex.paths import checkout

if TYPE_CHECKING:
    from codex.engines.base import Engine

SETS = ("nq", "triviaqa")
"""Of EVOUNA."""
AUTO = "auto"
"""The automatic choice: each answer by the grader of its type."""
TEXT_GRADERS = (AUTO, "short", "recall", "contains", "refusal", "f1", "rouge_l", "exact", "numeric", "date")
"""Those that need neither choices, patterns nor a model."""
OWN_CASES = root / "tests" / "grading" / "cases" if (root := checkout()) else None
"""Cases of every type; None where Codex is installed without its tests."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what a person said of it."""

    set: str
    system: str
    """Which of the five systems answered; "" where nobody says."""
    item: Item
    text: str
    correct: bool

    @property
    def type(self) -> str:
        """The type of its accepted answers, as the grader for them is called."""
        return grader_of(self.item)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a grader and people agree, on one set, and one system or all, and one type or all."""

    grader: str
    set: str
    system: str
    """"all": of every system together."""
    type: str
    """Of the accepted answers, as the grader for them is called; "all": of every type together."""
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
    """Incorrect answers that the grader calls correct."""
    too_strict: int
    """Right answers that the grader calls wrong."""


def study(
    folder: Path,
    graders: Sequence[str] = TEXT_GRADERS,
    engine: Engine | None = None,
    sample: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> list[Agreement]:
    """Measure graders against people's verdicts; best mean AC1 over the sets first.

    folder: holds nq.jsonl.gz and triviaqa.jsonl.gz in the form of EVOUNA (Wang et al. 2023,
    arXiv:2305.12421), or cases: any NAME.jsonl of rows with "question", "answers", "text", "correct" and
    perhaps "choices" and "labels". sample: only so many answers of each set, drawn by chance with a
    fixed seed. Raises NotFound, and InvalidInput for a row that is no case.
    """
    answers = judged(folder, sample)
    people = np.array([each.correct for each in answers])
    said = np.full((len(graders), len(answers)), np.nan)
    for at, each in enumerate(answers):
        if cancel and cancel.is_set():
            raise Cancelled("The study was stopped.")
        for number, grader in enumerate(graders):
            correct = grade(each.item, each.text, None if grader == AUTO else grader, engine).correct
            said[number, at] = np.nan if correct is None else correct
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
    """The judged answers of every set. Left out: unsuitable questions, and answers without a verdict."""
    evouna = {name: folder / f"{name}.jsonl.gz" for name in SETS}
    sets = [list(_judged(path, name)) for name, path in evouna.items() if path.exists()]
    sets += [list(_cases(path)) for path in sorted(folder.glob("*.jsonl"))]
    if not sets:
        raise NotFound(
            f"There are neither {' and '.join(path.name for path in evouna.values())} of EVOUNA in {folder}, "
            "nor cases, NAME.jsonl. Give the folder that has them: --data DIR."
        )
    if sample is not None:
        sets = [random.Random(0).sample(each, sample) if sample < len(each) else each for each in sets]
    return list(itertools.chain.from_iterable(sets))


def _cases(path: Path) -> Iterator[Judged]:
    with path.open(encoding="utf-8") as lines:
        for at, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                item = Item.of_row({"id": str(at), **row}, path.stem)
                yield Judged(path.stem, "", item, str(row["text"]), bool(row["correct"]))
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{path}, line {at} is not a case: {error!r}. A case is a JSON object with question, "
                    "answers, text and correct.",
                    ["data"],
                ) from error


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
    sets, systems, types = (
        np.array([getattr(each, name) for each in answers]) for name in ("set", "system", "type")
    )
    for name in dict.fromkeys(sets):
        of_set = sets == name
        kinds = dict.fromkeys(types[of_set])
        parts = [("all", "all")]
        parts += [(system, "all") for system in dict.fromkeys(systems[of_set]) if system]
        parts += [("all", kind) for kind in kinds if len(kinds) > 1]
        for system, kind in parts:
            chosen = of_set & ((systems == system) | (system == "all")) & ((types == kind) | (kind == "all"))
            graded = chosen & ~np.isnan(said)
            if graded.any():
                missing = int((chosen & ~graded).sum())
                row = _agreement(grader, str(name), people[graded], said[graded] == 1, missing)
                yield replace(row, system=str(system), type=str(kind))


def _agreement(
    grader: str, name: str, people: NDArray[np.bool_], said: NDArray[np.bool_], missing: int
) -> Agreement:
    # scikit-learn is loaded only where something is measured.
    with IMPORTS:
        from sklearn.metrics import cohen_kappa_score

    one_sided = len(set(people) | set(said)) == 1
    return Agreement(
        grader=grader,
        set=name,
        system="all",
        type="all",
        n=len(people),
        ungraded=missing,
        agreement=float((people == said).mean()),
        kappa=float("nan") if one_sided else float(cohen_kappa_score(people, said)),
        ac1=gwet_ac1(people, said),
        too_kind=int((said & ~people).sum()),
        too_strict=int((people & ~said).sum()),
    )


def _mean_ac1(rows: Sequence[Agreement]) -> float:
    return float(np.mean([row.ac1 for row in rows if row.system == row.type == "all"]))
