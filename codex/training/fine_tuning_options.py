"""What can be chosen of a training of the model itself where somebody far away chooses: names and numbers."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from codex.items import graders
from codex.numbers import NumbersAsSuch
from codex.training import rewards
from codex.training.config import DataConfig, Lora, TrainConfig

LONGEST = 60
"""Characters of a name: it is the name of a folder, which has at most 255 bytes."""
NAME = r"^[^\x00-\x1f\x7f-\x9f\s./\\~][^\x00-\x1f\x7f-\x9f/\\]*$"
"""Of one folder: no separators and no control characters, and it begins with no dot, tilde or space."""
AT_THE_END = 10**9
"""Updates between two rounds of generated answers where only the model before and after is measured."""
ADDITIONS = 500
MAX_ADDITIONS = 8000
MAX_RUNS = 100
JUDGE = "judge"
"""The grader that needs the loaded model, which a training does not ask."""


def checked_folder(name: str) -> str:
    """A name that is one folder, and stays where it is put. Raises a ValueError of Pydantic's."""
    if len(name) > LONGEST or not re.fullmatch(NAME, name) or not _is_encoded(name):
        raise PydanticCustomError(
            "folder_name",
            "The name is that of a folder: 1 to {longest} characters, without slashes and line breaks, and "
            "it begins with no dot, tilde or space.",
            {"longest": LONGEST},
        )
    return name.strip()


FolderName = Annotated[
    str, AfterValidator(checked_folder), Field(json_schema_extra={"pattern": NAME, "maxLength": LONGEST})
]
Rate = Annotated[float, Field(ge=1e-7, le=1.0, allow_inf_nan=False)]
HeldOut = Annotated[float, Field(ge=0.0, le=0.9, allow_inf_nan=False)]


def _name_rewards(schema: dict[str, Any]) -> None:
    schema["items"] = {"type": "string", "enum": list(rewards.names())}


def _name_graders(schema: dict[str, Any]) -> None:
    known = [name for name in graders() if name != JUDGE]
    schema["anyOf"] = [{"type": "string", "enum": known}, {"type": "null"}]


class _Options(NumbersAsSuch):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rank: int = Field(16, ge=1, le=256)
    """Of the adapter."""
    held_out: HeldOut = 0.1
    """Share of the questions that may be trained on that measures the training instead."""
    generate: int = Field(64, ge=0, le=1000)
    """Held-out questions, at most, that are answered before and after; 0: none."""
    seed: int = Field(0, ge=0, le=2**31)
    """Of the order of the rows, the adapter's first weights, and dropout."""


class AnswererOptions(_Options):
    """A fine-tuning on questions with their answers."""

    name: FolderName = Field("answers", strict=True)
    """Of its folder in the home's adapters; the same name and settings resume it."""
    runs: list[str] = Field(min_length=1, max_length=MAX_RUNS)
    """The ids of the runs whose questions are trained on."""
    refuse: bool = Field(False, strict=True)
    """Whether "I don't know" is trained where the model's answer was incorrect, as R-Tuning does."""
    epochs: float = Field(3.0, ge=0.01, le=100.0, allow_inf_nan=False)
    """Passes over the questions; a part of one is possible."""
    learning_rate: Rate = 2e-4
    """Its largest value."""
    batch_size: int = Field(4, ge=1, le=64)
    """Questions that pass the model at once."""
    accumulate: int = Field(4, ge=1, le=256)
    """Batches of one update of the weights."""
    max_tokens: int = Field(1024, ge=8, le=8192)
    """Tokens of a question with its answer; longer ones are left out."""
    generate_tokens: int = Field(64, ge=1, le=1024)
    """The longest answer to a held-out question."""

    @property
    def config(self) -> TrainConfig:
        """As the training takes it."""
        return TrainConfig(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            accumulate=self.accumulate,
            max_tokens=self.max_tokens,
            lora=_lora(self.rank),
            seed=self.seed,
            generate_every=AT_THE_END if self.generate else 0,
            generate=max(self.generate, 1),
            generate_tokens=self.generate_tokens,
            data=DataConfig(validation=self.held_out),
        )


class RewardOptions(_Options):
    """A training by rewards, by which the model learns to state its confidence."""

    name: FolderName = Field("confidence", strict=True)
    """Of its folder in the home's adapters; the same name and settings resume it."""
    runs: list[str] = Field(default=[], max_length=MAX_RUNS)
    """The ids of the runs whose questions are trained on; none: additions are."""
    additions: int = Field(ADDITIONS, ge=1, le=MAX_ADDITIONS)
    """Generated additions of one and two digits; without effect where runs are named."""
    rewards: list[str] = Field(default=["brier"], min_length=1, max_length=8, json_schema_extra=_name_rewards)
    """What an answer earns, by name; several are summed."""
    grader: str | None = Field(default=None, json_schema_extra=_name_graders)
    """Of the answers; null: the one of each question."""
    steps: int = Field(40, ge=1, le=10_000)
    """Updates of the weights."""
    questions: int = Field(4, ge=1, le=64)
    """Of one update."""
    generations: int = Field(8, ge=2, le=64)
    """Answers to a question that are compared."""
    tokens: int = Field(32, ge=1, le=1024)
    """The longest answer."""
    start: int = Field(20, ge=0, le=1000)
    """Supervised updates before it, which teach the format alone."""
    learning_rate: Rate = 3e-4
    """Its largest value."""
    held_out: HeldOut = 0.2
    """Share of the questions that may be trained on that measures the training instead."""

    @field_validator("rewards")
    @classmethod
    def _known(cls, given: list[str]) -> list[str]:
        for name in given:
            if name not in rewards.names():
                raise ValueError(f"there is no reward {name!r}; there are: {', '.join(rewards.names())}")
        return given

    @field_validator("grader")
    @classmethod
    def _known_grader(cls, given: str | None) -> str | None:
        if given is not None and (given == JUDGE or given not in graders()):
            known = ", ".join(name for name in graders() if name != JUDGE)
            raise ValueError(f"there is no grader {given!r} for a training; there are: {known}")
        return given

    @property
    def config(self) -> TrainConfig:
        """As the training takes it: each batch holds the answers to one question."""
        return TrainConfig(
            steps=self.steps,
            learning_rate=self.learning_rate,
            batch_size=self.generations,
            accumulate=self.questions,
            lora=_lora(self.rank),
            seed=self.seed,
            generate=max(self.generate, 1),
            data=DataConfig(validation=self.held_out if self.generate else 0.0),
        )


def _is_encoded(name: str) -> bool:
    """Whether a file can have that name: half of a surrogate pair cannot be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lora(rank: int) -> Lora:
    return Lora(rank=rank, alpha=2.0 * rank)
