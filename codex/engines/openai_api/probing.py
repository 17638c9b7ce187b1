"""What a server can do, found out by trying it: what it claims is not always so."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from codex.engines.base import ALTERNATIVES
from codex.engines.openai_api.responses import response_body, response_deltas
from codex.engines.openai_api.server import NotThere, Server
from codex.engines.openai_api.shapes import (
    VOCABULARY,
    Delta,
    Entry,
    Json,
    chat_deltas,
    ending,
    prompt_entries,
)
from codex.errors import InvalidInput, ModelError
from codex.types import LogprobKind, Message, Prompt

Kind = Literal["llama.cpp", "vLLM", "Ollama", "TGI", "unknown"]

MOST_CHOICES = {"vLLM": 128, "unknown": 8}
"""Rows in one request, where a server does several and does not say how many."""
FEWER = 5
"""Alternatives that a server may give which refuses more."""
RAW = 0.05
"""Nats by which a raw log-probability may differ between two temperatures, by rounding."""
_QUESTION = [Message("user", "Name a colour. Say one word.")]
_SCORED = " Blue"
_FORCED_ANSWER = {"n": 7}
_FORCED = {
    "type": "object",
    "properties": {"n": {"enum": [7]}},
    "required": ["n"],
    "additionalProperties": False,
}
FORCED_TOKENS = 256
"""Tokens of the answer that a schema forces: it ends by itself, but a model may reason before."""
REASONED = 64
"""Tokens of a short answer with its reasoning."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out of a server and its model."""

    kind: Kind
    logprobs: LogprobKind
    alternatives: int
    """How many of the likeliest tokens it gives at each place."""
    streamed: bool
    """Whether log-probabilities come in a stream too."""
    choices: int
    """Rows that one request may have."""
    token_ids: bool
    vocabulary: int
    """Tokens that the model has, or `VOCABULARY`."""
    limit: Literal["max_tokens", "max_completion_tokens", "max_output_tokens"] = "max_tokens"
    """How the length of an answer is bounded."""
    takes_temperature: bool = True
    """Whether it takes a temperature: some reasoning models do not."""
    scores_turns: bool = False
    """Whether it tells the log-probabilities of an answer that is there already."""
    scores_text: bool = False
    """The same of plain text."""
    json_schema: LogprobKind | None = None
    """The log-probabilities of an answer that is held to a JSON schema; None: it does not hold to one."""
    first: Entry | None = field(default=None, compare=False)
    """The first token of the answer to the question that every server is asked."""

    @property
    def path(self) -> str:
        """Where conversations are sent."""
        return "/responses" if self.interface == "responses" else "/chat/completions"

    def deltas(self, said: Json) -> list[Delta]:
        """What a response to a conversation says."""
        return response_deltas(said) if self.interface == "responses" else chat_deltas(said)

    @property
    def interface(self) -> Literal["chat", "responses"]:
        """How conversations are sent."""
        return "responses" if self.limit == "max_output_tokens" else "chat"

    @property
    def continues(self) -> bool:
        """Whether a last turn of the assistant is continued."""
        return self.interface == "chat" and self.kind in ("llama.cpp", "vLLM")

    @property
    def words(self) -> str:
        """What it can do, in a line."""
        parts = [
            self.kind if self.kind != "unknown" else "a server",
            "Responses" if self.interface == "responses" else "chat completions",
            "no log-probabilities"
            if self.logprobs == "none"
            else f"{self.logprobs} log-probabilities of the {self.alternatives} likeliest tokens",
        ]
        if self.logprobs != "none":
            parts.append("also in a stream" if self.streamed else "not in a stream")
        parts += [f"{self.choices} samples a request", "token ids" if self.token_ids else "no token ids"]
        parts.append("scores given texts" if self.scores_turns else "does not score given texts")
        if self.json_schema is None:
            parts.append("no JSON schemas")
        elif self.json_schema == self.logprobs:
            parts.append("JSON schemas")
        else:
            parts.append(f"JSON schemas with {self.json_schema} log-probabilities")
        return ", ".join(parts)

    @property
    def missing(self) -> str:
        """What signals lack, and the option of the server that would bring it; "": nothing."""
        if self.logprobs == "none":
            option = {"Ollama": " Ollama sends them from version 0.12.11."}.get(self.kind, "")
            if self.interface == "responses":
                option = " Where it has chat completions too, set engine.interface=chat."
            return "The server sends no log-probabilities: signals that need them are not available." + option
        if self.logprobs == "processed":
            return "The server's log-probabilities are of the distribution after temperature and cuts." + (
                " Start it with --logprobs-mode raw_logprobs." if self.kind == "vLLM" else ""
            )
        if not self.streamed:
            return "The server sends log-probabilities with whole responses only: answers come all at once."
        return ""


async def probe(server: Server) -> Findings:
    """Ask a server a few questions of one word. Raises ModelError, Busy."""
    model = server.config.model_path
    listed = await server.models()
    if not model:
        names = ", ".join(listed[:20]) or "it lists none"
        raise ModelError(f"Name the model as engine.model_path; {server.address} has: {names}.")
    if listed and model not in listed and not any(each.split(":")[0] == model for each in listed):
        raise ModelError(
            f"{server.address} has no model {model!r}; it has: {', '.join(listed[:20])}. "
            "Set engine.model_path."
        )
    found = await _kind(server)
    found, wanted, first = await _interface(server, found)
    entry = _first(found, first)
    found = replace(found, first=entry)
    if entry is not None and entry.others:
        found = replace(
            found,
            logprobs="raw",
            alternatives=min(wanted, len(entry.others)),
            token_ids=entry.id >= 0,
            streamed=await _streams(server, found, wanted),
        )
        if not await _is_raw(server, found, wanted, entry):
            found = replace(found, logprobs="processed")
    elif entry is not None and entry.logprob is not None:
        found = replace(found, logprobs="processed", streamed=await _streams(server, found, wanted))
    if found.logprobs != "none":
        found = replace(
            found,
            scores_turns=await _scores(server, *scored_body(found, model, _QUESTION, _SCORED)),
            scores_text=await _scores(server, *scored_body(found, model, _QUESTION[0].content, _SCORED)),
        )
    found = replace(found, json_schema=await _json_schema(server, found))
    return replace(found, choices=await _choices(server, found))


def schema_form(found: Findings, schema: Json) -> dict[str, Any]:
    """What holds the answer of a request to a JSON schema; strict where the schema is closed."""
    strict = schema.get("additionalProperties") is False
    form = {"name": "answer", "schema": schema, "strict": strict}
    if found.interface == "responses":
        return {"text": {"format": {"type": "json_schema", **form}}}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


async def _json_schema(server: Server, found: Findings) -> LogprobKind | None:
    """Whether an answer follows a schema that leaves it no choice, and what its log-probabilities are of.

    Of the distribution that the schema leaves, every token would be certain.
    """
    body = _body(server, found, found.alternatives, 0.0) | schema_form(found, _FORCED)
    body[found.limit] = FORCED_TOKENS
    try:
        deltas = found.deltas(await server.post(found.path, body))
        held = json.loads("".join(delta.text for delta in deltas)) == _FORCED_ANSWER
    except (InvalidInput, ModelError, ValueError):
        return None
    if not held:
        return None
    told = [entry.logprob for delta in deltas for entry in delta.entries]
    forced = all(logprob is not None and logprob > -RAW for logprob in told)
    return "processed" if found.logprobs != "none" and forced else found.logprobs


def scored_body(found: Findings, model: str, prompt: Prompt, answer: str) -> tuple[str, dict[str, Any]]:
    """Where to ask for the log-probabilities of an answer that is there, and how."""
    most = found.alternatives or 1
    body: dict[str, Any] = {"model": model, "max_tokens": 1, "temperature": 0.0}
    if isinstance(prompt, str):
        return "/completions", {**body, "prompt": prompt + answer, "echo": True, "logprobs": most}
    turns = [*prompt, Message("assistant", answer)]
    return "/chat/completions", {
        **body,
        "messages": [{"role": it.role, "content": it.content} for it in turns],
        "prompt_logprobs": most,
        "add_generation_prompt": False,
        "continue_final_message": True,
    }


async def _scores(server: Server, path: str, body: dict[str, Any]) -> bool:
    try:
        return ending(prompt_entries(await server.post(path, body)), _SCORED) is not None
    except (InvalidInput, ModelError):
        return False


async def _kind(server: Server) -> Findings:
    found = Findings("unknown", "none", 0, False, MOST_CHOICES["unknown"], False, VOCABULARY)
    props = await server.get("/props")
    if props and "default_generation_settings" in props:
        slots = props.get("total_slots")
        vocabulary = _vocabulary(await server.get("/v1/models"), server.config.model_path)
        return replace(found, kind="llama.cpp", choices=slots or 1, vocabulary=vocabulary or VOCABULARY)
    ollama = await server.get("/api/version")
    if ollama and "version" in ollama:
        return replace(found, kind="Ollama", choices=1)
    vllm = await server.get("/version")
    if vllm and "version" in vllm:
        return replace(found, kind="vLLM", choices=MOST_CHOICES["vLLM"])
    tgi = await server.get("/info")
    if tgi and "model_id" in tgi:
        return replace(found, kind="TGI", choices=1)
    return found


def _vocabulary(listed: Json | None, model: str) -> int | None:
    for each in (listed or {}).get("data") or ():
        meta = each.get("meta") if isinstance(each, Mapping) and each.get("id") == model else None
        if isinstance(meta, Mapping) and isinstance(meta.get("n_vocab"), int):
            return int(meta["n_vocab"])
    return None


async def _interface(server: Server, found: Findings) -> tuple[Findings, int, Json]:
    """Which interface a server has, how many alternatives it takes, and its first response."""
    chat, responses = found, replace(found, limit="max_output_tokens", choices=1)
    config = server.config
    if config.interface == "responses" or (config.interface == "auto" and config.reasoning_summary):
        try:
            return await _taken(server, responses)
        except NotThere as error:
            if config.interface == "responses":
                raise
            raise ModelError(f"engine.reasoning_summary needs the Responses interface: {error}") from None
    if config.reasoning_summary:
        raise ModelError(
            "engine.reasoning_summary needs the Responses interface: set engine.interface=responses, or "
            "leave it out."
        )
    try:
        return await _taken(server, chat)
    except NotThere:
        if config.interface == "chat":
            raise
        with suppress(NotThere):
            return await _taken(server, responses)
        raise


async def _taken(server: Server, found: Findings) -> tuple[Findings, int, Json]:
    """With as many alternatives as the server takes, and with the bound and the temperature if it does."""
    for wanted in (ALTERNATIVES, FEWER, 0):
        try:
            taken, said = await _asked(server, found, wanted)
            return taken, wanted, said
        except InvalidInput:
            if not wanted:
                raise
    raise AssertionError


async def _asked(server: Server, found: Findings, alternatives: int) -> tuple[Findings, Json]:
    try:
        return found, await server.post(found.path, _body(server, found, alternatives, 0.0))
    except InvalidInput as error:
        if "max_completion_tokens" in str(error):
            found = replace(found, limit="max_completion_tokens", takes_temperature=False)
        elif found.takes_temperature and "temperature" in str(error):
            found = replace(found, takes_temperature=False)
        else:
            raise
    return found, await server.post(found.path, _body(server, found, alternatives, 0.0))


def _first(found: Findings, said: Json) -> Entry | None:
    return next((entry for delta in found.deltas(said) for entry in delta.entries), None)


def _body(server: Server, found: Findings, alternatives: int, temperature: float) -> dict[str, Any]:
    """The question of the probe, answered by one token where the reasoning does not count."""
    model = server.config.model_path
    if found.interface == "responses":
        body = response_body(model, _QUESTION, 1, alternatives or None)
    else:
        bound = 1 if found.takes_temperature else REASONED
        body = {"model": model, "messages": [{"role": it.role, "content": it.content} for it in _QUESTION]}
        body |= {found.limit: bound}
        body |= {"logprobs": True, "top_logprobs": alternatives} if alternatives else {}
    return {**body, "temperature": temperature} if found.takes_temperature else body


async def _streams(server: Server, found: Findings, alternatives: int) -> bool:
    async for event in server.stream(found.path, _body(server, found, alternatives, 0.0)):
        if _first(found, event) is not None:
            return True
    return False


async def _is_raw(server: Server, found: Findings, alternatives: int, cold: Entry) -> bool:
    """Whether the log-probabilities stay the same when the temperature does not."""
    if not found.takes_temperature:
        return False
    hot = _first(found, await server.post(found.path, _body(server, found, alternatives, 2.0)))
    if hot is None:
        return False
    pairs = [
        (it.logprob, next((other.logprob for other in hot.others if other.is_same(it)), None))
        for it in cold.others[:3]
    ]
    return all(
        first is not None and second is not None and math.isclose(first, second, abs_tol=RAW)
        for first, second in pairs
    )


async def _choices(server: Server, found: Findings) -> int:
    """Rows in one request: some servers refuse more than one, some send one all the same."""
    if found.choices < 2:
        return 1
    try:
        said = await server.post(found.path, {**_body(server, found, 0, 1.0), "n": 2})
    except (InvalidInput, ModelError):
        return 1
    return found.choices if len(said.get("choices") or ()) == 2 else 1
