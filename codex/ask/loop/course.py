"""How far a question has come: what was found for it, what the model is shown, what is noted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from codex.ask.request import Request, parted
from codex.calibration.familiarity import Embed
from codex.engines.base import Engine
from codex.errors import CodexError
from codex.retrieval import Index
from codex.types import LargerModel, Message, Observation, Passage

NO_DOCUMENTS = "there are no documents to search"
NOTHING_FOUND = "nothing was found in the documents"
NOT_SEARCHED = "the documents could not be searched"


@dataclass(slots=True)
class Course:
    """How far a question has come."""

    request: Request
    passages: tuple[Passage, ...] = ()
    retrieved: bool = False
    reflected: bool = False
    left_out: int = 0
    """Turns before the question that did not fit the context, the oldest."""
    familiarity: float | None = None
    """p-value that the question is like those of the calibrator; None: not compared."""
    known: float | None = None
    """P(IK), read from the question alone; None: it was not read."""
    notes: list[str] = field(default_factory=list)
    """What could not be done as requested; shown with the next decision."""
    may_defer: bool = False
    """Whether a larger model may be asked in the place of a person."""
    larger: LargerModel | None = None
    """The larger model that is asked; None: it is the first one."""

    @property
    def history(self) -> tuple[Message, ...]:
        """The messages before the question that the model is shown."""
        told, turns = parted(self.request.history)
        return (*told, *turns[2 * self.left_out :])

    @property
    def turns(self) -> int:
        """Questions with their answers that the model is shown before this one."""
        return len(parted(self.history)[1]) // 2

    def forget_turns(self, excess: int, engine: Engine) -> bool:
        """Leave out the oldest turns, by the least that may free so many tokens; False: there is none.

        A turn frees fewer than it takes as a prompt of its own, so that none is left out needlessly.
        """
        _, turns = parted(self.history)
        if not turns:
            return False
        while turns and excess > 0:
            excess -= engine.prompt_tokens(turns[:2]) or excess
            del turns[:2]
            self.left_out += 1
        return True

    def probed(self, observation: Observation) -> Observation:
        """With what the probes read in it, if there are any; P(IK) stays that of the question alone."""
        found = self.request.probes.read(observation) if self.request.probes else None
        if found is None:
            return observation
        self.known = found.values.get("question", self.known)
        if self.known is not None:
            found = replace(found, values={**found.values, "question": self.known})
        return replace(observation, probed=found)

    def compare(self, embed: Embed) -> None:
        """Compare the question with those that the calibrator was fitted on; where that fails, say so."""
        calibrator = self.request.calibrator
        if calibrator is None or calibrator.familiarity is None:
            return
        try:
            vectors = embed([self.request.question])
        except CodexError as error:
            self.notes.append(f"the question could not be compared with those calibrated on: {error}")
            return
        self.familiarity = float(calibrator.familiarity.p_values(vectors)[0])

    def _passes(self, passage: Passage) -> bool:
        checks = self.request.checks
        told = "\n".join(part for part in (passage.document, passage.heading, passage.text) if part)
        return checks is None or checks.passes(told, "passage", passage.document)

    def retrieve(self, index: Index) -> None:
        """Search the documents, once; an index that fails leaves the answer without evidence, and says so."""
        self.retrieved = True
        try:
            if index.is_empty:
                self.notes.append(NO_DOCUMENTS)
                return
            found = tuple(index.search(self.request.question, among=self.request.among))
            self.passages = tuple(passage for passage in found if self._passes(passage))
            if not self.passages:
                self.notes.append(NOTHING_FOUND)
        except CodexError as error:
            self.notes.append(f"{NOT_SEARCHED}: {error}")
