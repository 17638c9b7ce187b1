"""Datasets over HTTP: listed, read, uploaded, after a preview where it is wanted, added to and deleted."""

from __future__ import annotations

import itertools
from pathlib import Path as FilePath
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.datasets import waiting
from codex.datasets.additions import MOST_ANSWERS, add
from codex.datasets.importing import NAMED, Imported, delete, import_file
from codex.datasets.library import NAME, Dataset, datasets, find, items
from codex.datasets.splits import split
from codex.errors import Conflict, InvalidInput
from codex.items import Item
from codex.server.documents import FILE, UploadRoute, arrived
from codex.server.drafts import File, Reading, RejectedBody, checked
from codex.server.routes import Bench, Reader, errors
from codex.types import Trace

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=UploadRoute)

Name = Annotated[str, Path(description="Of the set.")]
NewName = Annotated[
    str, Path(description="What the set is to be called.", json_schema_extra={"pattern": f"^{NAME.pattern}$"})
]


QUESTION: JsonDict = {
    "id": "capitals-0",
    "question": "What is the capital of Australia?",
    "answers": ["Canberra"],
    "answerable": True,
    "split": "calibration",
    "choices": [],
    "context": None,
}


class DatasetBody(BaseModel):
    """A set of questions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "capitals", "about": "Capitals of countries.", "rows": 190, "kind": "shipped"}
            ]
        }
    )

    name: str
    about: str = Field(description="What it asks, in one sentence.")
    rows: int = Field(description="Its questions.")
    kind: Literal["shipped", "imported"]

    @classmethod
    def of(cls, dataset: Dataset) -> DatasetBody:
        """A set as it is listed."""
        return cls(name=dataset.name, about=dataset.about, rows=dataset.rows, kind=dataset.kind)


class QuestionBody(BaseModel):
    """A question with its accepted answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUESTION]})

    id: str
    question: str
    answers: list[str]
    answerable: bool = Field(description="false: only a refusal is correct.")
    split: Literal["calibration", "test"]
    choices: list[str]
    context: str | None

    @classmethod
    def of(cls, item: Item) -> QuestionBody:
        """A question as it stands in its set."""
        return cls(
            id=item.id,
            question=item.question,
            answers=list(item.answers),
            answerable=item.answerable,
            split=split(item.question),
            choices=list(item.choices),
            context=item.context,
        )


class NewQuestionBody(BaseModel):
    """A question that is added to a set."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={
            "examples": [{"question": "What is the capital of Australia?", "answers": ["Canberra"]}]
        },
    )

    question: str | None = Field(None, description="What is asked; left out: what the trace asked.")
    trace_id: str | None = Field(None, description="Of an answer whose question is kept.")
    answers: list[str] = Field(
        min_length=1, max_length=MOST_ANSWERS, description="Every accepted wording, the usual one first."
    )


class ImportedBody(BaseModel):
    """What became of a file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dataset": {"name": "rivers", "about": "Imported.", "rows": 98, "kind": "imported"},
                    "duplicates": 1,
                    "rejected": 1,
                    "reasons": [{"line": 7, "reason": "the question is empty"}],
                    "complete": True,
                    "columns": {"question": ["question"], "answers": ["answer"]},
                }
            ]
        }
    )

    dataset: DatasetBody
    duplicates: int = Field(description="Rows left out, since they ask and accept the same as one before.")
    rejected: int
    reasons: list[RejectedBody] = Field(description=f"Of the first {NAMED} rejected rows.")
    complete: bool = Field(description="false: the file holds more questions than a set may.")
    columns: dict[str, list[str]] = Field(description="Which columns were taken for what.")

    @classmethod
    def of(cls, made: Imported) -> ImportedBody:
        """A set with what was left out of its file."""
        return cls(
            dataset=DatasetBody.of(made.dataset),
            duplicates=made.duplicates,
            rejected=made.rejected,
            reasons=[RejectedBody(line=row.line, reason=row.reason) for row in made.reasons],
            complete=made.complete,
            columns=made.understood.columns,
        )


@router.get("", summary="List the datasets", responses=errors())
def list_datasets(workbench: Bench) -> list[DatasetBody]:
    """The sets that ship with Codex, then those that were imported."""
    return [DatasetBody.of(each) for each in datasets(workbench.settings.home)]


@router.get("/{name}", summary="Read a dataset", responses=errors(404))
def read_dataset(name: Name, workbench: Bench) -> DatasetBody:
    """What a set asks."""
    return DatasetBody.of(find(name, workbench.settings.home))


@router.get("/{name}/questions", summary="Read the questions of a dataset", responses=errors(404))
def read_questions(
    name: Name,
    workbench: Bench,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> list[QuestionBody]:
    """The questions with their accepted answers, in the order of the set."""
    home = workbench.settings.home
    find(name, home)  # A path or a name of the hub is none of its own.
    return [QuestionBody.of(item) for item in itertools.islice(items(name, home), offset, offset + limit)]


@router.put(
    "/{name}",
    tags=["datasets"],
    summary="Upload a dataset",
    status_code=201,
    responses=errors(404, 409, 503),
    openapi_extra={"requestBody": {"required": False, "content": FILE}},
)
async def upload_dataset(
    name: NewName,
    request: Request,
    workbench: Bench,
    said: Reading,
    file: File = "rows.jsonl",
    draft: Annotated[str | None, Query(description="Import this draft, instead of a body.")] = None,
    accept_rejects: Annotated[bool, Query(description="However many rows cannot be used.")] = False,
    replace: Annotated[bool, Query(description="The set of that name.")] = False,
) -> ImportedBody:
    """The body is the file: CSV, TSV, JSON, JSONL or Parquet. Nothing changes unless all of it was read."""
    home = workbench.settings.home

    def made(path: FilePath) -> Imported:
        return import_file(
            path,
            home,
            name,
            said.options.columns,
            said.encoding,
            split=said.options.split,
            key_base=said.options.key_base,
            grader=said.options.grader,
            accept_rejects=accept_rejects,
            replace=replace,
        )

    if draft is not None:
        imported = await run_sync(lambda: made(waiting.find(draft, home)))
        waiting.discard(draft, home)
    else:
        async with arrived(request, workbench, checked(file)) as path:
            imported = await run_sync(made, path)
    return ImportedBody.of(imported)


@router.post(
    "/{name}/questions",
    summary="Add a question to a dataset",
    status_code=201,
    responses=errors(404, 409, 503),
)
def add_question(name: NewName, body: NewQuestionBody, workbench: Bench, client: Reader) -> QuestionBody:
    """Add a question at the end of a set that does not ship with Codex; a new name makes a new set.

    Runs of the whole set cannot be extended afterwards, since it has other questions than they began with.
    """
    if (body.question is None) == (body.trace_id is None):
        raise InvalidInput("Give either question or trace_id.", ["question", "trace_id"])
    question = body.question
    if body.trace_id is not None:
        question = question_of(workbench.traces.get(body.trace_id, client))
    _, item = add(name, workbench.settings.home, question or "", body.answers)
    return QuestionBody.of(item)


def question_of(trace: Trace) -> str:
    """What was asked. Raises Conflict where that was not kept."""
    if trace.question is None:
        raise Conflict(
            "The text of this question was not kept, so it cannot be added to a dataset. Ask it again; "
            "store.privacy=full keeps the text."
        )
    return trace.question


@router.delete("/{name}", summary="Delete a dataset", status_code=204, responses=errors(404, 409, 503))
def delete_dataset(name: Name, workbench: Bench) -> None:
    """Delete a set that was imported; runs that asked it keep their answers, but cannot be resumed."""
    delete(name, workbench.settings.home)
