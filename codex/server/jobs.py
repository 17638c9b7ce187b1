"""Long work over HTTP: each piece has an id, its progress, and a way to stop it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from codex.jobs import Job, Jobs, JobState
from codex.server.bodies import ErrorDetail, Number
from codex.server.errors import error_body
from codex.server.guard import GuardedRoute
from codex.server.routes import errors

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=GuardedRoute)

EXAMPLE: dict[str, Any] = {
    "id": "0c2f6c7d1b6f4e0b9d7f3a5f1f0c9a11",
    "kind": "evaluate",
    "about": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "title": "Asking capitals",
    "state": "running",
    "done": 12,
    "total": 100,
    "unit": "questions",
    "rate": 0.5,
    "seconds_left": 176.0,
    "text": "",
    "error": None,
}


class JobBody(BaseModel):
    """One piece of work in the background."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str
    kind: str = Field(description="evaluate, calibrate or train, or what a page works on.")
    about: str = Field(
        description="The id or version of what it works on; empty where that is not known yet."
    )
    title: str
    state: JobState
    done: int
    total: int | None = Field(description="null: not known yet.")
    unit: str = Field(description="What is counted.")
    rate: Number = Field(description="Of the unit, a second.")
    seconds_left: Number
    text: str = Field(description="What is under way, in one line.")
    error: ErrorDetail | None = Field(description="Why it failed.")

    @classmethod
    def of(cls, job: Job) -> JobBody:
        """How far a job is, or how it ended."""
        now = job.progress
        return cls(
            id=job.id,
            kind=job.kind,
            about=job.about,
            title=job.title,
            state=job.state,
            done=now.done,
            total=now.total,
            unit=now.unit,
            rate=now.rate,
            seconds_left=now.seconds_left,
            text=now.text,
            error=error_body(job.error).error if job.error else None,
        )


def jobs_of(request: Request) -> Jobs:
    """The jobs of the application."""
    jobs: Jobs = request.app.state.jobs
    return jobs


AppJobs = Annotated[Jobs, Depends(jobs_of)]


@router.get("", summary="List the jobs", responses=errors())
def list_jobs(jobs: AppJobs) -> list[JobBody]:
    """The jobs since Codex started, the newest first; of those that ended, the last 50."""
    return [JobBody.of(job) for job in jobs.list()]


@router.get("/{job_id}", summary="Read a job", responses=errors(404))
def read_job(job_id: str, jobs: AppJobs) -> JobBody:
    """How far a job is, or how it ended."""
    return JobBody.of(jobs.get(job_id))


@router.post("/{job_id}/cancel", summary="Cancel a job", status_code=204, responses=errors(404))
def cancel_job(job_id: str, jobs: AppJobs) -> None:
    """Stop at the next step; nothing changes where the job has ended. What a run has answered stays."""
    jobs.cancel(job_id)
