"""Long work as the pages' bars show it."""

from __future__ import annotations

from codex.jobs import Job
from codex.pages import JSON


def job_view(job: Job, summary: str | None = None) -> JSON:
    """How far a job is, or how it ended. summary: what it did, in words, once it has ended."""
    progress = job.progress
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "cancelling": job.state == "running" and job.cancel.is_set(),
        "done": progress.done,
        "total": progress.total,
        "unit": progress.unit,
        "rate": progress.rate,
        "rate_unit": progress.rate_unit,
        "seconds_left": progress.seconds_left,
        "text": progress.text,
        "error": str(job.error) if job.error else None,
        "summary": summary,
    }
