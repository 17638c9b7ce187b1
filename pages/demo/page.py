"""The Demo page: four questions answered before one's eyes, the risk dial, and whether 70% means 70%."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict

from codex.ask.places import Client
from codex.ask.workbench import Workbench
from codex.demo import recording
from codex.demo.documents import DemoDocuments
from codex.demo.example import held_out
from codex.demo.stories import STORIES
from codex.errors import InvalidInput
from codex.pages import JSON
from codex.pages.ask.page import in_words
from codex.pages.ask.runs import Runs
from codex.pages.ask.scales import SCALES
from codex.pages.components import Calls, view
from codex.pages.demo.dial import dial_view, stories_view
from codex.pages.demo.view import Telling
from codex.pages.kept import Kept
from codex.types import Event


class DemoPage:
    """What the page can do, as plain calls: JSON in, JSON out."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.runs, self._documents = Runs(), DemoDocuments(workbench)
        self._kept = Kept(workbench.settings.home / "cache" / "demo-dial")
        self._reading = threading.Lock()

    def config(self) -> JSON:
        """The questions, and who answered them when they were recorded."""
        recorded = recording.shipped()
        scale = SCALES["probability"]
        policy = recorded.policy
        return {
            "stories": stories_view(recorded),
            "model": recorded.model,
            "recorded": recorded.recorded_at.isoformat(),
            "policy": {"answer_above": policy.answer_above, "abstain_below": policy.abstain_below},
            "scale": {**asdict(scale), "captions": scale.captions},
        }

    def recorded(self, wanted: JSON) -> list[JSON]:
        """What a recording shows, each with its time. wanted: {story}."""
        found = next((it for it in recording.shipped().recordings if it.story == wanted["story"]), None)
        if found is None:
            raise InvalidInput(f"There is no recording of {wanted['story']!r}.", ["story"])
        telling = Telling(_question(found.story))
        beats = ((at, telling.beat(event)) for at, event in found.played())
        return [{"at": at, **beat} for at, beat in beats if beat is not None]

    def dial(self, _: JSON) -> JSON:
        """Every place of the risk dial, and the reliability diagram."""
        recorded = recording.shipped()
        key = f"dial {recorded.model} {recorded.recorded_at.isoformat()}"
        with self._reading:  # It takes seconds; who comes meanwhile finds it kept.
            return self._kept.recall(
                key, lambda: dial_view(recorded, held_out(recorded.model)), json.dumps, json.loads
            )

    def live(self, asked: JSON, client: Client | None = None) -> Iterator[JSON]:
        """Ask the model that is loaded now; yields all that was shown so far. asked: {run, story}."""
        run, question = str(asked["run"]), _question(str(asked["story"]))

        def states(cancel: threading.Event) -> Iterator[JSON]:
            yield from self._states(run, question, cancel, client)

        about = {"run": run, "question": question, "session": None, "branch": None}
        self.runs.start(run, client, about, states)
        return self.runs.follow(run, client)

    def stop(self, asked: JSON) -> None:
        """Stop what is asked live. asked: {run}."""
        self.runs.cancel(str(asked["run"]))

    def close(self) -> None:
        """Stop what is asked live, and give the documents back."""
        self.runs.close()
        self._documents.close()

    def _states(
        self, run: str, question: str, cancel: threading.Event, client: Client | None
    ) -> Iterator[JSON]:
        policy = self.workbench.active.policy
        state: JSON = {
            "run": run,
            "beats": [],
            "error": None,
            "model": self.workbench.model.status.model,
            "loading": self.workbench.model.status.state == "loading",
            "policy": {"answer_above": policy.answer_above, "abstain_below": policy.abstain_below},
        }
        yield dict(state)
        telling = Telling(question)
        try:
            for event in self._asked(question, cancel, client):
                beat = telling.beat(event)
                if beat is not None:
                    state["beats"] = [*state["beats"], beat]
                    state["loading"] = False
                    yield dict(state)
        except Exception as error:
            yield {**state, "error": in_words(error)}

    def _asked(self, question: str, cancel: threading.Event, client: Client | None) -> Iterator[Event]:
        return recording.ask(self.workbench, self._documents, question, cancel=cancel, client=client)


def _question(story: str) -> str:
    for each in STORIES:
        if each.id == story:
            return each.question
    raise InvalidInput(f"The demo has no question {story!r}.", ["story"])


def build(page: DemoPage) -> None:
    """Put the page into the Blocks that are open."""
    calls: Calls = {"read": (page.recorded, page.dial), "ask": (page.stop,)}
    view("demo", page.config(), calls, {"ask": {"live": page.live}})
