"""The menu of models in the bar of every page: what is loaded, another one, fetching."""

from __future__ import annotations

from dataclasses import asdict

from codex.ask.models import listing
from codex.ask.workbench import Workbench
from codex.jobs import Jobs
from codex.pages import JSON
from codex.pages.components import Calls
from codex.pages.job_view import job_view


class ModelMenu:
    """What the menu can do, as plain calls: JSON in, JSON out."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self._workbench, self._jobs = workbench, jobs

    @property
    def calls(self) -> Calls:
        """What the script calls by name, and the scope it takes."""
        return {
            "read": (self.models,),
            "admin": (self.change_model, self.unload_model, self.fetch_model, self.cancel_fetch),
        }

    def models(self, _: JSON) -> JSON:
        """The model in use, all models, and the newest fetch."""
        jobs = self._jobs.list(listing.FETCH)
        return {
            "active": asdict(listing.loaded_model(self._workbench)),
            "models": [asdict(each) for each in listing.models_of(self._workbench)],
            "job": job_view(jobs[0], _fetched(jobs[0].result)) if jobs else None,
        }

    def change_model(self, wanted: JSON) -> JSON:
        """Load another model. wanted: {model, base_url and api_key_env of a server}."""
        given = {name: str(wanted[name]).strip() or None for name in ("base_url", "api_key_env")}
        listing.change_model(self._workbench, str(wanted["model"]).strip(), **given)  # type: ignore[arg-type]
        return self.models({})

    def unload_model(self, _: JSON) -> JSON:
        """Give the model's memory back."""
        self._workbench.model.unload()
        return self.models({})

    def fetch_model(self, wanted: JSON) -> JSON:
        """Begin to fetch a model. wanted: {model}."""
        listing.start_fetch(self._workbench, self._jobs, str(wanted["model"]).strip())
        return self.models({})

    def cancel_fetch(self, wanted: JSON) -> JSON:
        """Stop a fetch; the next one resumes it. wanted: {job}."""
        self._jobs.cancel(str(wanted["job"]))
        return self.models({})


def _fetched(name: object) -> str | None:
    return f"{name} is here" if name else None
