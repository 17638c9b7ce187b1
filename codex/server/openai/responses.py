"""The Responses interface, for text and JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sse_starlette import ServerSentEvent

from codex.engines.base import ALTERNATIVES
from codex.server.openai.answering import said, streamed_events
from codex.server.openai.errors import OpenAIError, openai_errors, openai_router
from codex.server.openai.formats import FormedDecision, TextFormat, decision, in_form, refusal
from codex.server.openai.models import NAME, checked_model
from codex.server.openai.shapes import (
    MAX_TURNS,
    CodexOptions,
    GivenMessage,
    Sampled,
    TokenLogprob,
    pieces,
    token_logprobs,
    turns,
)
from codex.server.routes import Asker, LoadedBench
from codex.types import Event, Message, Trace

router = openai_router()

LOGPROBS = "message.output_text.logprobs"
"""What asks for log-probabilities, among `include`."""


class TextOptions(BaseModel):
    """The form of the answer."""

    model_config = ConfigDict(frozen=True)

    format: TextFormat | None = Field(
        None, description="JSON needs engine=llama_cpp, or a server that takes schemas."
    )


class ResponsesBody(Sampled):
    """A request in OpenAI's shape. Parameters that Codex does not know are ignored, as other servers do."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"model": NAME, "input": "What is the capital of Australia?"}]},
    )

    model: str = Field(description='As /v1/models lists it, or "codex".')
    input: str | Annotated[list[GivenMessage], Field(min_length=1, max_length=MAX_TURNS)] = Field(
        description="The question, or the messages that end with it."
    )
    instructions: str | None = Field(None, description="A system message before the others.")
    previous_response_id: None = Field(
        None, description="Only null: Codex keeps no conversation; send its messages as `input`."
    )
    max_output_tokens: int | None = Field(None, ge=1, le=8192)
    include: list[str] | None = Field(None, max_length=100)
    top_logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES)
    text: TextOptions | None = None
    metadata: dict[str, str] | None = Field(None, description="Returned as it is.")
    stream: StrictBool = False
    codex: CodexOptions = CodexOptions()

    @property
    def form(self) -> TextFormat | None:
        """Of the answer."""
        return self.text.format if self.text else None


class OutputText(BaseModel):
    """What is said to the user."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[dict[str, Any]] = []
    logprobs: list[TokenLogprob]


class OutputRefusal(BaseModel):
    """What to tell the user in place of JSON, where Codex abstains."""

    type: Literal["refusal"] = "refusal"
    refusal: str


class OutputMessage(BaseModel):
    """The answer."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText | OutputRefusal]


class NoDetails(BaseModel):
    """Tokens of other kinds, which Codex does not have."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class ResponseUsage(BaseModel):
    """Tokens, those of samples and of every step among them."""

    input_tokens: int
    input_tokens_details: NoDetails = NoDetails()
    output_tokens: int
    output_tokens_details: NoDetails = NoDetails()
    total_tokens: int


class Incomplete(BaseModel):
    """Why the answer is cut."""

    reason: Literal["max_output_tokens"]


class ModelResponse(BaseModel):
    """A response in OpenAI's shape."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "resp_276db1c9880740298df204c5bdb7c802",
                    "object": "response",
                    "created_at": 1795905370,
                    "status": "completed",
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                    "output": [
                        {
                            "id": "msg_276db1c9880740298df204c5bdb7c802",
                            "type": "message",
                            "role": "assistant",
                            "status": "completed",
                            "content": [{"type": "output_text", "text": "Canberra.", "annotations": []}],
                        }
                    ],
                    "codex": {"decision": "answer", "confidence": 0.93, "confidence_note": "calibrated"},
                }
            ]
        }
    )

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    error: None = None
    incomplete_details: Incomplete | None
    instructions: str | None
    metadata: dict[str, str]
    model: str
    output: list[OutputMessage]
    parallel_tool_calls: bool = False
    previous_response_id: None = None
    store: bool = False
    temperature: float | None
    tool_choice: Literal["none"] = "none"
    tools: list[dict[str, Any]] = []
    top_p: float | None
    usage: ResponseUsage | None
    codex: FormedDecision | None


@router.post(
    "/responses",
    summary="Ask in the shape of OpenAI's Responses",
    response_model=ModelResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "A response, or its events."},
        **openai_errors(404, 429, 501, 503),
    },
)
async def responses(
    body: ResponsesBody, request: Request, workbench: LoadedBench, client: Asker
) -> ModelResponse | Response:
    """A response with what Codex decided about it in `codex`. Closing the connection cancels the work.

    Without tools. Asked as a chat completion is: the last message is the question. Where JSON was asked for,
    the content is the model's own answer, and a refusal where Codex abstains.
    """
    checked_model(body.model, workbench)
    question, history = _turns(body)
    params = in_form(
        body.params(workbench.settings.engine.params, body.max_output_tokens), body.form, "text.format"
    )

    def ask(cancel: threading.Event) -> Iterator[Event]:
        return workbench.ask(
            question,
            history=history,
            n_samples=body.codex.n_samples,
            adaptive=body.codex.adaptive,
            enable_rag=body.codex.enable_rag,
            documents=body.codex.documents,
            session_id=body.codex.session_id,
            params=params,
            cancel=cancel,
            client=client,
        )

    if not body.stream:
        return await said(request, ask, lambda trace: _response(body, trace))
    return await streamed_events(request, ask, lambda trace: _events(_response(body, trace)), _failed)


def _turns(body: ResponsesBody) -> tuple[str, list[Message]]:
    """The question, and the turns before it. Raises InvalidInput."""
    told = [Message("system", body.instructions)] if body.instructions else []
    if isinstance(body.input, str):
        return body.input, told
    question, history = turns(body.input, "input")
    return question, told + history


def _response(body: ResponsesBody, trace: Trace) -> ModelResponse:
    generation = trace.last.observation.generation
    cut = generation.finish_reason == "length"
    wanted = LOGPROBS in (body.include or ())
    tokens = token_logprobs(trace.answer, generation, body.top_logprobs or 0) if wanted else None
    refused = refusal(trace, body.form)
    content = (
        OutputRefusal(refusal=refused) if refused else OutputText(text=trace.answer, logprobs=tokens or [])
    )
    return ModelResponse(
        id=f"resp_{trace.id}",
        created_at=int(trace.created_at.timestamp()),
        status="incomplete" if cut else "completed",
        incomplete_details=Incomplete(reason="max_output_tokens") if cut else None,
        instructions=body.instructions,
        metadata=body.metadata or {},
        model=trace.model,
        output=[
            OutputMessage(
                id=f"msg_{trace.id}",
                status="incomplete" if cut else "completed",
                content=[content],
            )
        ],
        temperature=trace.params.answer.temperature,
        top_p=trace.params.answer.top_p,
        usage=ResponseUsage(
            input_tokens=trace.prompt_tokens,
            output_tokens=trace.generated_tokens,
            total_tokens=trace.prompt_tokens + trace.generated_tokens,
        ),
        codex=decision(trace, body.form),
    )


def _events(made: ModelResponse) -> Iterator[ServerSentEvent]:
    """The response as the interface's events, numbered from 0."""
    for number, (kind, fields) in enumerate(_told(made)):
        body = _Event(type=kind, sequence_number=number, **fields)
        yield ServerSentEvent(body.model_dump_json(), event=kind)


def _told(made: ModelResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    (item,), (part,) = made.output, made.output[0].content
    begun = made.model_copy(
        update={
            "status": "in_progress",
            "output": [],
            "usage": None,
            "codex": None,
            "incomplete_details": None,
        }
    )
    here = {"item_id": item.id, "output_index": 0, "content_index": 0}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    opened = item.model_copy(update={"status": "in_progress", "content": []})
    yield "response.output_item.added", {"output_index": 0, "item": opened}
    for kind, fields in _content(part):
        yield kind, {**here, **fields}
    yield "response.content_part.done", {**here, "part": part}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield f"response.{made.status}", {"response": made}


def _content(part: OutputText | OutputRefusal) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, OutputRefusal):
        yield "response.content_part.added", {"part": OutputRefusal(refusal="")}
        yield "response.refusal.delta", {"delta": part.refusal}
        yield "response.refusal.done", {"refusal": part.refusal}
        return
    empty = part.model_copy(update={"text": "", "logprobs": []})
    yield "response.content_part.added", {"part": empty}
    for piece, tokens in pieces(part.logprobs, part.text) if part.logprobs else [(part.text, [])]:
        yield "response.output_text.delta", {"delta": piece, "logprobs": tokens}
    yield "response.output_text.done", {"text": part.text, "logprobs": part.logprobs}


class _Event(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str
    sequence_number: int


def _failed(error: OpenAIError) -> ServerSentEvent:
    body = _Event(type="error", sequence_number=0, **error.model_dump(exclude={"type"}))
    return ServerSentEvent(body.model_dump_json(), event="error")
