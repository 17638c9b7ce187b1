"""Files of questions over HTTP, before they are imported: uploaded, previewed and discarded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from codex.datasets import waiting
from codex.datasets.columns import said as columns_said
from codex.datasets.formats.keys import KeyBase
from codex.datasets.importing import name_of
from codex.datasets.preview import FIRST, MOST_ROWS, Preview, preview
from codex.datasets.questions import Options
from codex.datasets.table_files import SUFFIXES
from codex.errors import InvalidInput
from codex.grading.grades import known
from codex.grading.kinds import grader_of
from codex.items import GraderName, Item
from codex.server.documents import FILE, UploadRoute, arrived
from codex.server.names import name_graders
from codex.server.routes import Bench, errors

router = APIRouter(prefix="/datasets/drafts", tags=["datasets"], route_class=UploadRoute)

FILE_NAME = re.compile(
    rf"[^/\x00-\x1f\x7f]{{1,100}}({'|'.join(map(re.escape, SUFFIXES))})(\.gz)?", re.IGNORECASE
)


class RejectedBody(BaseModel):
    """A row that cannot be used."""

    line: int
    reason: str


class PreviewedQuestionBody(BaseModel):
    """A question as it would be asked and graded."""

    id: str
    asked: str = Field(description="What the model is asked: the question, and the choices under it.")
    answers: list[str]
    graded_as: GraderName
    context: str | None
    group: str

    @classmethod
    def of(cls, item: Item) -> PreviewedQuestionBody:
        """A question that is not kept yet."""
        return cls(
            id=item.id,
            asked=item.asked,
            answers=list(item.answers),
            graded_as=grader_of(item),
            context=item.context,
            group=item.group,
        )


class DraftBody(BaseModel):
    """What an import of a file would make of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "draft": "3f2a",
                    "file": "rivers.csv",
                    "name": "rivers",
                    "names": ["Frage", "Antwort"],
                    "columns": {"question": ["Frage"], "answers": ["Antwort"]},
                    "first": [
                        {
                            "id": "9a1c4c7f8e6d3b2a",
                            "asked": "Which river flows through Paris?",
                            "answers": ["Seine"],
                            "graded_as": "short",
                            "context": None,
                            "group": "rivers",
                        }
                    ],
                    "questions": 98,
                    "graders": {"short": 98},
                    "duplicates": 1,
                    "rejected": 1,
                    "reasons": [{"line": 7, "reason": "the question is empty"}],
                    "complete": True,
                    "error": None,
                }
            ]
        }
    )

    draft: str
    file: str
    name: str = Field(description="What the set is called unless it is given a name.")
    names: list[str] = Field(description="Of the columns that the file has.")
    columns: dict[str, list[str]] = Field(description="Which columns are taken for what.")
    first: list[PreviewedQuestionBody] = Field(description=f"The first {FIRST} questions.")
    questions: int
    graders: dict[str, int] = Field(description="Questions by what they would be graded by.")
    duplicates: int = Field(description="Rows left out, since they ask and accept the same as one before.")
    rejected: int
    reasons: list[RejectedBody] = Field(description="Of the rows that are rejected.")
    complete: bool = Field(description=f"false: only the first {MOST_ROWS:,} rows were read.")
    error: str | None = Field(description="Why nothing can be imported unless other columns are named.")

    @classmethod
    def of(cls, draft: str, file: str, seen: Preview) -> DraftBody:
        """A file with what was read of it."""
        return cls(
            draft=draft,
            file=file,
            name=name_of(FilePath(file)),
            names=seen.understood.names,
            columns=seen.understood.columns,
            first=[PreviewedQuestionBody.of(item) for item in seen.items],
            questions=seen.questions,
            graders=dict(seen.understood.graders),
            duplicates=seen.duplicates,
            rejected=len(seen.rejected),
            reasons=[RejectedBody(line=row.line, reason=row.reason) for row in seen.rejected],
            complete=seen.complete,
            error=str(seen.error) if seen.error else None,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says about a file."""

    options: Options
    encoding: str | None


KEY_BASES: dict[str, KeyBase] = {"0": 0, "1": 1, "text": "text"}


def _said(
    column: Annotated[
        list[str] | None,
        Query(
            description="FIELD=COLUMN: which column holds question, answers, context, choices, ...; FIELD= "
            "for none."
        ),
    ] = None,
    separator: Annotated[str | None, Query(description="Splits answers and choices in one text.")] = None,
    key_base: Annotated[
        Literal["0", "1", "text"] | None,
        Query(description="What the numbers of correct choices count from; text: they are choices."),
    ] = None,
    encoding: Annotated[str | None, Query(description="Of a text file, e.g. latin-1; else UTF-8.")] = None,
    grader: Annotated[
        str | None,
        Query(
            description="Grades all answers; left out: chosen for each question.",
            json_schema_extra=name_graders,
        ),
    ] = None,
) -> Said:
    options = Options(
        columns_said(column or ()),
        separator or None,
        KEY_BASES[key_base] if key_base else None,
        known(grader) if grader else None,
    )
    return Said(options, encoding)


Reading = Annotated[Said, Depends(_said)]
Draft = Annotated[
    str,
    Path(
        description="What you call it, until it is imported.",
        json_schema_extra={"pattern": f"^{waiting.DRAFT.pattern}$"},
    ),
]
File = Annotated[
    str,
    Query(
        description=f"The file's name, by which it is read: it ends in {', '.join(SUFFIXES)}, or in .gz "
        "after it."
    ),
]


@router.put(
    "/{draft}",
    summary="Upload a file to see what an import makes of it",
    status_code=201,
    responses=errors(503),
    openapi_extra={"requestBody": {"required": True, "content": FILE}},
)
async def upload_draft(
    draft: Draft, request: Request, workbench: Bench, said: Reading, file: File = "rows.jsonl"
) -> DraftBody:
    """The body is the file. It waits for `PUT /datasets/NAME?draft=`, for an hour, or until it is deleted.

    A file that cannot be read at all does not wait.
    """
    home = workbench.settings.home
    async with arrived(request, workbench, checked(file)) as path:
        seen = await run_sync(_previewed, path, said)
        await run_sync(waiting.keep, path, draft, home)
    return DraftBody.of(draft, file, seen)


@router.get("/{draft}", summary="See what an import makes of a file", responses=errors(404, 503))
def read_draft(draft: Draft, workbench: Bench, said: Reading) -> DraftBody:
    """The first questions as they would be asked and graded, and the rows that would be rejected."""
    path = waiting.find(draft, workbench.settings.home)
    return DraftBody.of(draft, path.name, _previewed(path, said))


@router.delete("/{draft}", summary="Discard an uploaded file", status_code=204, responses=errors(503))
def delete_draft(draft: Draft, workbench: Bench) -> None:
    """Delete a file that is not imported; nothing changes where there is none."""
    waiting.discard(draft, workbench.settings.home)


def checked(file: str) -> str:
    """A file's name. Raises InvalidInput for one by which it cannot be read."""
    if FILE_NAME.fullmatch(file):
        return file
    raise InvalidInput(
        f"{file!r} is no name of a file that ends in one of {', '.join(SUFFIXES)}, or in .gz after it.",
        ["file"],
    )


def _previewed(path: FilePath, said: Said) -> Preview:
    return preview(path, name_of(path), said.options, said.encoding)
