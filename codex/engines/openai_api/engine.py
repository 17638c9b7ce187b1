"""Text from a model behind an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from codex.engines.admission import Admission
from codex.engines.base import (
    Capabilities,
    Engine,
    Enough,
    Finished,
    GenerationParams,
    Internals,
    JsonParams,
)
from codex.engines.continuation import Call, Continuation
from codex.engines.openai_api.batches import run_batch
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.json_answers import checked
from codex.engines.openai_api.probing import Findings, schema_form, scored_body
from codex.engines.openai_api.replicas import Replicas
from codex.engines.openai_api.responses import response_body
from codex.engines.openai_api.server import Server, Unanswered
from codex.engines.openai_api.shapes import (
    Delta,
    Json,
    Spelling,
    completion_deltas,
    ending,
    prompt_entries,
    prompt_tokens,
)
from codex.engines.openai_api.thinking import Thinking
from codex.engines.openai_api.trust import distrusted
from codex.errors import Cancelled, CapabilityError, CodexError, InvalidInput, ModelError
from codex.types import FinishReason, Generation, LogprobKind, Message, Prompt, Token

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
            score=found.scores_turns if found else False,
            embed=False,
            # As long as that is not known, `decode` says so.
            json_schema=found is None or found.json_schema is not None,
        )

    @property
    def findings(self) -> Findings | None:
        """What was found out of the server; None: it was not called yet."""
        return self._open.findings if self._open else None

    @property
    def limits(self) -> str:
        opened = self._open
        return " ".join(filter(None, (opened.findings.missing, opened.replicas.missing))) if opened else ""

    @property
    def abilities(self) -> str:
        opened = self._open
        if not opened:
            return ""
        count = len(opened.replicas.all)
        return opened.findings.words + (
            f"; {opened.replicas.answering} of {count} servers" if count > 1 else ""
        )

    @property
    def fingerprint(self) -> str:
        return f"{self.name}:{self.config.model_path or 'unknown'}:served"

    @property
    def is_loaded(self) -> bool:
        return self._open is not None

    @property
    def slots(self) -> int:
        opened = self._open
        return self.config.concurrency * (opened.replicas.answering if opened else len(self.config.base_url))

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
        raise CapabilityError(f"{self.config.where} does not say how it splits a text into tokens.")

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
        """See Engine.decode. Raises Busy, InvalidInput too, with the server's words."""
        self._show_nothing(internals)
        if not rows:
            return iter(())
        if not prompt:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        opened = self._ready()
        if prefix and not opened.findings.continues:
            raise CapabilityError(f"{self.config.where} cannot continue an answer that has begun.")
        if prefix and not _is_text(prefix):
            raise CapabilityError(f"{self.config.where} cannot continue an answer inside a character.")
        self._check(opened.findings, prompt, rows)
        call = Call([], tuple(rows), tuple(prefix), cancel or threading.Event(), enough)
        return self._stream(opened, call, prompt)

    def score(
        self,
        prompt: Prompt,
        answer: str,
        cancel: threading.Event | None = None,
        internals: Internals | None = None,
    ) -> Generation:
        """See Engine.score. No server says which tokens would end a text, so that `end_logprob` is None."""
        self._show_nothing(internals)
        if not prompt:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        opened, started = self._ready(), time.perf_counter()
        found = opened.findings
        if not (found.scores_text if isinstance(prompt, str) else found.scores_turns):
            raise CapabilityError(
                f"{self.config.where} does not tell the log-probabilities of a text that is there, as vLLM "
                "does: use that, engine=llama_cpp or engine=huggingface."
            )
        path, body = scored_body(found, self.config.model_path, prompt, answer)
        said: list[Json] = []

        async def work(server: Server) -> None:
            said.append(await server.post(path, body))

        with opened.admission.taken(1, 0, lambda: self._gone(opened, cancel)) as admitted:
            if not admitted:
                raise Cancelled("The question was cancelled.")
            running = opened.portal.start_task_soon(opened.replicas.anywhere, work)
            while not running.done():
                if self._gone(opened, cancel):
                    running.cancel()
                    raise Cancelled("The question was cancelled.")
                wait([running], _PATIENCE)
            if self._gone(opened, cancel):
                raise Cancelled("The question was cancelled.")
            running.result()
        return _scored(found, said[-1], answer, time.perf_counter() - started)

    def _gone(self, opened: _Open, cancel: threading.Event | None) -> bool:
        return self._open is not opened or (cancel is not None and cancel.is_set())

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
        server, found = opened.replicas.all[0].server, opened.findings
        work = opened.portal.start_task_soon(run_batch, server, found.path, bodies, poll_seconds)
        while not work.done():
            if cancel is not None and cancel.wait(_PATIENCE):
                work.cancel()
                raise Cancelled("The batch was cancelled.")
            if cancel is None:
                wait([work])
        done: list[Generation | CodexError] = []
        for row, result in zip(rows, work.result(), strict=True):
            if isinstance(result, str):
                done.append(ModelError(f"{self.config.where}: {result}"))
                continue
            _take([row], opened.findings.deltas(result), prompt_tokens(result))
            ends = [item for item in row.end() if isinstance(item, Finished)]
            done.append(ends[0].generation)
        return done

    def _check(self, found: Findings, prompt: Prompt, rows: Sequence[GenerationParams]) -> None:
        in_json = any(isinstance(row, JsonParams) for row in rows)
        if in_json and (found.json_schema is None or isinstance(prompt, str)):
            raise CapabilityError(
                f"{self.config.where} does not hold an answer to a JSON schema, as llama-server and vLLM do: "
                "use one of them, or engine=llama_cpp."
            )
        cut = any(row.top_k or row.repeat_penalty != 1.0 for row in rows)
        if cut and found.kind not in TEMPERED:
            raise InvalidInput(
                f"{self.config.where} knows no top_k and no repeat_penalty: leave them as they are.",
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
        at_once = min(len(call.rows), opened.most)

        def given_up() -> bool:
            return call.cancelled or self._open is not opened

        with opened.admission.taken(at_once, 0, given_up, call.client) as admitted:
            plain = isinstance(prompt, str)
            rows = [_Row(at, call, opened.findings, plain) for at in range(len(call.rows))]
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
        ended, left = False, list[Token | Finished]()
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
                item = call.out.get()
                ended = item is None
                left += [item] if isinstance(item, Token | Finished) else []
            with self._lock:
                del self._running[call]
        yield from left  # What a row was told before it was cancelled.


@dataclass(frozen=True, slots=True)
class _Open:
    """A connection, with the loop that it lives in."""

    portal: BlockingPortal
    _running: AbstractContextManager[BlockingPortal]
    config: ServedConfig
    replicas: Replicas
    most: int
    """Requests under way at once, at all servers together."""
    admission: Admission

    @property
    def findings(self) -> Findings:
        """What its servers can do."""
        return self.replicas.findings

    @classmethod
    def to(cls, config: ServedConfig, key: str | None = None) -> _Open:
        """Raises ModelError, Busy."""
        running = start_blocking_portal("asyncio", name="codex-openai-api")
        portal = running.__enter__()
        try:
            replicas = portal.call(_reached, config, key)
        except BaseException:
            running.__exit__(None, None, None)
            raise
        most = config.concurrency * len(config.base_url)
        return cls(portal, running, config, replicas, most, Admission(most, 1))

    def close(self) -> None:
        self.portal.call(self.replicas.close)
        self._running.__exit__(None, None, None)


async def _reached(config: ServedConfig, key: str | None) -> Replicas:
    """Raises ModelError, Busy."""
    servers: list[Server] = []
    try:
        servers.extend(Server(config, address, key) for address in config.base_url)
        return await Replicas.to(servers)
    except BaseException:
        for server in servers:
            await server.close()
        raise


class _Row(Continuation):
    """A row that a server streams."""

    def __init__(self, index: int, call: Call, findings: Findings, plain: bool = False) -> None:
        """plain: of a text that is continued as it stands."""
        super().__init__(index, call.rows[index], (), call.prefix, frozenset())
        self.told = False
        """Whether the caller knows its end."""
        self._closed = False
        """Whether the server says that it has ended."""
        self._findings = findings
        self._call = call
        self._plain = plain
        self._reasoning = ""
        self._thinking = Thinking(expected=not plain and not call.prefix)
        self._spelling = Spelling(expected=findings.logprobs != "none")
        self._known: Sequence[Token] = ()
        """What the caller was told already, by a request that failed."""

    def again(self) -> _Row:
        """The same row for another server; it has to begin with what the caller was told."""
        row = _Row(self.index, self._call, self._findings, self._plain)
        row._told = self._told
        row._known = self._filter.tokens[: self._told]
        return row

    @property
    def stopped(self) -> bool:
        """Whether it ended at a stop string, of which the server does not know."""
        return self.reason == "stop" and not self._closed

    def take(self, delta: Delta) -> None:
        """Raises ModelError where the server ends the answer for another reason than its end."""
        reason = _reason(delta.finish) if delta.finish else None
        self._reasoning += delta.reasoning
        for entry in self._spelling.take(delta, last=reason is not None):
            for own in self._thinking.take(entry):
                self.push(own.token(self._findings.vocabulary))
        if reason is not None:
            for own in self._thinking.end():
                self.push(own.token(self._findings.vocabulary))
        self._closed = self._closed or reason is not None
        self.reason = self.reason or reason
        known = [it.bytes for it in self._known[: len(self._filter.tokens)]]
        if known != [it.bytes for it in self._filter.tokens[: len(known)]]:
            raise ModelError(
                "A server broke off in the middle of an answer that another one begins otherwise. Ask again."
            )

    def end(self, cancelled: bool = False) -> Iterator[Token | Finished]:
        """What the caller does not know yet, and that this is the end."""
        if not self.told:
            self.told = True
            yield from self.news(cancelled)

    def _generation(self, reason: FinishReason) -> Generation:
        reasoning = self._reasoning.strip() or self._thinking.text
        made = replace(super()._generation(reason), reasoning=reasoning or None)
        kind: LogprobKind = self._findings.logprobs
        if isinstance(self.params, JsonParams):
            if reason == "stop" and not self.stopped:
                checked(made.text, self.params.json_schema)
            kind = self._findings.json_schema or "none"
        if kind == "none" or distrusted(made.tokens):
            bare = (replace(it, logprob=None, entropy=None, rank=None, alternatives=()) for it in made.tokens)
            return replace(made, logprobs="none", tokens=tuple(bare))
        return replace(made, logprobs=kind)


async def _run(opened: _Open, call: Call, prompt: Prompt, rows: list[_Row], at_once: int) -> None:
    """The server's side of a call: one task a request."""
    turns = asyncio.Semaphore(at_once)

    async def ask(group: range) -> None:
        async with turns:
            begun = False

            async def work(server: Server) -> None:
                nonlocal begun
                if begun:
                    for at in group:
                        rows[at] = rows[at].again()
                begun = True
                await _request(opened, server, call, prompt, [rows[at] for at in group])

            await opened.replicas.anywhere(work)

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


async def _request(opened: _Open, server: Server, call: Call, prompt: Prompt, rows: list[_Row]) -> None:
    """Run one request, which makes these rows. Raises ModelError, InvalidInput, PromptTooLong, Busy."""
    if not all(row.reason for row in rows):  # a prefix may hold a stop string
        plain, found = isinstance(prompt, str), opened.findings
        path, parse = ("/completions", completion_deltas) if plain else (found.path, found.deltas)
        async with aclosing(_events(server, found, path, _body(opened, prompt, rows, call.prefix))) as events:
            async for event in events:
                _take(rows, parse(event), prompt_tokens(event))
                for item in (item for row in rows if row.reason is None for item in row.news()):
                    call.tell(item)
                if all(row.reason for row in rows) and any(row.stopped for row in rows):
                    break  # The server does not end at a stop string: it knows none.
    if not all(row.reason for row in rows):
        raise Unanswered(f"{server.address} broke off in the middle of an answer. Ask again.")
    for item in (item for row in rows for item in row.end()):
        call.tell(item)


def _take(rows: Sequence[_Row], deltas: Sequence[Delta], counted: int | None) -> None:
    """What one event brings; counted: tokens of the prompt."""
    for delta in deltas:
        if delta.row < len(rows):
            rows[delta.row].take(delta)
    for row in rows:
        row.prompt_tokens = row.prompt_tokens if counted is None else counted


async def _events(
    server: Server, found: Findings, path: str, body: dict[str, Any]
) -> AsyncGenerator[Json, None]:
    """As a stream; whole where the server sends log-probabilities only so."""
    if found.logprobs == "none" or found.streamed:
        async with aclosing(server.stream(path, body)) as events:
            async for event in events:
                yield event
    else:
        yield await server.post(path, body)


def _body(opened: _Open, prompt: Prompt, rows: Sequence[_Row], prefix: Sequence[Token]) -> dict[str, Any]:
    """Every sampler but those that were asked for is off, where the server lets us say so."""
    found, config, params = opened.findings, opened.config, rows[0].params
    begun = b"".join(token.bytes for token in prefix).decode("utf-8", "replace")
    chosen = {"temperature": params.temperature, "top_p": params.top_p} if found.takes_temperature else {}
    form = schema_form(found, json.loads(params.json_schema)) if isinstance(params, JsonParams) else {}
    if found.interface == "responses" and not isinstance(prompt, str):
        # They know neither a seed nor several rows.
        asked = found.alternatives if found.logprobs != "none" else None
        body = response_body(config.model_path, prompt, rows[0].tokens_left, asked)
        thought = {"effort": config.reasoning_effort, "summary": config.reasoning_summary}
        given = {name: value for name, value in thought.items() if value}
        return {**body, **chosen, **form, **({"reasoning": given} if given else {})}
    bound = "max_tokens" if isinstance(prompt, str) else found.limit
    body = {
        "model": config.model_path,
        **chosen,
        **form,
        "seed": params.seed,
        bound: rows[0].tokens_left,
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


def _scored(found: Findings, said: Json, answer: str, seconds: float) -> Generation:
    prompt = prompt_entries(said)
    own = ending(prompt, answer)
    if own is None:
        raise ModelError(
            f"The server's tokens do not spell the text {answer[:60]!r} by itself: they join it with what "
            "stands before, or its template changes it."
        )
    tokens = tuple(entry.token(found.vocabulary) for entry in own)
    return Generation(
        text=answer,
        tokens=tokens,
        finish_reason="stop",
        prompt_tokens=len(prompt) - len(own),
        seconds=seconds,
        logprobs="none" if distrusted(tokens) else "raw",
    )


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
