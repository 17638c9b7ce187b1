"""The contract of an engine: where text and its log-probabilities come from."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from codex.errors import AdapterError, Cancelled, CapabilityError, InvalidInput
from codex.numbers import NumbersAsSuch
from codex.types import Generation, HiddenStates, LogprobKind, Message, Prompt, Sampling, Token

ALTERNATIVES = 20
"""How many of the likeliest tokens an engine reports at each position."""
COLDEST = 1e-6
"""A lower temperature takes the likeliest token: engines compute in single precision."""


class GenerationParams(NumbersAsSuch):
    """How the next token is chosen. The reported log-probabilities do not depend on it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_tokens: int = Field(256, ge=1, le=8192)
    """Upper bound of new tokens."""
    temperature: float = Field(0.0, ge=0.0, le=5.0)
    """0, or less than 1e-6, takes the likeliest token each time."""
    top_p: float = Field(1.0, ge=1e-6, le=1.0)
    """Draw from the likeliest tokens that together have this probability; 1 keeps every token."""
    top_k: int = Field(0, ge=0, lt=2**31)
    """Draw from this many of the likeliest tokens; 0 keeps every token."""
    repeat_penalty: float = Field(1.0, ge=0.01, le=10.0)
    """1 leaves the distribution as it is; above 1 makes tokens already in the context less likely."""
    stop: tuple[str, ...] = ()
    """The text ends before the first of these."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Equal seeds draw equal tokens, but for rounding where questions are asked at the same time."""

    @property
    def sampling(self) -> Sampling:
        """The same, as it is kept."""
        return Sampling(**self.model_dump())

    @classmethod
    def of(cls, sampling: Sampling) -> Self:
        """From what was kept; what is not known has its default."""
        return cls(**{name: value for name, value in asdict(sampling).items() if value is not None})


class JsonParams(GenerationParams):
    """The text is a JSON object of a schema. Reported log-probabilities do not depend on that either."""

    json_schema: str = Field(exclude=True)
    """In the form of `codex.ask.json_schema.accepted`; it is not kept."""


class EngineConfig(BaseModel):
    """Which model, wherever it runs."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=()
    )

    model_path: str
    """The model's name."""
    seed: int = Field(0, ge=0, lt=2**32)
    """The seed of questions that bring none of their own."""


class ModelConfig(EngineConfig):
    """Which model, and how it is held in memory."""

    model_path: str = "smollm2-135m-instruct"
    """A name that `codex models` lists, a local path, or a Hugging Face name."""
    context_size: int = Field(4096, ge=64, le=2**20)
    """Tokens of prompt and answer together."""
    gpu_layers: int = Field(0, ge=-1, le=10_000)
    """Layers held on a GPU; -1 for all."""
    threads: int = Field(4, ge=1, le=512)
    """Processor threads that the model computes on."""
    batch_size: int = Field(512, ge=16, le=2**16)
    """Prompt tokens processed in one pass."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; the rest raises `CapabilityError`."""

    logprobs: LogprobKind
    full_vocabulary: bool
    """Entropy, rank and self-certainty are exact."""
    prefix: bool
    """Can continue from given tokens of the answer."""
    score: bool
    embed: bool
    json_schema: bool = False
    """Takes `JsonParams`."""
    hidden_states: Literal["all layers", "last layer", "none"] = "none"
    """Of which layers `Internals` can ask for."""
    attention: bool = False
    """Tells attention to the previous token where `Internals` asks for it."""
    adapters: bool = False
    """Switches an adapter on for one call: `Engine.adapted_token`."""


@dataclass(frozen=True, slots=True)
class Internals:
    """What a generation brings along from inside the model."""

    layers: tuple[int | float, ...] = ()
    """Whose hidden states: a number from 1 on, one from the end (-1 is the last layer), or, as a float in
    (0, 1], a share of the depth."""
    attention: bool = False
    """With the attention to the previous token, of the layers in the middle third."""

    def numbered(self, depth: int) -> tuple[int, ...]:
        """The numbers of the layers, of which a model has `depth`; each once. Raises InvalidInput."""
        return tuple(dict.fromkeys(_numbered(layer, depth) for layer in self.layers))


@dataclass(frozen=True, slots=True)
class Finished:
    """Row `row` of a decode is complete."""

    row: int
    generation: Generation


@dataclass(frozen=True, slots=True)
class Enough:
    """When a decode may end with fewer rows than were requested."""

    after: tuple[int, ...]
    """Counts of rows, ascending: so many are decoded before it is asked whether they are enough."""
    is_reached: Callable[[Sequence[Generation]], bool]
    """Whether these rows are enough, all complete, in their order; then no further row is begun."""


class Engine(ABC):
    """One loaded model. Thread-safe: several callers may decode at once.

    A subclass gives `decode`; completing, chatting, streaming and sampling follow from it. A copy is the
    engine itself: a model is held once.
    """

    name: ClassVar[str]
    config: EngineConfig

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    @property
    def limits(self) -> str:
        """What signals lack with this engine, and what would bring it, in a sentence; "": nothing."""
        return ""

    @property
    def abilities(self) -> str:
        """What was found out of a server and its model, in a line; "": it is no server, or not loaded."""
        return ""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Engine, model file and quantization, as one line; what a calibrator is bound to."""

    @property
    @abstractmethod
    def is_loaded(self) -> bool: ...

    @property
    def context(self) -> int | None:
        """Tokens of prompt and answer that the loaded model holds together; None: not known."""
        return None

    @abstractmethod
    def load(self) -> None:
        """Read the model into memory; does nothing when it is there. Raises ModelError."""

    @abstractmethod
    def unload(self) -> None:
        """Give the memory back; running decodes are cancelled first."""

    @abstractmethod
    def render(self, messages: Sequence[Message]) -> str | None:
        """The exact text that the model continues; None where a server hides it."""

    @abstractmethod
    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text, without special tokens added."""

    def prompt_tokens(self, messages: Sequence[Message]) -> int | None:
        """How many tokens of the context a conversation takes, as `decode` counts; None: not known."""
        return None

    @abstractmethod
    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
        enough: Enough | None = None,
        internals: Internals | None = None,
    ) -> Iterator[Token | Finished]:
        """Continue one prompt once for each of `rows`, in one batch.

        Yields the tokens of row 0 as they come and a Finished for each row when it ends; row 0's
        tokens all come before its Finished. With a `prefix` every row goes on after those tokens;
        they open its Generation and are not yielded again. Setting `cancel`, or closing the
        iterator, ends the work within a token: rows under way finish with reason "cancelled". `enough` is
        called by a thread of the engine; rows that were not begun when it is reached have no Finished.
        The Generation of row 0 has the `internals`, also of a prefix.

        Loads the model when it is not loaded. Raises PromptTooLong, ModelError, CapabilityError; InvalidInput
        where the model has no such layer.
        """

    @property
    def slots(self) -> int:
        """Calls that are worked on at the same time; more wait for their turn."""
        return 1

    def ahead(
        self,
        prompt: Prompt,
        most: int = 1,
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Generation:
        """The likeliest continuation of a prompt, with the alternatives at each of its tokens.

        most: how many tokens may come where one request brings several for the price of one; at least one
        comes, which may be a token that ends the text. Where an engine does not say how likely the end is,
        there is none after the last word. May start from what an earlier call left in the cache: where the
        prompt continues that call's, only the rest is read, and rounding moves the log-probabilities a
        little. The `prefix` opens the generation, as in `decode`.

        Raises Cancelled, and what `decode` raises.
        """
        (found,) = (
            item.generation
            for item in self.decode(prompt, [GenerationParams(max_tokens=most)], prefix=prefix, cancel=cancel)
            if isinstance(item, Finished)
        )
        if found.finish_reason == "cancelled":
            raise Cancelled("The question was cancelled.")
        return found

    def next_token(self, prompt: Prompt, cancel: threading.Event | None = None) -> Token:
        """The likeliest token after a prompt, with its alternatives; it may be one that ends the text.

        Raises Cancelled, and what `decode` raises.
        """
        for token in self.ahead(prompt, cancel=cancel).tokens:
            return token
        raise CapabilityError(f"The {self.name} engine does not say how likely the end of a text is.")

    def adapted_token(self, prompt: Prompt, adapter: Path, cancel: threading.Event | None = None) -> Token:
        """`next_token` with an adapter on, for this call alone; others meanwhile get the model as it is.

        adapter: the folder of an activated LoRA, for this model and prompts of this kind. Raises
        CapabilityError, AdapterError, Cancelled, and what `decode` raises.
        """
        raise CapabilityError(
            f"The {self.name} engine cannot switch an adapter on for one call; use engine=huggingface or "
            "engine=llama_cpp."
        )

    def use_adapters(self, folders: Sequence[Path]) -> None:  # noqa: B027
        """Adapters that calls will switch on, for an engine that takes them in when the model is loaded."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def complete(self, prompt: str, params: GenerationParams) -> Generation:
        """Continue a text as it stands, without a chat template."""
        return self._batch(prompt, [params])[0]

    def chat(
        self, messages: Sequence[Message], params: GenerationParams, prefix: Sequence[Token] = ()
    ) -> Generation:
        """The assistant's next turn."""
        return self._batch(messages, [params], prefix)[0]

    def stream(
        self, messages: Sequence[Message], params: GenerationParams, prefix: Sequence[Token] = ()
    ) -> Iterator[Token]:
        """The assistant's next turn, token by token; closing the iterator cancels."""
        for item in self.decode(messages, [params], prefix=prefix):
            if isinstance(item, Token):
                yield item

    def sample(self, messages: Sequence[Message], params: GenerationParams, n: int) -> list[Generation]:
        """n independent answers; answer i is drawn with seed params.seed + i."""
        return self._batch(messages, seeded(params, n))

    def score(
        self,
        prompt: Prompt,
        answer: str,
        cancel: threading.Event | None = None,
        internals: Internals | None = None,
    ) -> Generation:
        """The log-probabilities of a text that is already there, as the continuation of the prompt.

        Its `end_logprob` is that of the likeliest token that would end the text after it. It has the
        `internals`. Raises PromptTooLong, ModelError, CapabilityError, Cancelled; InvalidInput as `decode`.
        """
        raise CapabilityError(
            f"The {self.name} engine cannot score a given text; use engine=llama_cpp or engine=huggingface."
        )

    def read_states(
        self,
        prompt: Prompt,
        tokens: Sequence[Token],
        layers: tuple[int | float, ...],
        cancel: threading.Event | None = None,
    ) -> HiddenStates:
        """What layers put out at the prompt's last token and at the tokens of an answer to it, in one pass.

        tokens: of a Generation of this model. layers: as in `Internals`. Raises PromptTooLong, ModelError,
        CapabilityError, Cancelled; InvalidInput where the model has no such layer or no such token.
        """
        raise CapabilityError(f"The {self.name} engine shows no hidden states; use engine=huggingface.")

    def embed(self, text: str) -> NDArray[np.float32]:
        """The mean of the last hidden states, [hidden size], of Euclidean length 1."""
        raise CapabilityError(f"The {self.name} engine cannot embed a text; use engine=huggingface.")

    def _show_nothing(self, internals: Internals | None) -> None:
        """Raises CapabilityError where internals are asked for."""
        if internals:
            raise CapabilityError(
                f"The {self.name} engine shows neither hidden states nor attention; use engine=huggingface."
            )

    def _batch(
        self, prompt: Prompt, rows: Sequence[GenerationParams], prefix: Sequence[Token] = ()
    ) -> list[Generation]:
        done = {
            item.row: item.generation
            for item in self.decode(prompt, rows, prefix=prefix)
            if isinstance(item, Finished)
        }
        return [done[row] for row in range(len(rows))]


def seeded(params: GenerationParams, n: int) -> list[GenerationParams]:
    """n copies of the parameters with consecutive seeds, so that samples are independent."""
    return [params.model_copy(update={"seed": (params.seed + i) % 2**32}) for i in range(n)]


def check_tokens(tokens: Sequence[Token], vocabulary: int) -> None:
    """Raises InvalidInput where one of the tokens is none of a model's, of which there are so many."""
    if alien := next((token for token in tokens if not 0 <= token.id < vocabulary), None):
        raise InvalidInput(
            f"The token {alien.text!r} has the number {alien.id}, and the model that is loaded has "
            f"{vocabulary:,} tokens: the answer is another model's.",
            ["tokens"],
        )


def _numbered(layer: int | float, depth: int) -> int:
    if isinstance(layer, float) and 0 < layer <= 1:
        return max(1, round(layer * depth))
    if isinstance(layer, int) and 1 <= abs(layer) <= depth:
        return layer if layer > 0 else depth + 1 + layer
    raise InvalidInput(
        f"There is no layer {layer}: the model has {depth}. Give a number from 1 to {depth}, or from "
        f"-{depth} to -1, or a share of the depth above 0 and up to 1.0.",
        ["layers"],
    )


def check_invoked(ids: Sequence[int], invocation: Sequence[int]) -> None:
    """Raises AdapterError where a prompt does not end with the tokens that invoke an adapter."""
    if list(ids[-len(invocation) :]) != list(invocation):
        raise AdapterError(
            "The adapter was trained for prompts that end in other tokens than this one: the templates or "
            "the tokenizer are not those of its training. Train it again."
        )


def peeked(token: Token, prompt_tokens: int, prefix: Sequence[Token], seconds: float) -> Generation:
    """One token after a prompt and what was given of the answer, as `Engine.ahead` has it."""
    tokens = (*prefix, token)
    return Generation(
        text=b"".join(it.bytes for it in tokens).decode("utf-8", "replace"),
        tokens=tokens,
        finish_reason="length",
        prompt_tokens=prompt_tokens,
        seconds=seconds,
        prefix_tokens=len(prefix),
    )
