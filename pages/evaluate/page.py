"""The Evaluate page: runs are started, watched, compared, and opened down to the single token."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice

import numpy as np
from pydantic import ValidationError

from codex import figures
from codex.ask.workbench import Workbench
from codex.datasets.library import datasets
from codex.engines.base import GenerationParams
from codex.errors import InvalidInput, NotFound
from codex.evaluation.estimate import estimate
from codex.evaluation.evaluations import KIND, Evaluations
from codex.jobs import Job, Jobs
from codex.pages import JSON
from codex.pages.ask.scales import SCALES
from codex.pages.components import view
from codex.pages.evaluate.downloads import FORMATS
from codex.pages.evaluate.scores import RunScores, noted
from codex.pages.evaluate.view import (
    PAGE,
    ended_words,
    failed_line,
    graded_lines,
    label_of,
    number,
    ordered,
    record_view,
    run_facts,
    run_line,
    scores_view,
    standing,
)
from codex.pages.job_view import job_view
from codex.settings import MAX_SAMPLES
from codex.store.runs import RunSummary
from codex.text import sha256

EXAMPLE = ("capitals", 100)
"""What a first run is proposed to ask: the set, and how many of its questions; enough to calibrate on."""


class EvaluatePage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self.workbench = workbench
        self.jobs = jobs
        self.evaluations = Evaluations(workbench, jobs)
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
            "limits": {"n_samples": (1, MAX_SAMPLES), "sample_temperature": (0, 5), "max_tokens": (1, 8192)},
            "scales": {name: {**asdict(s), "captions": s.captions} for name, s in SCALES.items()},
            "downloads": list(FORMATS.items()),
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
            "model": self.workbench.engine.fingerprint,
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
        """One signal of a run against another, as a figure. wanted: {run, x, y}."""
        table = self.scores.table(self.workbench.store.runs.get(str(wanted["run"])))
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
        )
        figure["layout"]["height"] = 420
        return figure

    def questions(self, wanted: JSON) -> JSON:
        """A page of a run's questions. wanted: {run, filter, sort, down, page}."""
        summary = self.workbench.store.runs.get(str(wanted["run"]))
        shown, page = str(wanted.get("filter") or "all"), max(0, int(wanted.get("page") or 0))
        table, confidence = self.scores.table(summary), self.scores.confidence(summary).values
        graded = (
            ordered(table, confidence, shown=shown, sort=wanted.get("sort"), down=bool(wanted.get("down")))
            if shown != "not graded"
            else np.empty(0, dtype=np.intp)
        )
        ungraded = summary.done - len(table.ids) if shown in ("all", "not graded") else 0
        total = len(graded) + ungraded
        first = min(page, max(0, (total - 1) // PAGE)) * PAGE
        rows = graded_lines(table, confidence, graded[first : first + PAGE])
        if len(rows) < PAGE and ungraded:
            rows += self._ungraded(summary, max(0, first - len(graded)), PAGE - len(rows))
        correct = int(table.correct.sum())
        return {
            "rows": rows,
            "total": total,
            "first": first,
            "size": PAGE,
            "counts": {
                "all": summary.done,
                "correct": correct,
                "incorrect": len(table.ids) - correct,
                "not graded": summary.done - len(table.ids),
            },
        }

    def question(self, wanted: JSON) -> JSON:
        """One question of a run, with its answer token by token. wanted: {run, question}."""
        run_id, question_id = str(wanted["run"]), str(wanted["question"])
        record = self.workbench.store.runs.record(run_id, question_id)
        confidence, source = None, ""
        if record.correct is not None:
            summary = self.workbench.store.runs.get(run_id)
            place = self.scores.table(summary).ids.index(question_id)
            judged = self.scores.confidence(summary)
            confidence, source = number(judged.values[place]), judged.source
        return record_view(record, confidence, source, self.workbench.active.policy)

    def start(self, wanted: JSON) -> JSON:
        """Ask the questions of a set. wanted: {dataset, side, limit, n_samples, sample_temperature,
        max_tokens, evidence, name}."""
        self.evaluations.check_free()
        limit = wanted.get("limit")
        job = self.evaluations.start(
            str(wanted["dataset"]),
            name=str(wanted.get("name") or ""),
            limit=None if limit is None else int(limit),
            side=wanted.get("side") or None,
            evidence=bool(wanted.get("evidence")),
            params=self._params(wanted),
            n_samples=int(wanted["n_samples"]),
            sample_temperature=float(wanted["sample_temperature"]),
        )
        return self._job_view(job)

    def estimate(self, wanted: JSON) -> list[str]:
        """How long such a run takes and what it is good for, in sentences. wanted: as for `start`."""
        limit = wanted.get("limit")
        return estimate(
            self.workbench,
            str(wanted["dataset"]),
            limit=None if limit is None else int(limit),
            side=wanted.get("side") or None,
            evidence=bool(wanted.get("evidence")),
            params=self._params(wanted),
            n_samples=int(wanted["n_samples"]),
            sample_temperature=float(wanted["sample_temperature"]),
        ).lines

    def extend(self, wanted: JSON) -> JSON:
        """Ask a run the next questions of its set too. wanted: {run, more: how many}."""
        run, more = str(wanted["run"]), wanted.get("more")
        if not isinstance(more, int) or more < 1:
            raise InvalidInput("Type how many more questions to ask, at least 1.", ["more"])
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
        params = self.workbench.settings.engine.params.model_dump() | {"max_tokens": wanted.get("max_tokens")}
        try:
            return GenerationParams.model_validate(params)
        except ValidationError as error:
            raise InvalidInput(
                f"Max tokens is out of range: {error.errors()[0]['msg']}.", ["max_tokens"]
            ) from error

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

    def _ungraded(self, summary: RunSummary, first: int, most: int) -> list[JSON]:
        """Questions without a grade: few, and only looked for when they are asked for."""
        records = self.workbench.store.runs.records(summary.run.id)
        without = (record for record in records if record.correct is None)
        return [failed_line(record) for record in islice(without, first, first + most)]

    def _example(self) -> JSON | None:
        name, limit = EXAMPLE
        there = any(each.name == name for each in datasets(self.workbench.settings.home))
        return {"dataset": name, "limit": limit} if there else None


def build(workbench: Workbench, jobs: Jobs) -> EvaluatePage:
    """Put the page into the Blocks that are open."""
    page = EvaluatePage(workbench, jobs)
    calls = (
        *(
            page.datasets,
            page.look,
            page.estimate,
            page.start,
            page.extend,
            page.resume,
            page.cancel,
            page.rename,
            page.delete,
        ),
        *(page.open, page.scatter, page.questions, page.question),
    )
    view("evaluate", page.config(), calls)
    return page
