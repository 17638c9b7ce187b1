"""Queues of answers that wait for labels, over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.workbench import Workbench
from codex.calibration.calibrator import MetricName
from codex.errors import NotFound
from codex.labelling.agreement import Agreement
from codex.labelling.progress import Progress
from codex.labelling.queues import MOST_LABELLERS, Labelling
from codex.labelling.recalibrating import Recalibrated
from codex.labelling.rows import characters
from codex.labelling.sampling import Order
from codex.server.bodies import Body, Number
from codex.server.guard import GuardedRoute
from codex.server.jobs import AppJobs, JobBody
from codex.server.names import NAMED
from codex.server.routes import Bench, errors
from codex.server.visits import signed
from codex.store.labelling.labels import LONGEST, LONGEST_NAME, MOST, Label, LabelVerdict
from codex.store.labelling.queues import LabelQueue, Source
from codex.store.names import MAX_NAME

router = APIRouter(prefix="/label-queues", tags=["labels"], route_class=GuardedRoute)
QUEUE: JsonDict = {
    "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "name": "deferred in May",
    "source": "deferred",
    "run_id": "",
    "order": "mixed",
    "overlap": 1,
    "created_at": "2026-01-31T12:00:00Z",
    "note": "",
}

NEXT: JsonDict = {
    "run_id": "",
    "question_id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "question": "What is the capital of Australia?",
    "answer": "The capital of Australia is Sydney.",
    "tokens": ["The", " capital", " of", " Australia", " is", " Sydney", "."],
    "accepted": [],
    "passages": [],
}
PROGRESS: JsonDict = {
    "answers": 200,
    "labelled": 40,
    "correct": {"value": 0.62, "low": 0.44, "high": 0.78, "labelled": 40, "effective": 31.5},
    "ece": 0.08,
    "more": 90,
    "to_recalibrate": 0,
    "note": "40 of 200 labelled: 62% of all 200 are correct (44% to 78%), enough labels to recalibrate, "
    "about 90 more labels for a guarantee of 10% risk at 95%.",
    "days": [{"day": "2026-01-31", "labels": 40}],
    "shrinking": [{"value": 0.62, "low": 0.44, "high": 0.78, "labelled": 40, "effective": 31.5}],
}
AGREEMENT: JsonDict = {
    "answers": 50,
    "labellers": ["Ada", "Bob"],
    "coefficients": [{"name": "Krippendorff's alpha", "value": 0.71, "low": 0.55, "high": 0.84}],
    "differing": [["", "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"]],
}


def labelling_of(request: Request) -> Labelling:
    """The queues of the application."""
    found: Labelling = request.app.state.labelling
    return found


Queues = Annotated[Labelling, Depends(labelling_of)]
Labeller = Annotated[
    str, Field(description='Who labels; "": whoever uses this machine.', max_length=LONGEST_NAME)
]


class NewQueueBody(BaseModel):
    """A queue to be made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={"examples": [{"name": "deferred in May", "source": "deferred"}]},
    )

    name: str = Field(description="What it is called.", json_schema_extra=NAMED)
    source: Source = Field(
        description="deferred: questions left to a person; asked: every answer of the Ask page; incorrect: "
        "those marked as incorrect; run: the answers of an evaluation; differing: answers that labellers "
        "differ on, whose label from this queue decides."
    )
    run_id: str = Field("", description="Of the evaluation, for run.")
    order: Order = Field(
        "mixed",
        description="uncertainty: the least certain first; random; newest; mixed: random, the less certain "
        "the likelier. Only random and mixed orders say something of all answers.",
    )
    overlap: int = Field(1, ge=1, le=MOST_LABELLERS, description="Labellers for each answer.")


class QueueBody(Body):
    """A queue."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUEUE]})

    id: str
    name: str
    source: Source
    run_id: str
    order: str
    overlap: int
    created_at: datetime
    note: str = Field("", description="What was left out when it was made, and why.")

    @classmethod
    def of(cls, queue: LabelQueue, note: str = "") -> QueueBody:
        """A queue as it is stored."""
        return cls(
            id=queue.id,
            name=queue.name,
            source=queue.source,
            run_id=queue.run_id,
            order=queue.ordering,
            overlap=queue.overlap,
            created_at=queue.created_at,
            note=note,
        )


class LabellerBody(BaseModel):
    """Who labels."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"labeller": "Ada"}]}
    )

    labeller: Labeller = ""


class NextBody(Body):
    """The answer to label now; the model's confidence and others' labels are left out on purpose."""

    run_id: str = Field(description='"": an answer of the Ask page.')
    question_id: str = Field(description="Of the evaluation; or the trace.")
    question: str
    answer: str
    tokens: list[str] = Field(description="What each token shows of the answer; spans name them from 0.")
    accepted: list[str] = Field(description="Accepted answers, where they are known.")
    passages: list[str] = Field(description="Texts that the model was given.")


class SpanBody(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    first: int = Field(ge=0, description="Its first token.")
    last: int = Field(ge=0, lt=2**31, description="Its last token.")


class NewLabelBody(LabellerBody):
    """What a labeller says of an answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"run_id": "", "question_id": "5d2b8f0e9a1c4c7f", "verdict": "correct"}]
        }
    )

    run_id: str = ""
    question_id: str
    verdict: LabelVerdict = Field(description="partly counts as incorrect; unclear as not labelled.")
    correction: str = Field("", max_length=LONGEST, description="The correct answer.")
    note: str = Field("", max_length=LONGEST)
    tags: list[str] = Field([], max_length=MOST)
    spans: list[SpanBody] = Field([], max_length=MOST, description="The incorrect parts of the answer.")


class ShareBody(Body):
    """A share of all answers of a queue, with its 95% interval."""

    value: float
    low: float
    high: float
    labelled: int = Field(description="Labels that it rests on.")
    effective: float = Field(description="As many evenly drawn labels would tell as much.")


class DayBody(Body):
    """Labels of one day."""

    day: date
    labels: int


class CoefficientBody(Body):
    """An agreement with its 95% interval; null: not defined."""

    name: str
    value: Number
    low: Number
    high: Number


class AgreementBody(Body):
    """How far the labellers of a queue agree."""

    model_config = ConfigDict(json_schema_extra={"examples": [AGREEMENT]})

    answers: int = Field(description="With two labels or more.")
    labellers: list[str]
    coefficients: list[CoefficientBody]
    differing: list[tuple[str, str]] = Field(description="Run and question that nobody has adjudicated.")


RECALIBRATION: JsonDict = {
    "version": "deferred in May@0a1b2c3d4e",
    "active": False,
    "answers": 80,
    "to_fit": 42,
    "held_out": 38,
    "more": 0,
    "before": {"brier": {"value": 0.24, "low": 0.2, "high": 0.28}},
    "after": {"brier": {"value": 0.19, "low": 0.16, "high": 0.22}},
    "note": "Fitted on 42 labels; 38 others are held out to prove a guarantee. Compared on 80 labelled "
    "answers, each by a fit that did not see it. Before: no calibrator, an estimate.",
}


class NewCalibratorBody(BaseModel):
    """What the calibrator is called."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"name": "May"}]}
    )

    name: str = Field(
        "",
        max_length=MAX_NAME,
        description="Empty: as the queue.",
        json_schema_extra={"pattern": "^[^@]*$"},
    )


class RecalibrationBody(BaseModel):
    """A calibrator that was fitted on labels, beside what was shown before."""

    model_config = ConfigDict(json_schema_extra={"examples": [RECALIBRATION]})

    version: str = Field(description="Of the calibrator, which is saved.")
    active: bool
    answers: int = Field(description="Labelled answers that both are measured on.")
    to_fit: int = Field(description="Labels that it was fitted on.")
    held_out: int = Field(description="Labels that are left to prove a guarantee; 0: all were fitted on.")
    more: int = Field(
        description="Where none is held out: about so many more labels are enough to hold half of them out."
    )
    before: dict[MetricName, MetricBody] = Field(
        description="Of the confidence that was shown then; of the estimate without a "
        "calibrator where it had seen all of these."
    )
    after: dict[MetricName, MetricBody] = Field(description="Of answers that the fit did not see.")
    note: str = Field(description="What the fit and the comparison rest on.")

    @classmethod
    def of(cls, made: Recalibrated, workbench: Workbench) -> RecalibrationBody:
        """A calibrator as it was fitted, beside what is active now."""
        active = workbench.active.calibrator
        return cls(
            version=made.calibrator.version,
            active=active is not None and active.version == made.calibrator.version,
            answers=made.answers,
            to_fit=made.counts.to_fit,
            held_out=made.counts.held_out,
            more=made.more,
            before={name: MetricBody.model_validate(each) for name, each in made.before.items()},
            after={name: MetricBody.model_validate(each) for name, each in made.after.items()},
            note=made.note,
        )


class MetricBody(Body):
    """A metric with its 95% interval; null: not defined."""

    value: Number
    low: Number
    high: Number


class ProgressBody(Body):
    """How far a queue is."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROGRESS]})

    answers: int
    labelled: int
    correct: ShareBody | None = Field(description="Of all answers; null: the order is not random.")
    ece: float | None = Field(description="Of the confidences of all answers, likewise.")
    more: int | None = Field(
        description="About so many more labels make a guarantee of at most 10% incorrect answers at the 95% "
        "confidence level; null: nothing can be said, or no number of labels would do."
    )
    to_recalibrate: int = Field(description="So many more labels make a calibrator; 0: there are enough.")
    note: str
    days: list[DayBody] = Field(description="Labels a day, by this machine's clock.")
    shrinking: list[ShareBody] = Field(description="`correct` as it was with fewer labels, up to now.")


@router.get("", summary="List the label queues", responses=errors(503))
def list_queues(workbench: Bench) -> list[QueueBody]:
    """The queues, the newest first."""
    return [QueueBody.of(queue) for queue in workbench.store.label_queues.list()]


@router.post("", summary="Make a label queue", status_code=201, responses=errors(404, 409, 503))
def make_queue(body: NewQueueBody, queues: Queues) -> QueueBody:
    """A queue of the answers that there are now; renew it to take those in that come later."""
    made = queues.create(body.name, body.source, run_id=body.run_id, order=body.order, overlap=body.overlap)
    return QueueBody.of(*made)


@router.delete("/{queue_id}", summary="Delete a label queue", status_code=204, responses=errors(404, 503))
def delete_queue(queue_id: str, workbench: Bench) -> None:
    """Delete a queue; its labels stay."""
    workbench.store.label_queues.delete(queue_id)


@router.post("/{queue_id}/renew", summary="Renew a label queue", responses=errors(404, 503))
def renew_queue(queue_id: str, queues: Queues) -> ProgressBody:
    """Take the answers in that came since."""
    queues.renew(queue_id)
    return _progress(queues.progress(queue_id))


@router.post(
    "/{queue_id}/next",
    summary="Read the answer to label now",
    responses={200: {"content": {"application/json": {"example": NEXT}}}, **errors(404, 503)},
)
def read_next(queue_id: str, body: LabellerBody, queues: Queues) -> NextBody | None:
    """The same one until it is labelled; for a while nobody else is given it. null: nothing waits."""
    card = queues.card(queue_id, signed(body.model_dump())["labeller"])
    if card is None:
        return None
    generation = card.observation.generation
    return NextBody(
        run_id=card.key[0],
        question_id=card.key[1],
        question=card.question,
        answer=generation.text,
        tokens=[generation.text[start:end] for start, end in characters(generation)],
        accepted=list(card.accepted),
        passages=[passage.text for passage in card.observation.passages],
    )


@router.post("/{queue_id}/labels", summary="Label an answer of a queue", responses=errors(404, 409, 503))
def put_label(queue_id: str, body: NewLabelBody, queues: Queues) -> ProgressBody:
    """Keep a label in the place of the labeller's earlier one."""
    spans = tuple((span.first, span.last) for span in body.spans)
    told = signed(body.model_dump()) | {"tags": tuple(body.tags), "spans": spans}
    queues.put(queue_id, Label(**told))
    return _progress(queues.progress(queue_id))


@router.get("/{queue_id}/progress", summary="Read how far a label queue is", responses=errors(404, 503))
def read_progress(queue_id: str, queues: Queues) -> ProgressBody:
    """What is labelled, and what that says of all answers of the queue."""
    return _progress(queues.progress(queue_id))


@router.get("/{queue_id}/agreement", summary="Read how far labellers agree", responses=errors(404, 503))
def read_agreement(queue_id: str, queues: Queues) -> AgreementBody:
    """Coefficients of agreement over the answers of a queue, and the answers that labellers differ on."""
    found: Agreement = queues.agreement(queue_id)
    return AgreementBody.model_validate(found)


@router.post(
    "/{queue_id}/recalibrate",
    summary="Recalibrate with the labels of a queue",
    status_code=202,
    responses=errors(404, 409, 503),
)
def recalibrate_queue(queue_id: str, body: NewCalibratorBody, queues: Queues, jobs: AppJobs) -> JobBody:
    """Fit a calibrator to the labels and save it, in the background; it is not active yet.

    On half of them, so that a guarantee can rest on the others; where half are fewer than 30, on all.
    Labels that were drawn unevenly are weighted. `about` of the job is the queue; the outcome is read from
    its recalibration.
    """
    return JobBody.of(queues.recalibrate(queue_id, body.name, jobs))


@router.get("/{queue_id}/recalibration", summary="Read the last recalibration", responses=errors(404, 503))
def read_recalibration(queue_id: str, workbench: Bench, queues: Queues, jobs: AppJobs) -> RecalibrationBody:
    """The calibrator that was fitted on the labels of a queue last, beside what was shown before."""
    made = queues.recalibrated(queue_id, jobs)
    if made is None:
        raise NotFound(
            f"Nothing was recalibrated with the queue {queue_id!r} since Codex started, or it is under way."
        )
    return RecalibrationBody.of(made, workbench)


def _progress(found: Progress) -> ProgressBody:
    return ProgressBody.model_validate(found)
