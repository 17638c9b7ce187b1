"""Parts of requests and responses that several routes share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from codex.engines.base import GenerationParams
from codex.errors import InvalidInput
from codex.numbers import NumbersAsSuch
from codex.server import bodies
from codex.settings import MAX_SAMPLES
from codex.types import Generation, Message, Token

MAX_TURNS = 1000


class TextPart(BaseModel):
    """A piece of a message's text."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text", "input_text", "output_text"]
    text: str


def _joined(content: object) -> object:
    """The text of a message that is given in parts."""
    if isinstance(content, list):
        return "".join(TextPart.model_validate(part).text for part in content)
    return content


class GivenMessage(BaseModel):
    """One turn."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_joined)] = Field(description="A text, or parts of type text.")


class StreamOptions(BaseModel):
    """What a stream brings beside the answer."""

    model_config = ConfigDict(frozen=True)

    include_usage: StrictBool = False


class CodexOptions(NumbersAsSuch):
    """What Codex does for a request beyond OpenAI's parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_samples: int | None = Field(None, ge=1, le=MAX_SAMPLES, description="Samples drawn beside the answer.")
    adaptive: StrictBool | None = Field(None, description="Fewer of them where the first ones settle it.")
    enable_rag: StrictBool = Field(False, description="Retrieve passages before answering.")
    documents: list[str] | None = Field(None, min_length=1, max_length=bodies.MAX_DOCUMENTS)
    session_id: str | None = Field(None, description="null: a new one.")


class Sampled(NumbersAsSuch):
    """How text is to be written; what is left out comes from the settings."""

    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=0, lt=2**32)

    def params(self, own: GenerationParams, max_tokens: int | None) -> GenerationParams:
        """The parameters, filled in from the settings' own."""
        stop = (self.stop,) if isinstance(self.stop, str) else self.stop
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": max_tokens,
            "stop": None if stop is None else tuple(stop),
            "seed": self.seed,
        }
        return own.model_copy(update={name: value for name, value in given.items() if value is not None})


class TopLogprob(BaseModel):
    """A token that could have stood at a place."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(TopLogprob):
    """A token of the answer; its log-probability is of the model's raw distribution."""

    top_logprobs: list[TopLogprob]


class Usage(BaseModel):
    """Tokens, those of samples and of every step among them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def turns(messages: Sequence[GivenMessage], field: str) -> tuple[str, list[Message]]:
    """The question, and the turns before it. Raises InvalidInput."""
    *before, last = messages
    if last.role != "user":
        raise InvalidInput(f"The last message is of {last.role}: the question is the user's.", [field])
    roles = {"developer": "system"}
    return last.content, [Message(roles.get(it.role, it.role), it.content) for it in before]  # type: ignore[arg-type]


def token_logprobs(text: str, generation: Generation, alternatives: int) -> list[TokenLogprob] | None:
    """None where they are not known, or are of another text than what is said."""
    if text != generation.text:
        return None
    told = [_token(token, alternatives) for token in generation.tokens]
    return [it for it in told if it is not None] if None not in told else None


def _token(token: Token, alternatives: int) -> TokenLogprob | None:
    if token.logprob is None:
        return None
    return TokenLogprob(
        token=token.text,
        logprob=token.logprob,
        bytes=list(token.bytes),
        top_logprobs=[
            TopLogprob(token=it.text, logprob=it.logprob, bytes=list(it.bytes))
            for it in token.alternatives[:alternatives]
        ],
    )


def pieces(tokens: Sequence[TokenLogprob], text: str) -> Iterator[tuple[str, list[TokenLogprob]]]:
    """The text in pieces of whole characters, each with its tokens; a stop string may cut the last."""
    waiting: list[TokenLogprob] = []
    sent, spelled = 0, b""
    for at, token in enumerate(tokens, 1):
        waiting.append(token)
        spelled += bytes(token.bytes)
        whole = spelled.decode("utf-8", "ignore")
        end = len(text) if at == len(tokens) else min(len(whole), len(text))
        if len(whole.encode()) == len(spelled) or at == len(tokens):
            yield text[sent:end], waiting
            sent, waiting = end, []
