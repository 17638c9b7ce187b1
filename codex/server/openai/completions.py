"""Completions of a text by the model alone: no question, so nothing is decided about them."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sse_starlette import ServerSentEvent

from codex import signals
from codex.ask.request import new_id
from codex.engines.base import ALTERNATIVES, Finished, seeded
from codex.errors import InvalidInput
from codex.redaction.observed import SECRETS
from codex.redaction.streaming import Settling
from codex.server import bodies
from codex.server.openai.errors import OpenAIErrorBody, openai_errors, openai_router, streamed
from codex.server.openai.models import NAME, checked_model
from codex.server.openai.shapes import Sampled, StreamOptions, Usage
from codex.server.routes import Asker, LoadedBench
from codex.server.serving import STOP_SECONDS
from codex.server.streaming import EventStream, UnderWay, cancelled_when_gone
from codex.settings import MAX_SAMPLES
from codex.types import Generation, Observation, Token

router = openai_router()

MAX_PROMPTS = 16
_Item = tuple[int, Token | Finished]
"""Which prompt, and what is news of its texts."""


class CompletionBody(Sampled):
    """A request in OpenAI's shape. Parameters that Codex does not know are ignored, as other servers do."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"model": NAME, "prompt": "The capital of Australia is"}]},
    )

    model: str = Field(description='As /v1/models lists it, or "codex".')
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=MAX_PROMPTS)]
    n: int = Field(1, ge=1, le=MAX_SAMPLES + 1, description="Texts of each prompt, with consecutive seeds.")
    max_tokens: int | None = Field(None, ge=1, le=8192)
    logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES, description="And so many alternatives.")
    echo: StrictBool = Field(False, description="Only false: POST /score scores a given text.")
    suffix: None = Field(None, description="Only null.")
    stream: StrictBool = False
    stream_options: StreamOptions | None = None


class CompletionLogprobs(BaseModel):
    """The tokens of a text, in columns; log-probabilities are of the model's raw distribution."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int] = Field(description="Where a token begins, in characters of the text.")


class FreeSignals(BaseModel):
    """What the tokens alone say; there is no confidence, since there was no question."""

    signals: dict[str, bodies.Number]


class CompletionChoice(BaseModel):
    """A text."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length"] | None
    codex: FreeSignals | None


class Completion(BaseModel):
    """A response in OpenAI's shape, and a part of it in a stream."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "cmpl-276db1c9880740298df204c5bdb7c802",
                    "object": "text_completion",
                    "created": 1795905370,
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                    "choices": [
                        {
                            "index": 0,
                            "text": " Canberra.",
                            "logprobs": None,
                            "finish_reason": "stop",
                            "codex": {"signals": {"avg_logprob": -0.21}},
                        }
                    ],
                    "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
                }
            ]
        }
    )

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None


@router.post(
    "/completions",
    summary="Continue a text in OpenAI's shape",
    response_model=Completion,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "The texts, or their parts as they come.",
        },
        **openai_errors(404, 429, 503),
    },
)
async def completions(
    body: CompletionBody, request: Request, workbench: LoadedBench, client: Asker
) -> Completion | Response:
    """The model's own continuation of a text, as it stands, without a chat template.

    It is no question: nothing is retrieved, decided, calibrated or kept. `codex` of a choice has the signals
    that its tokens give for free. Closing the connection cancels the work.
    """
    model = checked_model(body.model, workbench)
    if body.echo:
        raise InvalidInput("echo can only be false: POST /score scores a given text.", ["echo"])
    params = body.params(workbench.settings.engine.params, body.max_tokens)
    cancel = threading.Event()

    def written() -> Iterator[_Item]:
        for at, prompt in enumerate([body.prompt] if isinstance(body.prompt, str) else body.prompt):
            for item in workbench.texts.write_on(prompt, seeded(params, body.n), cancel, client):
                yield at, item

    telling = _Telling(body, model, masks=workbench.settings.store.mask_secrets)
    async with cancelled_when_gone(request, cancel):
        if not body.stream:
            return await run_sync(telling.whole, written(), abandon_on_cancel=True)
        parts = UnderWay(telling.parts(written()), cancel)
        first = await parts.next()

    async def gone(_: Any) -> None:
        cancel.set()

    return EventStream(
        _streamed(first, parts), client_close_handler_callable=gone, shutdown_grace_period=STOP_SECONDS
    )


class _Telling:
    """How texts are told, as a whole or in parts."""

    def __init__(self, body: CompletionBody, model: str, masks: bool) -> None:
        """masks: whether secrets are masked."""
        self._body, self._masks = body, masks
        self._id, self._created, self._model = f"cmpl-{new_id()}", int(time.time()), model
        self._prompt_tokens: dict[int, int] = {}
        self._written = 0

    def whole(self, items: Iterator[_Item]) -> Completion:
        """The response."""
        choices = [
            self._choice(prompt, item, shown.text, shown.tokens, 0)
            for prompt, item in items
            if isinstance(item, Finished)
            for shown in [self._shown(item.generation)]
        ]
        return self._completion(sorted(choices, key=lambda choice: choice.index), self._usage)

    def parts(self, items: Iterator[_Item]) -> Iterator[Completion]:
        """The first text of each prompt token by token, the others whole; then the counts."""
        waiting: list[Token] = []
        spelled, told, sent = b"", 0, 0
        for prompt, item in self._settled(items):
            if isinstance(item, Token):
                # One token behind: a stop string may cut the last.
                whole = spelled.decode("utf-8", "ignore")
                if waiting and len(whole.encode()) == len(spelled):
                    yield self._completion([self._part(prompt, whole[sent:], waiting, sent)])
                    told, sent, waiting = told + len(waiting), len(whole), []
                waiting.append(item)
                spelled += item.bytes
            else:
                if item.row:
                    told, sent = 0, 0
                shown = self._shown(item.generation)
                text, tokens = shown.text[sent:], shown.tokens[told:]
                yield self._completion([self._choice(prompt, item, text, tokens, sent)])
                waiting, spelled, told, sent = [], b"", 0, 0
        if self._body.stream_options and self._body.stream_options.include_usage:
            yield self._completion([], self._usage)

    def _settled(self, items: Iterator[_Item]) -> Iterator[_Item]:
        """The same, each token once no secret can begin in it."""
        settling = Settling()
        for prompt, item in items:
            if not self._masks:
                yield prompt, item
            elif isinstance(item, Token):
                yield from ((prompt, token) for token in settling.push(item))
            else:
                if item.row == 0:
                    yield from ((prompt, token) for token in settling.end())
                    settling = Settling()
                yield prompt, item

    def _shown(self, generation: Generation) -> Generation:
        return SECRETS.generation(generation) if self._masks else generation

    @property
    def _usage(self) -> Usage:
        read = sum(self._prompt_tokens.values())
        return Usage(prompt_tokens=read, completion_tokens=self._written, total_tokens=read + self._written)

    def _completion(self, choices: list[CompletionChoice], usage: Usage | None = None) -> Completion:
        return Completion(id=self._id, created=self._created, model=self._model, choices=choices, usage=usage)

    def _part(self, prompt: int, text: str, tokens: Sequence[Token], start: int) -> CompletionChoice:
        return CompletionChoice(
            index=prompt * self._body.n,
            text=text,
            logprobs=self._logprobs(tokens, start),
            finish_reason=None,
            codex=None,
        )

    def _choice(
        self, prompt: int, item: Finished, text: str, tokens: Sequence[Token], start: int
    ) -> CompletionChoice:
        """A text that is complete. text, tokens: what is not told of it yet, from character `start` on."""
        made = item.generation
        self._prompt_tokens[prompt] = made.prompt_tokens
        self._written += len(made.tokens)
        return CompletionChoice(
            index=prompt * self._body.n + item.row,
            text=text,
            logprobs=self._logprobs(tokens, start),
            finish_reason="length" if made.finish_reason == "length" else "stop",
            codex=FreeSignals(signals=signals.compute(Observation("", made))),
        )

    def _logprobs(self, tokens: Sequence[Token], start: int) -> CompletionLogprobs | None:
        if self._body.logprobs is None:
            return None
        offsets, spelled = [], b""
        for token in tokens:
            offsets.append(start + len(spelled.decode("utf-8", "ignore")))
            spelled += token.bytes
        return CompletionLogprobs(
            tokens=[token.text for token in tokens],
            token_logprobs=[token.logprob for token in tokens],
            top_logprobs=[
                {other.text: other.logprob for other in token.alternatives[: self._body.logprobs]}
                for token in tokens
            ],
            text_offset=offsets,
        )


async def _streamed(first: Completion | None, parts: UnderWay[Completion]) -> AsyncIterator[ServerSentEvent]:
    part = first
    try:
        while part is not None:
            yield ServerSentEvent(part.model_dump_json())
            part = await parts.next()
        yield ServerSentEvent("[DONE]")
    except Exception as error:  # The headers are sent, so the error is told as the last event.
        yield ServerSentEvent(OpenAIErrorBody(error=streamed(error)).model_dump_json())
    finally:
        await parts.close()
