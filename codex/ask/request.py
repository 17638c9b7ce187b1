"""What is resolved before the model runs: the checked question and everything that goes with it."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from pydantic import ValidationError

from codex.ask.places import Client
from codex.calibration import Calibrator
from codex.engines.base import GenerationParams
from codex.errors import InvalidInput
from codex.policy import Policy
from codex.safety.rules import Checks
from codex.settings import MAX_SAMPLES, Settings
from codex.signals.probes import Probes
from codex.types import Alternative, Message, Step, Token, Trace

MAX_QUESTION_CHARACTERS = 1_000_000
"""Longer text is refused before it is tokenized."""


class AskOptions(TypedDict, total=False):
    """What a caller may set for one question; None takes the settings' value."""

    n_samples: int | None
    """Independent answers drawn beside the shown one."""
    adaptive: bool | None
    """Draw fewer of them where the first ones settle it."""
    enable_rag: bool
    """Retrieve passages before answering."""
    documents: Sequence[str] | None
    """Names, paths or folders of the documents that may be searched; None: all."""
    session_id: str | None
    """None opens a new session."""
    history: Sequence[Message] | None
    """The messages before the question, oldest first, where they are no traces of ours."""
    follows: str | None
    """The trace whose answer the question follows up: its conversation is the history."""
    params: GenerationParams | None
    """How the shown answer is generated."""
    sample_temperature: float | None
    policy: Policy | None
    """None takes the active one."""
    cancel: threading.Event | None
    """Set it to stop."""
    client: Client | None
    """Who asks; None: this process."""


def new_id() -> str:
    """An id for a session or a trace: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Request:
    """One question, ready for the model."""

    question: str
    session_id: str
    params: GenerationParams
    sample_params: GenerationParams
    n_samples: int
    adaptive: bool
    policy: Policy
    calibrator: Calibrator | None
    enable_rag: bool
    cancel: threading.Event
    attention: bool = False
    """Take the answer's attention to its previous token, where the engine shows it."""
    probes: Probes | None = None
    """Read in the model's hidden states; None: there are none of this model."""
    client: Client | None = None
    history: tuple[Message, ...] = ()
    """The messages before the question, oldest first."""
    follows: str | None = None
    """The trace whose answer it follows up."""
    documents: tuple[str, ...] = ()
    """Those that may be searched, as they were named; (): all."""
    among: frozenset[str] | None = None
    """The ids of these documents; None: all."""
    checks: Checks | None = None
    """The rules on what comes in and goes out; None: it is no live question, and none is applied."""


def resolve(
    question: str, options: AskOptions, settings: Settings, policy: Policy, calibrator: Calibrator | None
) -> Request:
    """Check the question and its options, and fill in the settings. Raises InvalidInput.

    Which documents are meant is not known here: `among` is left to whoever has the index.
    """
    given: Mapping[str, Any] = {key: value for key, value in options.items() if value is not None}
    unknown = sorted(given.keys() - AskOptions.__annotations__.keys())
    if unknown:
        raise InvalidInput(f"Unknown option {unknown[0]!r}.", unknown)
    params = given.get("params", settings.engine.params)
    if given.get("history") and "follows" in given:
        raise InvalidInput(
            "history and follows both say what came before the question: leave one out.",
            ["history", "follows"],
        )
    return Request(
        question=_checked_question(question),
        session_id=_checked_session(given.get("session_id", new_id())),
        params=params,
        sample_params=_sample_params(
            params, given.get("sample_temperature", settings.ask.sample_temperature)
        ),
        n_samples=_checked_samples(given.get("n_samples", settings.ask.n_samples)),
        adaptive=given.get("adaptive", settings.ask.adaptive),
        policy=given.get("policy", policy),
        calibrator=calibrator,
        enable_rag=given.get("enable_rag", False),
        cancel=given.get("cancel", threading.Event()),
        attention=settings.ask.attention,
        client=given.get("client"),
        history=checked_history(given.get("history", ())),
        follows=given.get("follows"),
        documents=_checked_documents(given.get("documents")),
    )


def resolve_branch(
    parent: Trace, policy: Policy, cancel: threading.Event | None, client: Client | None
) -> Request:
    """The same question with the same parameters, for a branch of its answer."""
    return Request(
        question=parent.question or "",
        session_id=parent.session_id,
        params=GenerationParams.of(parent.params.answer),
        sample_params=GenerationParams.of(parent.params.samples),
        n_samples=len(parent.last.observation.samples),
        adaptive=parent.params.adaptive,
        policy=policy,
        calibrator=None,
        enable_rag=False,
        cancel=cancel or threading.Event(),
        attention=parent.last.observation.generation.attention is not None,
        client=client,
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a branch leaves an answer."""

    prefix: tuple[Token, ...]
    """The tokens that are given: those before the turn, and the other token."""
    end: Alternative | None = None
    """The other token where it is the end of the answer; it is not among the given ones."""


def turn_at(step: Step, position: int, token_id: int) -> Turn:
    """Take another token at `position` of a step's answer. Raises InvalidInput."""
    tokens = step.observation.generation.tokens
    if not 0 <= position < len(tokens):
        raise InvalidInput(
            f"position {position} is outside the answer, which has {len(tokens)} tokens.", ["position"]
        )
    here = tokens[position]
    for rank, other in enumerate(here.alternatives, start=1):
        if other.id == token_id and other.is_end:
            return Turn(tokens[:position], end=other)
        if other.id == token_id:
            chosen = replace(here, id=other.id, bytes=other.bytes, logprob=other.logprob, rank=rank)
            return Turn((*tokens[:position], chosen))
    raise InvalidInput(
        f"Token {token_id} is not among the {len(here.alternatives)} alternatives at position {position}.",
        ["token_id"],
    )


def _sample_params(chosen: GenerationParams, temperature: float) -> GenerationParams:
    """Samples are drawn from the whole distribution, whatever shapes the answer."""
    try:
        plain = GenerationParams(
            max_tokens=chosen.max_tokens, temperature=temperature, stop=chosen.stop, seed=chosen.seed
        )
    except ValidationError as error:
        raise InvalidInput(
            f"sample_temperature must be between 0 and 5, not {temperature!r}.", ["sample_temperature"]
        ) from error
    return chosen.model_copy(update=plain.model_dump())


def parted(history: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """The messages of the system, and those of user and assistant: two for each turn."""
    told = [message for message in history if message.role == "system"]
    return told, [message for message in history if message.role != "system"]


def checked_history(history: Sequence[Message]) -> tuple[Message, ...]:
    """Messages of user and assistant in turn, as chat templates have them, after those of the system.

    Raises InvalidInput for any others.
    """
    told, turns = parted(history)
    if list(history[: len(told)]) != told:
        raise InvalidInput("A system message stands behind others: put it first.", ["history"])
    for at, message in enumerate(turns):
        if message.role != ("user", "assistant")[at % 2]:
            raise InvalidInput(
                f"Message {len(told) + at + 1} before the question is of {message.role}: user and assistant "
                "take turns.",
                ["history"],
            )
    if len(turns) % 2:
        raise InvalidInput(
            "The last message before the question is not answered: the user has two.", ["history"]
        )
    if sum(len(message.content) for message in history) > MAX_QUESTION_CHARACTERS:
        raise InvalidInput(
            f"The messages before the question have more than {MAX_QUESTION_CHARACTERS:,} characters.",
            ["history"],
        )
    if any("\ud800" <= character <= "\udfff" for message in history for character in message.content):
        raise InvalidInput("The history holds half a character (a lone surrogate).", ["history"])
    return tuple(history)


def _checked_question(question: str) -> str:
    if not question.strip():
        raise InvalidInput("The question is empty: write what you want to know.", ["query"])
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise InvalidInput(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are read.",
            ["query"],
        )
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise InvalidInput("The question holds half a character (a lone surrogate).", ["query"])
    return question.strip()


def _checked_documents(documents: Sequence[str] | None) -> tuple[str, ...]:
    if documents is not None and not documents:
        raise InvalidInput("documents is empty: name at least one, or leave it out.", ["documents"])
    return tuple(documents or ())


def _checked_samples(n: int) -> int:
    if not 1 <= n <= MAX_SAMPLES:
        raise InvalidInput(f"n_samples must be between 1 and {MAX_SAMPLES}, not {n}.", ["n_samples"])
    return n


def _checked_session(session_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", session_id):
        raise InvalidInput("session_id must be 1 to 64 letters, digits, '-' or '_'.", ["session_id"])
    return session_id
