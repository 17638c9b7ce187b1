"""Evaluations over HTTP: started, watched, cancelled, resumed, scored, exported, renamed and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.request import AskOptions
from codex.engines.base import GenerationParams
from codex.errors import InvalidInput, NotFound
from codex.evaluation.comparison import Comparison, compare_runs
from codex.evaluation.estimate import ALPHA, DELTA, Estimate, estimate
from codex.evaluation.evaluations import Evaluations
from codex.evaluation.generations import generated_of, line_of
from codex.evaluation.scoring import Scores, confidences_of, score
from codex.numbers import NumbersAsSuch
from codex.server.guard import GuardedRoute
from codex.server.jobs import EXAMPLE, JobBody
from codex.server.names import NAMED, RenameBody, name_graders
from codex.server.routes import Bench, LoadedBench, errors
from codex.settings import MAX_SAMPLES
from codex.store import Store
from codex.store.codec.nouns import encode
from codex.store.evaluation.records import record_line
from codex.store.evaluation.runs import RunSummary
from codex.store.names import checked_name
from codex.types import RunState

router = APIRouter(prefix="/evaluations", tags=["evaluations"], route_class=GuardedRoute)


EVALUATION: JsonDict = {
    "id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "name": "capitals, first try",
    "dataset": "capitals",
    "created_at": "2026-01-31T12:00:00Z",
    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
    "state": "running",
    "total": 100,
    "done": 12,
    "correct": 7,
    "incorrect": 5,
    "failed": 0,
    "graders": {"contains": 12},
    "by_person": 0,
    "corrected": 0,
    "prompt": "790daec6749c",
    "params": {"n_samples": 5},
    "job": EXAMPLE,
}


class NewEvaluationBody(NumbersAsSuch):
    """What is to be asked, and how; what is left out comes from the settings."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"dataset": "capitals", "limit": 100, "n_samples": 5, "name": "capitals, first try"}]
        },
    )

    dataset: str = Field(description="A name that GET /datasets lists.")
    name: str | None = Field(
        None,
        strict=True,
        description="What it is called; left out: as the dataset.",
        json_schema_extra={"anyOf": [{"type": "string", **NAMED}, {"type": "null"}]},
    )
    limit: int | None = Field(None, ge=1, le=1_000_000, description="Only the first so many questions.")
    split: Literal["calibration", "test"] | None = Field(None, description="Only one half of the questions.")
    grader: str | None = Field(
        None,
        description="Grades all answers; left out: chosen for each question.",
        json_schema_extra=name_graders,
    )
    evidence: bool = Field(False, strict=True, description="Retrieve passages for each question first.")
    n_samples: int | None = Field(None, ge=1, le=MAX_SAMPLES, description="Samples beside each answer.")
    adaptive: bool | None = Field(
        None, strict=True, description="Fewer of them where the first ones settle it."
    )
    sample_temperature: float | None = Field(None, ge=0.0, le=5.0, allow_inf_nan=False)
    params: GenerationParams | None = Field(None, description="How answers are generated.")


class RunGradeBody(BaseModel):
    """What a person says of an answer of a run."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"correct": True}]}
    )

    correct: bool | None = Field(description="Whether the answer is correct; null: it cannot be graded.")


class ExtendBody(NumbersAsSuch):
    """How far a run is extended."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"limit": 200}]})

    limit: int = Field(ge=1, le=1_000_000, description="Questions in all, those that were asked included.")


class EvaluationBody(BaseModel):
    """A run: the questions of a dataset, asked and graded."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVALUATION]})

    id: str
    name: str
    dataset: str
    created_at: datetime
    model: str = Field(description="The fingerprint of the engine that answered.")
    state: RunState
    total: int
    done: int = Field(description="Questions with an answer, or with an error.")
    correct: int
    incorrect: int
    failed: int
    graders: dict[str, int] = Field(description="How many answers each grader graded.")
    by_person: int = Field(description="Answers with a person's verdict, which counts instead of a grader's.")
    corrected: int = Field(description="Those of them of which the grader said something else.")
    prompt: str = Field(description="The fingerprint of the prompt templates.")
    params: dict[str, Any] = Field(description="How it was asked.")
    job: JobBody | None = Field(description="Its progress; null: it was not asked since Codex started.")

    @classmethod
    def of(cls, summary: RunSummary, evaluations: Evaluations) -> EvaluationBody:
        """A run as it is stored, with the job that asks it.

        A job that measures the judge before its first question has begun the run already.
        """
        run, job = summary.run, evaluations.job(summary.run.id)
        return cls(
            id=run.id,
            name=run.name,
            dataset=run.dataset,
            created_at=run.created_at,
            model=run.model,
            state="running" if job is not None and job.state == "running" else run.state,
            total=run.total,
            done=summary.done,
            correct=summary.correct,
            incorrect=summary.incorrect,
            failed=summary.failed,
            graders=summary.graders,
            by_person=summary.by_person,
            corrected=summary.corrected,
            prompt=run.prompt,
            params=encode(run.params),
            job=JobBody.of(job) if job else None,
        )


SCORES: JsonDict = {"n": 100, "accuracy": 0.58, "accuracy_ci": [0.48, 0.67], "signals": {}, "ungraded": 0}
"""A part of what is sent."""


def evaluations_of(request: Request) -> Evaluations:
    """The runs that the application asks."""
    evaluations: Evaluations = request.app.state.evaluations
    return evaluations


Asked = Annotated[Evaluations, Depends(evaluations_of)]


@router.get("", summary="List the evaluations", responses=errors(503))
def list_evaluations(workbench: Bench, evaluations: Asked) -> list[EvaluationBody]:
    """The runs, the newest first."""
    return [EvaluationBody.of(summary, evaluations) for summary in workbench.store.runs.list()]


@router.post("", summary="Start an evaluation", status_code=202, responses=errors(404, 409, 503))
def start(body: NewEvaluationBody, workbench: LoadedBench, evaluations: Asked) -> EvaluationBody:
    """Ask the questions of a dataset in the background, one run at a time; live questions come first."""
    job = evaluations.start(
        body.dataset,
        name="" if body.name is None else checked_name(body.name, "run"),
        limit=body.limit,
        side=body.split,
        grader=body.grader,
        evidence=body.evidence,
        **_options(body, workbench.settings.engine.params),
    )
    return EvaluationBody.of(workbench.store.runs.get(job.about), evaluations)


@router.get("/estimate", summary="Estimate an evaluation", responses=errors(404, 503))
def estimate_evaluation(
    workbench: Bench,
    dataset: Annotated[str, Query(description="A name that GET /datasets lists.")],
    limit: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    split: Literal["calibration", "test"] | None = None,
    evidence: bool = False,
    n_samples: Annotated[int | None, Query(ge=1, le=MAX_SAMPLES)] = None,
    sample_temperature: Annotated[float | None, Query(ge=0.0, le=5.0, allow_inf_nan=False)] = None,
    max_tokens: Annotated[int | None, Query(ge=1, le=8192)] = None,
    alpha: Annotated[float, Query(gt=0, lt=1, description="The risk of the guarantee.")] = ALPHA,
    delta: Annotated[float, Query(gt=0, lt=1, description="Its error level.")] = DELTA,
) -> Estimate:
    """How long a run would take and what it is good for, by what is stored; nothing is asked."""
    options: AskOptions = {}
    if n_samples is not None:
        options["n_samples"] = n_samples
    if sample_temperature is not None:
        options["sample_temperature"] = sample_temperature
    if max_tokens is not None:
        own = workbench.settings.engine.params
        options["params"] = own.model_copy(update={"max_tokens": max_tokens})
    return estimate(
        workbench,
        dataset,
        limit=limit,
        side=split,
        evidence=evidence,
        alpha=alpha,
        delta=delta,
        **options,
    )


@router.get("/{run_id}", summary="Read an evaluation", responses=errors(404, 503))
def read_evaluation(run_id: str, workbench: Bench, evaluations: Asked) -> EvaluationBody:
    """A run with its counts, and how far it is."""
    return EvaluationBody.of(workbench.store.runs.get(run_id), evaluations)


@router.patch("/{run_id}", summary="Rename an evaluation", responses=errors(404, 503))
def rename_evaluation(run_id: str, body: RenameBody, workbench: Bench, evaluations: Asked) -> EvaluationBody:
    """Call a run something else; its id stays."""
    workbench.store.runs.rename(run_id, body.name)
    return EvaluationBody.of(workbench.store.runs.get(run_id), evaluations)


@router.delete("/{run_id}", summary="Delete an evaluation", status_code=204, responses=errors(404, 409, 503))
def delete_evaluation(run_id: str, workbench: Bench, evaluations: Asked) -> None:
    """Delete a run with its answers, unless it is in progress or a guarantee rests on it."""
    evaluations.delete(run_id)


@router.post(
    "/{run_id}/cancel", summary="Cancel an evaluation", status_code=204, responses=errors(404, 409, 503)
)
def cancel_evaluation(run_id: str, evaluations: Asked) -> None:
    """Stop a run; what was answered stays, and it can be resumed."""
    evaluations.cancel(run_id)


@router.post(
    "/{run_id}/resume", summary="Resume an evaluation", status_code=202, responses=errors(404, 409, 503)
)
def resume_evaluation(run_id: str, workbench: Bench, evaluations: Asked) -> EvaluationBody:
    """Ask what is left of a run, in the background."""
    evaluations.resume(run_id)
    return EvaluationBody.of(workbench.store.runs.get(run_id), evaluations)


@router.put(
    "/{run_id}/questions/{question_id:path}/label",
    summary="Label an answer of an evaluation",
    status_code=204,
    responses=errors(404, 409, 503),
)
def label_question(run_id: str, question_id: str, body: RunGradeBody, workbench: Bench) -> None:
    """Say whether an answer is correct; it counts instead of the grader's verdict."""
    workbench.store.runs.label(run_id, question_id, body.correct)


@router.delete(
    "/{run_id}/questions/{question_id:path}/label",
    summary="Take a label of an evaluation back",
    status_code=204,
    responses=errors(404, 409, 503),
)
def unlabel_question(run_id: str, question_id: str, workbench: Bench) -> None:
    """The grader's verdict counts again; nothing changes where nobody said anything."""
    workbench.store.runs.unlabel(run_id, question_id)


@router.post(
    "/{run_id}/extend", summary="Extend an evaluation", status_code=202, responses=errors(404, 409, 503)
)
def extend_evaluation(run_id: str, body: ExtendBody, workbench: Bench, evaluations: Asked) -> EvaluationBody:
    """Ask the next questions of the same set in the same way, in the background."""
    evaluations.extend(run_id, body.limit)
    return EvaluationBody.of(workbench.store.runs.get(run_id), evaluations)


@router.get(
    "/{run_id}/scores",
    summary="Score an evaluation",
    responses={200: {"content": {"application/json": {"example": SCORES}}}, **errors(404, 503)},
)
def scores(run_id: str, workbench: Bench) -> Scores:
    """Every metric of a run with its interval: what `codex runs show --json` prints. It takes seconds."""
    table = workbench.store.runs.table(run_id)
    if not table.ids:
        raise InvalidInput("This run has no graded answers, so there is nothing to score.", ["run_id"])
    return score(table, confidences=confidences_of(table), answers=workbench.store.runs.answers(run_id))


@router.get("/{run_id}/comparison", summary="Compare two evaluations", responses=errors(404, 503))
def comparison(
    run_id: str,
    against: Annotated[str, Query(description="The id of the run to compare it with.")],
    workbench: Bench,
) -> Comparison:
    """A run against another one on the questions that both were asked: what `codex runs compare` prints.

    It takes seconds.
    """
    return compare_runs(workbench.store, against, run_id)


@router.get(
    "/{run_id}/export",
    summary="Export an evaluation",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
        **errors(404, 503),
    },
)
def export(run_id: str, workbench: Bench) -> StreamingResponse:
    """The answers of a run with their tokens, one a line, as `codex evaluate --generations` reads them."""
    summary = workbench.store.runs.get(run_id)
    return StreamingResponse(_lines(workbench.store, summary), media_type="application/x-ndjson")


@router.get(
    "/{run_id}/records",
    summary="Copy the records of an evaluation",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
        **errors(404, 503),
    },
)
def copy_records(run_id: str, workbench: Bench) -> StreamingResponse:
    """The answers of a run with everything that is stored of them, signals and grades too, one a line."""
    workbench.store.runs.get(run_id)
    records = map(record_line, workbench.store.runs.records(run_id))
    return StreamingResponse(records, media_type="application/x-ndjson")


def _lines(store: Store, summary: RunSummary) -> Iterator[str]:
    with suppress(NotFound):  # It was deleted in the meantime.
        for record in store.runs.records(summary.run.id):
            yield line_of(generated_of(record, summary.run.origin))


def _options(body: NewEvaluationBody, own: GenerationParams) -> AskOptions:
    options: AskOptions = {}
    if body.n_samples is not None:
        options["n_samples"] = body.n_samples
    if body.adaptive is not None:
        options["adaptive"] = body.adaptive
    if body.sample_temperature is not None:
        options["sample_temperature"] = body.sample_temperature
    if body.params is not None:
        options["params"] = own.model_copy(
            update=body.params.model_dump(include=body.params.model_fields_set)
        )
    return options
