"""The graded answers that a verifier is trained on, as it will be asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from codex import prompts
from codex.datasets.splits import split
from codex.errors import InvalidInput
from codex.grounding.form import Form
from codex.grounding.trained import question_key
from codex.grounding.verifier import verification
from codex.store import Store
from codex.types import Message, Observation, Run, Verdict

LEAST = 40
"""Labels from which on a verifier can be trained and measured at all."""
LEAST_OF_KIND = 6
"""Of each of the two kinds."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Answers with their labels; n of them, each to another question."""

    prompts: tuple[list[Message], ...]
    """What the verifier is asked."""
    keys: tuple[str, ...]
    """Of the questions: see `question_key`."""
    correct: NDArray[np.bool_]
    """[n]"""
    form: Form
    verdicts: tuple[Verdict | None, ...]
    """What was said of each when it was answered; None: nobody was asked in this form."""

    def first(self, n: int) -> Labelled:
        """The first n of them."""
        return self.of(range(len(self.keys))[:n])

    def of(self, rows: Sequence[int]) -> Labelled:
        """Those of some places."""
        return Labelled(
            tuple(self.prompts[row] for row in rows),
            tuple(self.keys[row] for row in rows),
            self.correct[list(rows)],
            self.form,
            tuple(self.verdicts[row] for row in rows),
        )

    def check(self) -> None:
        """Raises InvalidInput: none, too few, or of one kind alone."""
        n, correct = len(self.correct), int(self.correct.sum())
        if n < LEAST:
            raise InvalidInput(
                f"{n} graded answers are too few to train a verifier; {LEAST} are needed, and a few hundred "
                f"are better. Only the calibration half of a run counts. Grade about {2 * (LEAST - n)} more."
            )
        if min(correct, n - correct) < LEAST_OF_KIND:
            kind, few = ("correct", correct) if correct < n - correct else ("incorrect", n - correct)
            raise InvalidInput(
                f"Of the {n} graded answers {few} are {kind}; a verifier needs {LEAST_OF_KIND} of each kind "
                "to learn the difference. Take a run with easier or harder questions too."
            )


def labelled_answers(store: Store, runs: Sequence[Run], form: Form) -> Labelled:
    """The graded answers of runs, of the calibration half of the split alone. Raises NotFound."""
    found: list[tuple[Observation, bool]] = []
    for record in chain.from_iterable(store.runs.records(run.id) for run in runs):
        if record.correct is not None and split(record.observation.question) == "calibration":
            found.append((record.observation, record.correct))
    return labelled(found, form)


def labelled(answers: Sequence[tuple[Observation, bool]], form: Form) -> Labelled:
    """Answers with their labels; those without words, and further ones to a question, are left out."""
    asked: list[list[Message]] = []
    verdicts: list[Verdict | None] = []
    keys: dict[str, bool] = {}
    for observation, correct in answers:
        key = question_key(observation.question)
        if key in keys or not observation.generation.text.strip():
            continue
        conversation = prompts.ask(observation.question, observation.passages)
        prompt, own = verification(observation, conversation, form)
        if own == form:
            asked.append(prompt)
            verdict = observation.verdict
            verdicts.append(verdict if verdict and verdict.form == form else None)
            keys[key] = correct
    outcomes = np.array(list(keys.values()), dtype=np.bool_)
    return Labelled(tuple(asked), tuple(keys), outcomes, form, tuple(verdicts))


def check_run(run: Run, model: str) -> None:
    """Raises InvalidInput where its answers are another model's, or came of other templates."""
    if run.model != model:
        raise InvalidInput(
            f"The answers of the run {run.name} are by {run.model}, and the settings name {model}. "
            "Evaluate with this model, or name the other one: engine=..., engine.model_path=...",
            ["run"],
        )
    if run.prompt and run.prompt != prompts.fingerprint():
        raise InvalidInput(
            f"The run {run.name} was asked under other prompt templates or in a conversation. "
            "Evaluate again: the verifier is trained on what it will be asked.",
            ["run"],
        )
