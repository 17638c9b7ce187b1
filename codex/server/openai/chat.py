"""Chat completions with a confidence and a decision."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sse_starlette import ServerSentEvent

from codex.engines.base import ALTERNATIVES
from codex.server.openai.answering import said, streamed_events
from codex.server.openai.errors import OpenAIError, OpenAIErrorBody, openai_errors, openai_router
from codex.server.openai.formats import FormedDecision, ResponseFormat, decision, in_form, refusal
from codex.server.openai.models import NAME, checked_model
from codex.server.openai.shapes import (
    MAX_TURNS,
    CodexOptions,
    GivenMessage,
    Sampled,
    StreamOptions,
    TokenLogprob,
    Usage,
    pieces,
    token_logprobs,
    turns,
)
from codex.server.routes import Asker, LoadedBench
from codex.settings import MAX_SAMPLES
from codex.types import Event, Generation, Trace

router = openai_router()


class ChatBody(Sampled):
    """A request in OpenAI's shape. Parameters that Codex does not know are ignored, as other servers do."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "model": NAME,
                    "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
                }
            ]
        },
    )

    model: str = Field(description='As /v1/models lists it, or "codex".')
    messages: list[GivenMessage] = Field(min_length=1, max_length=MAX_TURNS)
    n: int = Field(1, ge=1, le=MAX_SAMPLES + 1, description="The answer, then samples.")
    max_tokens: int | None = Field(None, ge=1, le=8192)
    max_completion_tokens: int | None = Field(None, ge=1, le=8192)
    stream: StrictBool = False
    stream_options: StreamOptions | None = None
    logprobs: StrictBool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES)
    response_format: ResponseFormat | None = Field(
        None, description="JSON needs engine=llama_cpp, or a server that takes schemas."
    )
    codex: CodexOptions = CodexOptions()


class Logprobs(BaseModel):
    """The tokens of an answer."""

    content: list[TokenLogprob]


class AnswerMessage(BaseModel):
    """What is said to the user."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = Field(
        None, description="What to tell the user in place of JSON, where Codex abstains."
    )


class Choice(BaseModel):
    """The answer, or a sample."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    """A response in OpenAI's shape."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "chatcmpl-276db1c9880740298df204c5bdb7c802",
                    "object": "chat.completion",
                    "created": 1795905370,
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": "Canberra.", "refusal": None},
                            "logprobs": None,
                            "finish_reason": "stop",
                        }
                    ],
                    "usage": {"prompt_tokens": 37, "completion_tokens": 41, "total_tokens": 78},
                    "codex": {"decision": "answer", "confidence": 0.93, "confidence_note": "calibrated"},
                }
            ]
        }
    )

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    codex: FormedDecision


@router.post(
    "/chat/completions",
    summary="Ask in OpenAI's shape",
    response_model=ChatCompletion,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "A completion, or its chunks."},
        **openai_errors(404, 429, 501, 503),
    },
)
async def chat_completions(
    body: ChatBody, request: Request, workbench: LoadedBench, client: Asker
) -> ChatCompletion | Response:
    """A chat completion with what Codex decided about it in `codex`. Closing the connection cancels the work.

    The last message is the question; those before it are its history, and a system message takes the place of
    Codex's own. `content` is what to tell the user, as `answer` of /infer; log-probabilities are there where
    that is the model's own answer. With n above 1 the others are samples. Where JSON was asked for, `content`
    is the model's own answer, and null with a `refusal` where Codex abstains.
    """
    checked_model(body.model, workbench)
    question, history = turns(body.messages, "messages")
    settings = workbench.settings
    params = in_form(
        body.params(settings.engine.params, body.max_completion_tokens or body.max_tokens),
        body.response_format,
        "response_format",
    )

    def ask(cancel: threading.Event) -> Iterator[Event]:
        return workbench.ask(
            question,
            history=history,
            n_samples=max(body.codex.n_samples or settings.ask.n_samples, body.n - 1),
            # Each of n is to come.
            adaptive=False if body.n > 1 else body.codex.adaptive,
            enable_rag=body.codex.enable_rag,
            documents=body.codex.documents,
            session_id=body.codex.session_id,
            params=params,
            cancel=cancel,
            client=client,
        )

    if not body.stream:
        return await said(request, ask, lambda trace: _completion(body, trace))
    return await streamed_events(request, ask, lambda trace: _events(body, _completion(body, trace)), _failed)


def _completion(body: ChatBody, trace: Trace) -> ChatCompletion:
    observation = trace.last.observation
    generation = observation.generation
    refused = refusal(trace, body.response_format)
    rows: list[tuple[str, Generation]] = [(generation.text if refused else trace.answer, generation)]
    rows += [(sample.text, sample) for sample in observation.samples[: body.n - 1]]
    choices = [_choice(body, at, text, made) for at, (text, made) in enumerate(rows)]
    if refused is not None:
        choices[0].message, choices[0].logprobs = AnswerMessage(content=None, refusal=refused), None
    return ChatCompletion(
        id=f"chatcmpl-{trace.id}",
        created=int(trace.created_at.timestamp()),
        model=trace.model,
        choices=choices,
        usage=Usage(
            prompt_tokens=trace.prompt_tokens,
            completion_tokens=trace.generated_tokens,
            total_tokens=trace.prompt_tokens + trace.generated_tokens,
        ),
        codex=decision(trace, body.response_format),
    )


def _choice(body: ChatBody, index: int, text: str, generation: Generation) -> Choice:
    tokens = token_logprobs(text, generation, body.top_logprobs or 0) if body.logprobs else None
    return Choice(
        index=index,
        message=AnswerMessage(content=text),
        logprobs=None if tokens is None else Logprobs(content=tokens),
        finish_reason="length" if generation.finish_reason == "length" else "stop",
    )


def _events(body: ChatBody, made: ChatCompletion) -> Iterator[ServerSentEvent]:
    for chunk in _chunks(body, made):
        yield ServerSentEvent(json.dumps(chunk, ensure_ascii=False))
    yield ServerSentEvent("[DONE]")


def _failed(error: OpenAIError) -> ServerSentEvent:
    return ServerSentEvent(OpenAIErrorBody(error=error).model_dump_json())


def _chunks(body: ChatBody, made: ChatCompletion) -> Iterator[dict[str, Any]]:
    """Each choice in pieces: its tokens where their log-probabilities were asked for, else the whole text."""
    head = {"id": made.id, "object": "chat.completion.chunk", "created": made.created, "model": made.model}

    def chunk(index: int, delta: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {**head, "choices": [{"index": index, "delta": delta, "finish_reason": None, **more}]}

    for choice in made.choices:
        yield chunk(choice.index, {"role": "assistant", "content": ""})
        if choice.message.content is None:
            yield chunk(choice.index, {"refusal": choice.message.refusal})
        elif choice.logprobs is None:
            yield chunk(choice.index, {"content": choice.message.content})
        else:
            for piece, tokens in pieces(choice.logprobs.content, choice.message.content):
                told = {"content": [token.model_dump() for token in tokens]}
                yield chunk(choice.index, {"content": piece}, logprobs=told)
        yield chunk(choice.index, {}, finish_reason=choice.finish_reason)
    yield {**head, "choices": [], "codex": made.codex.model_dump(mode="json")}
    if body.stream_options and body.stream_options.include_usage:
        yield {**head, "choices": [], "usage": made.usage.model_dump()}
