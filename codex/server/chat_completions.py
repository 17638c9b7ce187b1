"""Codex for clients of OpenAI's interface: chat completions with a confidence and a decision.

What is said to the user is settled only with the decision, after every step: a stream brings the answer when
it is settled, not a draft that the decision may take back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from sse_starlette import ServerSentEvent

from codex.ask.response import AskResponse, response_to
from codex.ask.workbench import last_trace
from codex.engines.base import ALTERNATIVES, GenerationParams
from codex.errors import InvalidInput, NotFound
from codex.numbers import NumbersAsSuch
from codex.server import bodies
from codex.server.errors import error_body
from codex.server.guard import GuardedRoute
from codex.server.routes import Asker, Bench, LoadedBench, errors
from codex.server.serving import STOP_SECONDS
from codex.server.streaming import EventStream, UnderWay, cancelled_when_gone
from codex.settings import MAX_SAMPLES
from codex.types import Event, Generation, Message, Token, Trace, TraceEvent

NAME = "codex"
"""A name under which the model may be asked for, whatever it is."""
TYPES = {429: "rate_limit_error", 403: "permission_error"}
"""OpenAI's words for errors, by status, that are neither the request's nor the server's."""


class TextPart(BaseModel):
    """A piece of a message's text."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text"]
    text: str


def _joined(content: object) -> object:
    """The text of a message that is given in parts."""
    if isinstance(content, list):
        return "".join(TextPart.model_validate(part).text for part in content)
    return content


class ChatMessage(BaseModel):
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
    enable_rag: StrictBool = Field(False, description="Retrieve passages before answering.")
    documents: list[str] | None = Field(None, min_length=1, max_length=bodies.MAX_DOCUMENTS)
    session_id: str | None = Field(None, description="null: a new one.")


class ChatBody(NumbersAsSuch):
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
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    n: int = Field(1, ge=1, le=MAX_SAMPLES + 1, description="The answer, then samples.")
    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=8192)
    max_completion_tokens: int | None = Field(None, ge=1, le=8192)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=0, lt=2**32)
    stream: StrictBool = False
    stream_options: StreamOptions | None = None
    logprobs: StrictBool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES)
    codex: CodexOptions = CodexOptions()


class TopLogprob(BaseModel):
    """A token that could have stood at a place."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(TopLogprob):
    """A token of the answer; its log-probability is of the model's raw distribution."""

    top_logprobs: list[TopLogprob]


class Logprobs(BaseModel):
    """The tokens of an answer."""

    content: list[TokenLogprob]


class AnswerMessage(BaseModel):
    """What is said to the user."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The answer, or a sample."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens, those of samples and of every step among them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


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
    codex: AskResponse


class Model(BaseModel):
    """The model that answers."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = NAME


class ModelList(BaseModel):
    """All models."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [
                        {
                            "id": "llama_cpp:smollm2-135m-instruct:Q4_1",
                            "object": "model",
                            "created": 0,
                            "owned_by": NAME,
                        }
                    ],
                }
            ]
        }
    )

    object: Literal["list"] = "list"
    data: list[Model]


class OpenAIError(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIErrorBody(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIError


class OpenAIRoute(GuardedRoute):
    """A route whose errors have OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await handle(request)
            return _in_openais_shape(response) if response.status_code >= 400 else response

        return handled


router = APIRouter(prefix="/v1", route_class=OpenAIRoute, tags=["openai"])


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Some come from before the route, in Codex's own shape."""
    return {
        status: {"description": told["description"], "model": OpenAIErrorBody | bodies.ErrorBody}
        for status, told in errors(*statuses).items()
    }


@router.get("/models", summary="List the models", responses=_errors())
def list_models(workbench: Bench) -> ModelList:
    """The model that answers, under the name that a calibrator is bound to."""
    return ModelList(data=[Model(id=workbench.engine.fingerprint)])


@router.post(
    "/chat/completions",
    summary="Ask in OpenAI's shape",
    response_model=ChatCompletion,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "A completion, or its chunks."},
        **_errors(404, 429, 503),
    },
)
async def chat_completions(
    body: ChatBody, request: Request, workbench: LoadedBench, client: Asker
) -> ChatCompletion | Response:
    """A chat completion with what Codex decided about it in `codex`. Closing the connection cancels the work.

    The last message is the question; those before it are its history, and a system message takes the place of
    Codex's own. `content` is what to tell the user, as `answer` of /infer; log-probabilities are there where
    that is the model's own answer. With n above 1 the others are samples.
    """
    model = workbench.engine.fingerprint
    if body.model not in (NAME, model):
        raise NotFound(f"There is no model {body.model[:100]!r}; there is {model}, also called {NAME!r}.")
    question, history = _turns(body.messages)
    own = workbench.settings.engine.params
    cancel = threading.Event()

    def ask() -> Iterator[Event]:
        return workbench.ask(
            question,
            history=history,
            n_samples=_samples(body, workbench.settings.ask.n_samples),
            enable_rag=body.codex.enable_rag,
            documents=body.codex.documents,
            session_id=body.codex.session_id,
            params=_params(body, own),
            cancel=cancel,
            client=client,
        )

    async with cancelled_when_gone(request, cancel):
        events = await run_sync(ask)
        if not body.stream:
            return _completion(body, await run_sync(last_trace, events, abandon_on_cancel=True))
        asked = UnderWay(events, cancel)
        # What cannot be asked is told with its own status.
        first = await asked.next()

    async def gone(_: Any) -> None:
        cancel.set()

    return EventStream(
        _streamed(body, first, asked), client_close_handler_callable=gone, shutdown_grace_period=STOP_SECONDS
    )


def _turns(messages: Sequence[ChatMessage]) -> tuple[str, list[Message]]:
    """The question, and the turns before it. Raises InvalidInput."""
    *before, last = messages
    if last.role != "user":
        raise InvalidInput(f"The last message is of {last.role}: the question is the user's.", ["messages"])
    roles = {"developer": "system"}
    return last.content, [Message(roles.get(it.role, it.role), it.content) for it in before]  # type: ignore[arg-type]


def _samples(body: ChatBody, usual: int) -> int:
    if body.codex.n_samples is not None:
        return max(body.codex.n_samples, body.n - 1)
    return max(usual, body.n - 1)


def _params(body: ChatBody, own: GenerationParams) -> GenerationParams:
    stop = (body.stop,) if isinstance(body.stop, str) else body.stop
    given = {
        "temperature": body.temperature,
        "top_p": body.top_p,
        "max_tokens": body.max_completion_tokens or body.max_tokens,
        "stop": None if stop is None else tuple(stop),
        "seed": body.seed,
    }
    return own.model_copy(update={name: value for name, value in given.items() if value is not None})


def _completion(body: ChatBody, trace: Trace) -> ChatCompletion:
    observation = trace.last.observation
    rows: list[tuple[str, Generation]] = [(trace.answer, observation.generation)]
    rows += [(sample.text, sample) for sample in observation.samples[: body.n - 1]]
    return ChatCompletion(
        id=f"chatcmpl-{trace.id}",
        created=int(trace.created_at.timestamp()),
        model=trace.model,
        choices=[_choice(body, at, text, generation) for at, (text, generation) in enumerate(rows)],
        usage=Usage(
            prompt_tokens=trace.prompt_tokens,
            completion_tokens=trace.generated_tokens,
            total_tokens=trace.prompt_tokens + trace.generated_tokens,
        ),
        codex=response_to(trace),
    )


def _choice(body: ChatBody, index: int, text: str, generation: Generation) -> Choice:
    return Choice(
        index=index,
        message=AnswerMessage(content=text),
        logprobs=_logprobs(body, text, generation),
        finish_reason="length" if generation.finish_reason == "length" else "stop",
    )


def _logprobs(body: ChatBody, text: str, generation: Generation) -> Logprobs | None:
    """None where they were not asked for, are not known, or are of another text than what is said."""
    if not body.logprobs or text != generation.text:
        return None
    told = [_token(token, body.top_logprobs or 0) for token in generation.tokens]
    return Logprobs(content=[it for it in told if it is not None]) if None not in told else None


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


async def _streamed(body: ChatBody, first: Event | None, asked: UnderWay) -> AsyncIterator[ServerSentEvent]:
    event, trace = first, None
    try:
        while event is not None:
            if isinstance(event, TraceEvent):
                trace = event.trace
            event = await asked.next()
        if trace is not None:
            for chunk in _chunks(body, _completion(body, trace)):
                yield ServerSentEvent(json.dumps(chunk, ensure_ascii=False))
        yield ServerSentEvent("[DONE]")
    except Exception as error:  # The headers are sent, so the error is told as the last event.
        told = error_body(error).error
        yield ServerSentEvent(OpenAIErrorBody(error=_openai_error(told.model_dump(), 500)).model_dump_json())
    finally:
        await asked.close()


def _chunks(body: ChatBody, made: ChatCompletion) -> Iterator[dict[str, Any]]:
    """Each choice in pieces: its tokens where their log-probabilities were asked for, else the whole text."""
    head = {"id": made.id, "object": "chat.completion.chunk", "created": made.created, "model": made.model}

    def chunk(index: int, delta: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {**head, "choices": [{"index": index, "delta": delta, "finish_reason": None, **more}]}

    for choice in made.choices:
        yield chunk(choice.index, {"role": "assistant", "content": ""})
        if choice.logprobs is None:
            yield chunk(choice.index, {"content": choice.message.content})
        else:
            for piece, tokens in _pieces(choice.logprobs.content, choice.message.content):
                told = {"content": [token.model_dump() for token in tokens]}
                yield chunk(choice.index, {"content": piece}, logprobs=told)
        yield chunk(choice.index, {}, finish_reason=choice.finish_reason)
    yield {**head, "choices": [], "codex": made.codex.model_dump(mode="json")}
    if body.stream_options and body.stream_options.include_usage:
        yield {**head, "choices": [], "usage": made.usage.model_dump()}


def _pieces(tokens: Sequence[TokenLogprob], text: str) -> Iterator[tuple[str, list[TokenLogprob]]]:
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


def _in_openais_shape(response: Response) -> Response:
    told = json.loads(bytes(response.body))["error"]
    body = OpenAIErrorBody(error=_openai_error(told, response.status_code))
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    text = json.dumps(body.model_dump(), ensure_ascii=True)
    return Response(text, response.status_code, headers, media_type="application/json")


def _openai_error(told: dict[str, Any], status: int) -> OpenAIError:
    fields = told.get("fields") or [None]
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return OpenAIError(message=told["message"], type=kind, param=fields[0], code=told["type"])
