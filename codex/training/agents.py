"""Agents: how a model learns by rewards; those that ship, and those of plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field

from codex import plugins
from codex.errors import CapabilityError, CodexError, InvalidInput
from codex.plugins import Plugin
from codex.text import nearest
from codex.training.rewards import Reward

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel
    from codex.training.config import TrainConfig
    from codex.training.course import Engine
    from codex.training.questions import Questions
    from codex.training.state import After, Loss, Step, Training

GRPO, BEST_OF = "grpo", "best-of"
SHIPPED = {GRPO: "codex.training.grpo:Grpo", BEST_OF: "codex.training.best_of:BestOf"}
"""The agents that ship with Codex, by name; each is imported when it begins to train."""


class AgentOptions(BaseModel):
    """What is set of the learning by rewards itself, beside the settings of every training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    generations: int = Field(8, ge=2)
    """Answers to a question that are compared."""
    tokens: int = Field(64, ge=1)
    """The longest answer."""
    temperature: float = Field(1.0, gt=0.0)
    """Of these answers; the model is measured greedily."""
    start: int = Field(0, ge=0)
    """Supervised updates before it, which teach the format alone."""


class Agent(Protocol):
    """Lets a model answer questions, and changes it towards the answers that get higher rewards."""

    @property
    def name(self) -> str:
        """What settings and people call it."""
        ...

    def __call__(self, loaded: LoadedModel, rewards: Sequence[Reward], options: AgentOptions) -> Engine:
        """What trains by these rewards, which are summed.

        loaded: with the tokenizer and the tokens that end an answer. The engine's batches are `Questions`,
        and `Training.model` is what it trains; the loss that it is given is that of supervised rows.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShippedAgent:
    """An agent that ships."""

    name: str

    def __call__(self, loaded: LoadedModel, rewards: Sequence[Reward], options: AgentOptions) -> Engine:
        """See Agent."""
        module, _, attribute = SHIPPED[self.name].partition(":")
        return cast("Engine", getattr(import_module(module), attribute)(loaded, rewards, options))


@dataclass(frozen=True, slots=True)
class AddedAgent:
    """An agent of a plug-in: a class or a function `(loaded, rewards, options)` that makes an engine."""

    plugin: Plugin
    make: Callable[[LoadedModel, Sequence[Reward], AgentOptions], object]

    @property
    def name(self) -> str:
        return self.plugin.name

    def __call__(self, loaded: LoadedModel, rewards: Sequence[Reward], options: AgentOptions) -> Engine:
        """See Agent. Raises PluginError where it makes no engine, and the engine raises it where it fails."""
        engine = self._watched(lambda: self.make(loaded, rewards, options))
        if not callable(engine):
            raise self.plugin.error(f"made {type(engine).__name__}, and no function that trains")

        def train(
            training: Training, batches: Questions, loss: Loss, config: TrainConfig, after: After
        ) -> None:
            continues = True

            def told(step: Step) -> bool:
                nonlocal continues
                continues = after(step)
                return continues

            self._watched(lambda: engine(training, batches, loss, config, told))
            if continues and training.step < training.steps:
                raise self.plugin.error(f"ended at update {training.step} of {training.steps}")

        return train

    def _watched(self, act: Callable[[], Any]) -> Any:
        import torch

        try:
            return act()
        except (CodexError, torch.OutOfMemoryError):  # Of a reward or the course, which say what to do.
            raise
        except Exception as wrong:
            raise self.plugin.error(f"failed: {type(wrong).__name__}: {wrong}") from wrong


def names() -> tuple[str, ...]:
    """Every agent: those that ship, then those of plug-ins. Nothing is imported."""
    return tuple(dict.fromkeys((*SHIPPED, *plugins.names("agents"))))


def agent(name: str) -> Agent:
    """The agent of that name; one of a plug-in is imported. Raises InvalidInput, PluginError; CapabilityError
    where the packages that it needs are missing.

    A `module:object` is known only where it was taken.
    """
    if name == GRPO:
        check_trl()
    if name in SHIPPED:
        return ShippedAgent(name)
    if name in names():
        return added_agent(name)
    there = names()
    raise InvalidInput(
        f"There is no agent {name!r}{nearest(name, there)} There are: {', '.join(there)}.", ["agent"]
    )


def taken(name: str) -> Agent:
    """As `agent`, and a `module:object` is taken. For the command line of this machine alone."""
    if plugins.is_target(name):
        plugins.take("agents", name)
    return agent(name)


def check_trl() -> None:
    """Raises CapabilityError where the package is missing that GRPO needs."""
    if find_spec("trl") is None:
        raise CapabilityError(
            "Learning by GRPO needs TRL: pip install 'codex-workbench[reward]', then start Codex again. "
            "codex train reward --agent best-of needs no other package."
        )


def added_agent(name: str) -> Agent:
    """The agent of a plug-in. Raises PluginError."""
    plugin, make = plugins.load("agents", name)
    if not callable(make):
        raise plugin.error("is no class or function of a loaded model, rewards and options")
    return AddedAgent(plugin, make)
