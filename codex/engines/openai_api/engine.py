"""Text from a model behind an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from codex.engines.admission import Admission
from codex.engines.base import Capabilities, Engine, Enough, Finished, GenerationParams
from codex.engines.continuation import Call, Continuation
from codex.engines.openai_api.batches import run_batch
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.probing import Findings, probe
from codex.engines.openai_api.server import Server
from codex.engines.openai_api.shapes import (
    Delta,
    Json,
    Spelling,
    chat_deltas,
    completion_deltas,
    prompt_tokens,
)
from codex.engines.openai_api.trust import distrusted
from codex.errors import Cancelled, CapabilityError, CodexError, InvalidInput, ModelError
from codex.types import FinishReason, Generation, Message, Prompt, Token

_PATIENCE = 0.05
"""Seconds between two looks at whether the caller has cancelled."""
FINISHED: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
}
"""Why servers end an answer, in their words."""
TEMPERED = ("llama.cpp", "vLLM")
"""Servers that take more than OpenAI's own parameters."""


class OpenAIEngine(Engine):
    """A model behind a server with OpenAI's HTTP interface: vLLM, llama-server, TGI, Ollama, hosted ones.

    Requests run in an event loop of their own thread, so that one that is cancelled ends at once.
    Rows that differ in nothing but consecutive seeds are one request where the server does several rows.
    """

    name: ClassVar[str] = "openai_api"
    config: ServedConfig

    def __init__(self, config: ServedConfig, key: str | None = None) -> None:
        """key: of the server; None: the one that the configuration names."""
        self.config = config
        self._key = key
        self._lock = threading.RLock()
        """Held while the connection is opened or closed."""
        self._open: _Open | None = None
        self._running: dict[Call, Future[None]] = {}
        """The calls under way, and the loop's side of each."""

    @property
    def capabilities(self) -> Capabilities:
        """As they were found; before the first connection none is known."""
        found = self._open.findings if self._open else None
        return Capabilities(
            logprobs=found.logprobs if found else "none",
            full_vocabulary=False,
            prefix=found.continues if found else False,
            score=False,
            embed=False,
        )

    @property
    def findings(self) -> Findings | None:
        """What was found out of the server; None: it was not called yet."""
        return self._open.findings if self._open else None

    @property
    def limits(self) -> str:
        return self._open.findings.missing if self._open else ""

    @property
    def fingerprint(self) -> str:
        return f"{self.name}:{self.config.model_path or 'unknown'}:served"

    @property
    def is_loaded(self) -> bool:
        return self._open is not None

    @property
    def slots(self) -> int:
        return self.config.concurrency

    def load(self) -> None:
        """Find out what the server can do. Raises ModelError, Busy."""
        self._ready()

    def unload(self) -> None:
        with self._lock:
            opened, self._open = self._open, None
            running = dict(self._running)
        for call, work in running.items():
            call.stop.set()
            work.cancel()
        if opened:
            opened.close()

    def render(self, messages: Sequence[Message]) -> None:
        """The server has the template."""
        return None

    def tokenize(self, text: str) -> list[int]:
        raise CapabilityError(f"{self.config.base_url} does not say how it splits a text into tokens.")

    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
        enough: Enough | None = None,
    ) -> Iterator[Token | Finished]:
        """See Engine.decode. Raises Busy, InvalidInput too, with the server's words."""
        if not rows:
            return iter(())
        if not prompt:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        opened = self._ready()
        if prefix and not opened.findings.continues:
            raise CapabilityError(f"{self.config.base_url} cannot continue an answer that has begun.")
        if prefix and not _is_text(prefix):
            raise CapabilityError(f"{self.config.base_url} cannot continue an answer inside a character.")
        self._check(opened.findings, rows)
        call = Call([], tuple(rows), tuple(prefix), cancel or threading.Event(), enough)
        return self._stream(opened, call, prompt)

    def ahead_in_batch(
        self,
        prompts: Sequence[Prompt],
        most: int,
        *,
        poll_seconds: float = 30.0,
        cancel: threading.Event | None = None,
    ) -> list[Generation | CodexError]:
        """As `ahead`, of many conversations by the server's batch interface; it may take a day.

        Raises Cancelled, which ends the batch, CapabilityError where the server has none, ModelError.
        """
        opened = self._ready()
        params = (GenerationParams(max_tokens=most),)
        calls = [Call([], params, (), cancel or threading.Event()) for _ in prompts]
        rows = [_Row(0, call, opened.findings) for call in calls]
        bodies = [_body(opened, prompt, [row], ()) for prompt, row in zip(prompts, rows, strict=True)]
        work = opened.portal.start_task_soon(run_batch, opened.server, bodies, poll_seconds)
        while not work.done():
            if cancel is not None and cancel.wait(_PATIENCE):
                work.cancel()
                raise Cancelled("The batch was cancelled.")
            if cancel is None:
                wait([work])
        found: list[Generation | CodexError] = []
        for row, result in zip(rows, work.result(), strict=True):
            if isinstance(result, str):
                found.append(ModelError(f"{self.config.base_url}: {result}"))
                continue
            _take([row], chat_deltas(result), prompt_tokens(result))
            ends = [item for item in row.end() if isinstance(item, Finished)]
            found.append(ends[0].generation)
        return found

    def _check(self, found: Findings, rows: Sequence[GenerationParams]) -> None:
        cut = any(row.top_k or row.repeat_penalty != 1.0 for row in rows)
        if cut and found.kind not in TEMPERED:
            raise InvalidInput(
                f"{self.config.base_url} knows no top_k and no repeat_penalty: leave them as they are.",
                ["engine.params"],
            )

    def _ready(self) -> _Open:
        opened = self._open
        if opened is None:
            with self._lock:
                if self._open is None:
                    self._open = _Open.to(self.config, self._key)
                opened = self._open
        return opened

    def _stream(self, opened: _Open, call: Call, prompt: Prompt) -> Iterator[Token | Finished]:
        """The caller's side: hands out what comes."""
        at_once = min(len(call.rows), self.config.concurrency)

        def given_up() -> bool:
            return call.cancelled or self._open is not opened

        with opened.admission.taken(at_once, 0, given_up, call.client) as admitted:
            rows = [_Row(at, call, opened.findings) for at in range(len(call.rows))]
            if admitted:
                yield from self._answered(opened, call, prompt, rows, at_once)
            if call.cancelled or not admitted or self._open is not opened:
                for row in rows:
                    yield from row.end(cancelled=True)

    def _answered(
        self, opened: _Open, call: Call, prompt: Prompt, rows: list[_Row], at_once: int
    ) -> Iterator[Token | Finished]:
        with self._lock:
            if self._open is not opened:  # It was unloaded meanwhile.
                return
            work = opened.portal.start_task_soon(_run, opened, call, prompt, rows, at_once)
            self._running[call] = work
        ended = False
        try:
            while not call.cancelled:
                try:
                    item = call.out.get(timeout=_PATIENCE)
                except queue.Empty:
                    continue
                if item is None:
                    ended = True
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            work.cancel()
            while not ended:  # The rows are the loop's until then.
                ended = call.out.get() is None
            with self._lock:
                del self._running[call]


@dataclass(frozen=True, slots=True)
class _Open:
    """A connection, with the loop that it lives in."""

    portal: BlockingPortal
    _running: AbstractContextManager[BlockingPortal]
    server: Server
    findings: Findings
    admission: Admission

    @classmethod
    def to(cls, config: ServedConfig, key: str | None = None) -> _Open:
        """Raises ModelError, Busy."""
        running = start_blocking_portal("asyncio", name="codex-openai-api")
        portal = running.__enter__()
        try:
            server = portal.call(Server, config, key)
            try:
                findings = portal.call(probe, server)
            except BaseException:
                portal.call(server.close)
                raise
        except BaseException:
            running.__exit__(None, None, None)
            raise
        return cls(portal, running, server, findings, Admission(config.concurrency, 1))

    def close(self) -> None:
        self.portal.call(self.server.close)
        self._running.__exit__(None, None, None)


class _Row(Continuation):
    """A row that a server streams."""

    def __init__(self, index: int, call: Call, findings: Findings) -> None:
        super().__init__(index, call.rows[index], (), call.prefix, frozenset())
        self.told = False
        """Whether the caller knows its end."""
        self._closed = False
        """Whether the server says that it has ended."""
        self._findings = findings
        self._spelling = Spelling(expected=findings.logprobs != "none")

    @property
    def stopped(self) -> bool:
        """Whether it ended at a stop string, of which the server does not know."""
        return self.reason == "stop" and not self._closed

    def take(self, delta: Delta) -> None:
        """Raises ModelError where the server ends the answer for another reason than its end."""
        reason = _reason(delta.finish) if delta.finish else None
        for entry in self._spelling.take(delta, last=reason is not None):
            self.push(entry.token(self._findings.vocabulary))
        self._closed = self._closed or reason is not None
        self.reason = self.reason or reason

    def end(self, cancelled: bool = False) -> Iterator[Token | Finished]:
        """What the caller does not know yet, and that this is the end."""
        if not self.told:
            self.told = True
            yield from self.news(cancelled)

    def _generation(self, reason: FinishReason) -> Generation:
        made = super()._generation(reason)
        kind = self._findings.logprobs
        if kind == "none" or distrusted(made.tokens):
            bare = (replace(it, logprob=None, entropy=None, rank=None, alternatives=()) for it in made.tokens)
            return replace(made, logprobs="none", tokens=tuple(bare))
        return replace(made, logprobs=kind)


async def _run(opened: _Open, call: Call, prompt: Prompt, rows: list[_Row], at_once: int) -> None:
    """The server's side of a call: one task a request."""
    turns = asyncio.Semaphore(at_once)

    async def ask(group: range) -> None:
        async with turns:
            await _request(opened, call, prompt, [rows[at] for at in group])

    try:
        for wanted in call.groups():
            if not call.begins(wanted.start):
                break
            async with asyncio.TaskGroup() as tasks:
                for group in _groups(call.rows, wanted, opened.findings.choices):
                    tasks.create_task(ask(group))
    except BaseExceptionGroup as failed:
        call.out.put(failed.exceptions[0])
    finally:
        call.out.put(None)


async def _request(opened: _Open, call: Call, prompt: Prompt, rows: list[_Row]) -> None:
    """Run one request, which makes these rows. Raises ModelError, InvalidInput, PromptTooLong, Busy."""
    if not all(row.reason for row in rows):  # a prefix may hold a stop string
        plain = isinstance(prompt, str)
        path, parse = ("/completions", completion_deltas) if plain else ("/chat/completions", chat_deltas)
        async with aclosing(_events(opened, path, _body(opened, prompt, rows, call.prefix))) as events:
            async for event in events:
                _take(rows, parse(event), prompt_tokens(event))
                for item in (item for row in rows if row.reason is None for item in row.news()):
                    call.tell(item)
                if all(row.reason for row in rows) and any(row.stopped for row in rows):
                    break  # The server does not end at a stop string: it knows none.
    if not all(row.reason for row in rows):
        raise ModelError(f"{opened.server.config.base_url} broke off in the middle of an answer. Ask again.")
    for item in (item for row in rows for item in row.end()):
        call.tell(item)


def _take(rows: Sequence[_Row], deltas: Sequence[Delta], counted: int | None) -> None:
    """What one event brings; counted: tokens of the prompt."""
    for delta in deltas:
        if delta.row < len(rows):
            rows[delta.row].take(delta)
    for row in rows:
        row.prompt_tokens = row.prompt_tokens if counted is None else counted


async def _events(opened: _Open, path: str, body: dict[str, Any]) -> AsyncGenerator[Json, None]:
    """As a stream; whole where the server sends log-probabilities only so."""
    found = opened.findings
    if found.logprobs == "none" or found.streamed:
        async with aclosing(opened.server.stream(path, body)) as events:
            async for event in events:
                yield event
    else:
        yield await opened.server.post(path, body)


def _body(opened: _Open, prompt: Prompt, rows: Sequence[_Row], prefix: Sequence[Token]) -> dict[str, Any]:
    """Every sampler but those that were asked for is off, where the server lets us say so."""
    found, config, params = opened.findings, opened.server.config, rows[0].params
    begun = b"".join(token.bytes for token in prefix).decode("utf-8", "replace")
    body: dict[str, Any] = {
        "model": config.model_path,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "seed": params.seed,
        found.limit: rows[0].tokens_left,
    }
    if len(rows) > 1:
        body["n"] = len(rows)
    if isinstance(prompt, str):
        body["prompt"] = prompt + begun
        if found.alternatives:
            body["logprobs"] = found.alternatives
    else:
        body["messages"] = [{"role": it.role, "content": it.content} for it in prompt]
        if begun:
            body["messages"].append({"role": "assistant", "content": begun})
        if found.logprobs != "none":
            body["logprobs"] = True
        if found.alternatives:
            body["top_logprobs"] = found.alternatives
        if config.reasoning_effort:
            body["reasoning_effort"] = config.reasoning_effort
    if found.kind == "llama.cpp":
        body |= {"top_k": params.top_k, "min_p": 0.0, "repeat_penalty": params.repeat_penalty}
        body["samplers"] = ["penalties", "temperature", "top_k", "top_p"]
        body["repeat_last_n"] = -1 if params.repeat_penalty != 1 else 0
    elif found.kind == "vLLM":
        body |= {"top_k": params.top_k, "min_p": 0.0, "repetition_penalty": params.repeat_penalty}
        if begun and not isinstance(prompt, str):
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def _is_text(tokens: Sequence[Token]) -> bool:
    """Whether they end between two characters, as what is sent in JSON has to."""
    try:
        b"".join(token.bytes for token in tokens).decode()
    except UnicodeDecodeError:
        return False
    return True


def _groups(rows: Sequence[GenerationParams], wanted: range, most: int) -> Iterator[range]:
    """Row 0 alone, since it is streamed, and rows that are equal but for consecutive seeds together."""
    start = wanted.start
    if start == 0:
        yield range(1)
        start = 1
    while start < wanted.stop:
        end = start + 1
        while (
            end < wanted.stop
            and end - start < most
            and rows[end] == rows[end - 1].model_copy(update={"seed": rows[end - 1].seed + 1})
        ):
            end += 1
        yield range(start, end)
        start = end


def _reason(said: str) -> FinishReason:
    if said in FINISHED:
        return FINISHED[said]
    if said in ("tool_calls", "function_call"):
        raise ModelError(
            "The model calls a tool in place of an answer: use a model or a prompt without tools."
        )
    if said == "content_filter":
        raise ModelError("The server's content filter ended the answer.")
    raise ModelError(f"The server ended the answer with {said!r}, of which it is not known what it means.")
