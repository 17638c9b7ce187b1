"""The Evaluate page: runs are started, watched, compared, and opened down to the single token."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex import figures
from codex.ask.workbench import Workbench
from codex.calibration.glossary import glossary_view
from codex.datasets.library import datasets
from codex.datasets.table_files import SUFFIXES
from codex.engines.base import GenerationParams
from codex.errors import InvalidInput, NotFound
from codex.evaluation.comparison import Side
from codex.evaluation.estimate import estimate
from codex.evaluation.evaluations import KIND, Evaluations
from codex.evaluation.slices import columns, labels, slices, small_words
from codex.evaluation.subsets import keep_subset
from codex.jobs import Job, Jobs
from codex.pages import JSON
from codex.pages.ask.scales import SCALES
from codex.pages.components import Calls, view
from codex.pages.evaluate.comparing import Comparisons
from codex.pages.evaluate.downloads import FORMATS
from codex.pages.evaluate.questions import Listed, only_words
from codex.pages.evaluate.scores import RunScores, noted
from codex.pages.evaluate.uploads import Uploads
from codex.pages.evaluate.view import (
    METRICS,
    board_heads,
    ended_words,
    number,
    record_view,
    run_facts,
    run_line,
    scores_view,
    standing,
)
from codex.pages.job_view import job_view
from codex.pages.limits import limits
from codex.pages.typed import LIMITS, needed, optional
from codex.policy import ACTIONS, decide
from codex.signals import label_of
from codex.store.evaluation.runs import RunSummary
from codex.text import sha256
from codex.types import Action

EXAMPLE = ("capitals", 100)
"""What a first run is proposed to ask: the set, and how many of its questions; enough to calibrate on."""

VERDICTS = {"correct": True, "incorrect": False, "not gradable": None}
"""What a person may say of an answer."""


class EvaluatePage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self.workbench = workbench
        self.jobs = jobs
        self.evaluations = Evaluations(workbench, jobs)
        self.comparisons = Comparisons()
        self.uploads = Uploads(workbench.settings.home, jobs)
        self.scores = RunScores(workbench.store, jobs, workbench.settings.home / "cache" / "scores")

    def config(self) -> JSON:
        """What the page needs at the start."""
        ask, params = self.workbench.settings.ask, self.workbench.settings.engine.params
        return {
            "defaults": {
                "n_samples": ask.n_samples,
                "sample_temperature": ask.sample_temperature,
                "max_tokens": params.max_tokens,
            },
            "limits": LIMITS,
            "scales": {name: {**asdict(s), "captions": s.captions} for name, s in SCALES.items()},
            "downloads": list(FORMATS.items()),
            "upload": limits(self.workbench.settings, [*SUFFIXES, *(f"{each}.gz" for each in SUFFIXES[:-1])]),
            "metrics": glossary_view(METRICS),
            "board": board_heads(),
        }

    def datasets(self, _: JSON) -> list[JSON]:
        """The question sets that can be asked."""
        found = datasets(self.workbench.settings.home)
        return [{"name": each.name, "about": each.about, "rows": each.rows} for each in found]

    def look(self, wanted: JSON) -> JSON:
        """The run under way, and the leaderboard if the page has another one. wanted: {seen: version}."""
        summaries = self.workbench.store.runs.list()
        job = next(iter(self.jobs.list(KIND)), None)
        running = self.evaluations.running
        self.scores.want(*(each for each in summaries if each.run.id != running))
        lines = [self._line(each, running) for each in summaries]
        version = sha256(json.dumps(lines))[:16]
        same = wanted.get("seen") == version
        return {
            "job": self._job_view(job) if job else None,
            "busy": self.evaluations.busy,
            "model": self.workbench.model.engine.fingerprint,
            "scoring": self.scores.busy,
            "version": version,
            "example": self._example() if not lines else None,
            "documents": not self.workbench.index.is_empty,
            "runs": None if same else lines,
        }

    def open(self, wanted: JSON) -> JSON:
        """A run with its metrics, as far as they are known. wanted: {run}."""
        summary = self.workbench.store.runs.get(str(wanted["run"]))
        running = self.evaluations.running
        asked_now = summary.run.id == running
        found = None if asked_now else self.scores.soon(summary)
        scores = found.value.scores if found and found.value else None
        computing = "The run is in progress; its metrics follow when it ends." if asked_now else None
        if not asked_now and found is None:
            computing = "Measuring every signal with its interval"
        return {
            "run": self._line(summary, running),
            "facts": run_facts(summary),
            "scores": scores_view(scores) if scores else None,
            "computing": computing,
            "note": noted(found),
            "calibrate": summary.correct > 0 and summary.incorrect > 0,
        }

    def scatter(self, wanted: JSON) -> JSON:
        """One signal of a run against another, as a figure. wanted: {run, x, y, colour: a column}."""
        summary = self.workbench.store.runs.get(str(wanted["run"]))
        table = self.scores.table(summary)
        classes: list[str] = []
        if wanted.get("colour"):
            lines = self.scores.lines(summary)
            found = self._labels(summary, str(wanted["colour"]))
            classes = [found[at] for at in lines.graded.tolist()]
        x, y = str(wanted["x"]), str(wanted["y"])
        for name in (x, y):
            if name not in table.signals:
                raise NotFound(f"This run has no signal {name!r}.")
        figure = figures.signal_scatter(
            table.signals[x],
            table.signals[y],
            table.correct,
            x_name=label_of(x),
            y_name=label_of(y),
            texts=table.questions,
            ids=table.ids,
            classes=classes,
        )
        figure["layout"]["height"] = 420
        return figure

    def questions(self, wanted: JSON) -> JSON:
        """A page of a run's questions.

        wanted: {run, filter, search, sort, down, page, only: {column, label} or {ids} or none}.
        """
        listed = self._listed(wanted)
        return listed.page(wanted, self._only(wanted, listed)) | {"only": only_words(wanted.get("only"))}

    def copied(self, wanted: JSON) -> JSON:
        """All questions that match, as text for a spreadsheet. wanted: as of `questions`, without a page."""
        listed = self._listed(wanted)
        return listed.copied(wanted, self._only(wanted, listed))

    def keep(self, wanted: JSON) -> str:
        """Keep the questions that match as a dataset, and say so. wanted: as of `copied`, with its {name}."""
        listed = self._listed(wanted)
        ids = listed.matching(wanted, self._only(wanted, listed))
        home, name = self.workbench.settings.home, str(wanted["name"]).strip()
        kept = keep_subset(self.workbench.store, home, str(wanted["run"]), ids, name)
        amount = f"{kept.rows:,} {'question' if kept.rows == 1 else 'questions'}"
        return f"Kept as the dataset {kept.name}: {amount}"

    def slices(self, wanted: JSON) -> JSON:
        """A run by a column of its questions, once it is measured. wanted: {run, column; none: the first}."""
        summary = self.workbench.store.runs.get(str(wanted["run"]))
        lines, table, listed = self.scores.lines(summary), self.scores.table(summary), self._listed(wanted)
        own = self.scores.item_columns(summary, self.workbench.settings.home)
        known = columns(lines, table, own) if self._measured(summary) else {}
        column = str(wanted.get("column") or next(iter(known), ""))
        if not column:
            return {"columns": [], "column": "", "rows": [], "note": ""}
        decided = decide(self.workbench.active.policy, table.signals, listed.confidence[lines.graded])
        answered = decided.action == ACTIONS.index(Action.ANSWER)
        found = slices(lines, table, column, listed.confidence, answered, own)
        note = small_words() if any(each.too_small for each in found) else ""
        rows = [asdict(each) for each in found]
        return {"columns": [*known.items()], "column": column, "rows": rows, "note": note}

    def others(self, wanted: JSON) -> list[tuple[str, str]]:
        """The runs that a run can be compared with, the newest first. wanted: {run}."""
        runs = self.workbench.store.runs
        sharing = set(runs.sharing(str(wanted["run"])))
        there = [each.run for each in runs.list() if each.run.id in sharing]
        return [(run.id, f"{run.name}, {run.created_at:%d %b %H:%M}") for run in there]

    def compare(self, wanted: JSON) -> JSON:
        """A run against another one, and a page of their questions. wanted: {run, against, show, page}."""
        runs = self.workbench.store.runs
        both = [runs.get(str(wanted[name])) for name in ("against", "run")]
        names = [each.run.name for each in both]
        if not all(self._measured(each) for each in both):
            return {"names": names, "computing": True}
        listed = [self._listed({"run": each.run.id}) for each in both]
        sides = [
            Side(each.run.name, one.lines, one.confidence) for each, one in zip(both, listed, strict=True)
        ]
        return self.comparisons.view(sides[0], sides[1], wanted) | {"computing": False}

    def label(self, wanted: JSON) -> None:
        """A person's verdict on an answer. wanted: {run, question, verdict: one of VERDICTS, or "grader"}."""
        runs, run_id, question = self.workbench.store.runs, str(wanted["run"]), str(wanted["question"])
        verdict = str(wanted["verdict"])
        if verdict == "grader":
            runs.unlabel(run_id, question)
        elif verdict in VERDICTS:
            runs.label(run_id, question, VERDICTS[verdict])
        else:
            raise InvalidInput(f"There is no verdict {verdict!r}.", ["verdict"])

    def question(self, wanted: JSON) -> JSON:
        """One question of a run, with its answer token by token. wanted: {run, question}."""
        run_id, question_id = str(wanted["run"]), str(wanted["question"])
        record = self.workbench.store.runs.record(run_id, question_id)
        confidence, source = None, ""
        if record.correct is not None:
            summary = self.workbench.store.runs.get(run_id)
            judged = self.scores.confidence(summary)
            known = dict(zip(self.scores.table(summary).ids, judged.values, strict=True))
            confidence, source = number(known.get(question_id)), judged.source
        return record_view(record, confidence, source, self.workbench.active.policy)

    def start(self, wanted: JSON) -> JSON:
        """Ask the questions of a set. wanted: {dataset, side, limit, n_samples, sample_temperature,
        max_tokens, evidence, name}."""
        self.evaluations.check_free()
        job = self.evaluations.start(
            str(wanted["dataset"]),
            name=str(wanted.get("name") or ""),
            **self._options(wanted),
        )
        return self._job_view(job)

    def estimate(self, wanted: JSON) -> list[str]:
        """How long such a run takes and what it is good for, in sentences. wanted: as for `start`."""
        return estimate(
            self.workbench,
            str(wanted["dataset"]),
            **self._options(wanted),
        ).lines

    def _options(self, wanted: JSON) -> dict[str, Any]:
        return {
            "limit": optional(wanted, "limit"),
            "side": wanted.get("side") or None,
            "evidence": bool(wanted.get("evidence")),
            "params": self._params(wanted),
            "n_samples": needed(wanted, "n_samples"),
            "sample_temperature": needed(wanted, "sample_temperature"),
        }

    def extend(self, wanted: JSON) -> JSON:
        """Ask a run the next questions of its set too. wanted: {run, more: how many}."""
        run, more = str(wanted["run"]), needed(wanted, "more")
        total = self.workbench.store.runs.get(run).run.total
        return self._job_view(self.evaluations.extend(run, total + more))

    def resume(self, wanted: JSON) -> JSON:
        """Resume a run that was stopped. wanted: {run}."""
        return self._job_view(self.evaluations.resume(str(wanted["run"])))

    def cancel(self, wanted: JSON) -> None:
        """Stop a run; what was answered stays."""
        self.jobs.cancel(wanted["job"])

    def delete(self, wanted: JSON) -> None:
        """Delete a run with its answers, unless a guarantee rests on it. wanted: {run}."""
        self.evaluations.delete(str(wanted["run"]))

    def rename(self, wanted: JSON) -> None:
        """Call a run something else. wanted: {run, name}."""
        self.workbench.store.runs.rename(str(wanted["run"]), str(wanted["name"]))

    def _params(self, wanted: JSON) -> GenerationParams:
        params = self.workbench.settings.engine.params
        return params.model_copy(update={"max_tokens": needed(wanted, "max_tokens")})

    def _job_view(self, job: Job) -> JSON:
        shown = {**job_view(job, ended_words(job)), "run": job.about}
        if job.state == "done" and (why := self.scores.failure(job.result)):
            shown |= {"state": "failed", "error": f"Every question failed. The first error: {why}"}
        return shown

    def _line(self, summary: RunSummary, running: str | None) -> JSON:
        found = self.scores.get(summary)
        measured = standing(found.value.scores) if found and found.value else None
        note = noted(found)
        failure = self.scores.failure(summary)
        return run_line(
            summary, running=summary.run.id == running, measured=measured, note=note, failure=failure
        )

    def _measured(self, summary: RunSummary) -> bool:
        """Whether a run's scores are known, within a moment; not while it is asked."""
        return summary.run.id != self.evaluations.running and self.scores.soon(summary) is not None

    def _listed(self, wanted: JSON) -> Listed:
        summary = self.workbench.store.runs.get(str(wanted["run"]))
        lines, judged = self.scores.lines(summary), self.scores.confidence(summary).values
        return Listed.of(lines, judged if len(judged) == len(lines.graded) else np.nan)

    def _only(self, wanted: JSON, listed: Listed) -> NDArray[np.intp] | None:
        """The places of the questions that a slice or a selection leaves; None: all."""
        only = wanted.get("only")
        if not only:
            return None
        if "ids" in only:
            ids = set(only["ids"])
            kept = [id_ in ids for id_ in listed.lines.ids]
        else:
            summary = self.workbench.store.runs.get(str(wanted["run"]))
            kept = [label == only["label"] for label in self._labels(summary, str(only["column"]))]
        return np.flatnonzero(kept)

    def _labels(self, summary: RunSummary, column: str) -> list[str]:
        """The slice of each question of a run."""
        lines, table = self.scores.lines(summary), self.scores.table(summary)
        return labels(lines, table, column, self.scores.item_columns(summary, self.workbench.settings.home))

    def _example(self) -> JSON | None:
        name, limit = EXAMPLE
        there = any(each.name == name for each in datasets(self.workbench.settings.home))
        return {"dataset": name, "limit": limit} if there else None


def build(workbench: Workbench, jobs: Jobs) -> EvaluatePage:
    """Put the page into the Blocks that are open."""
    page = EvaluatePage(workbench, jobs)
    uploads = page.uploads
    calls: Calls = {
        "read": (
            *(page.datasets, page.look, page.estimate, page.open, page.scatter, page.questions),
            *(page.question, page.copied, page.slices, page.others, page.compare),
            *(uploads.draft, uploads.rejected, uploads.importing),
        ),
        "label": (page.label,),
        "evaluate": (
            *(page.start, page.extend, page.resume, page.cancel, page.rename, page.delete, page.keep),
            *(uploads.discard, uploads.import_draft, uploads.cancel_import),
        ),
    }
    view("evaluate", page.config(), calls)
    return page
