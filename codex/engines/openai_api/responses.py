"""What the Responses interface sends, as deltas: a pure function of the JSON, and the body it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codex.engines.openai_api.shapes import Delta, Entry, Json, entries
from codex.errors import ModelError
from codex.types import Prompt

LOGPROBS = "message.output_text.logprobs"
LEAST = 16
"""OpenAI's servers refuse to bound a response to fewer tokens."""
_REASONING = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def response_deltas(said: Json) -> list[Delta]:
    """Of a whole response, or of an event of a stream. Raises ModelError where the response failed."""
    kind = said.get("type")
    if kind is None:
        return _whole(said)
    if kind == "response.output_text.delta":
        text = str(said.get("delta") or "")
        return [Delta(text=text, entries=_spelled(said.get("logprobs"), text))]
    if kind == "response.refusal.delta":
        return [Delta(text=str(said.get("delta") or ""))]
    if kind in _REASONING:
        return [Delta(reasoning=str(said.get("delta") or ""))]
    if kind == "response.reasoning_summary_part.added" and said.get("summary_index"):
        return [Delta(reasoning="\n\n")]
    if kind == "error":
        raise ModelError(f"The server broke off: {said.get('message') or 'it gives no reason'}")
    if kind in _ENDS:
        return [Delta(finish=_finish(said.get("response") or {}))]
    return []


def response_body(model: str, prompt: Prompt, bound: int, alternatives: int | None) -> dict[str, Any]:
    """What is common to all requests. alternatives: at each token; None: without log-probabilities."""
    turns = prompt if isinstance(prompt, str) else [{"role": it.role, "content": it.content} for it in prompt]
    body: dict[str, Any] = {
        "model": model,
        "input": turns,
        "store": False,
        "max_output_tokens": max(LEAST, bound),
    }
    if alternatives is not None:
        body["include"] = [LOGPROBS]
        body["top_logprobs"] = alternatives
    return body


def _whole(said: Json) -> list[Delta]:
    found = [delta for item in said.get("output") or () for delta in _item(item)]
    thought = "\n\n".join(delta.reasoning for delta in found if delta.reasoning)
    kept = [delta for delta in found if not delta.reasoning]
    return [*([Delta(reasoning=thought)] if thought else []), *kept, Delta(finish=_finish(said))]


def _item(item: Json) -> Iterator[Delta]:
    if item.get("type") == "reasoning":
        for part in item.get("content") or item.get("summary") or ():
            yield Delta(reasoning=str(part.get("text") or ""))
    for part in item.get("content") or () if item.get("type") == "message" else ():
        text = str(part.get("text") or part.get("refusal") or "")
        yield Delta(text=text, entries=_spelled(part.get("logprobs"), text))


def _spelled(logprobs: Sequence[Json] | None, text: str) -> tuple[Entry, ...]:
    """The tokens of a text. In a stream they come without their bytes: one alone is the text."""
    found = entries({"content": logprobs}) if logprobs else ()
    if len(found) != 1 or not text or not logprobs or logprobs[0].get("bytes") is not None:
        return found
    return (replace(found[0], bytes=text.encode()),)


def _finish(response: Json) -> str:
    status = response.get("status")
    if status == "failed":
        error = response.get("error")
        why = error.get("message") if isinstance(error, Mapping) else None
        raise ModelError(f"The server failed: {why or 'it gives no reason'}")
    if status == "incomplete":
        details = response.get("incomplete_details") or {}
        reason = str(details.get("reason") or "incomplete")
        return "length" if reason == "max_output_tokens" else reason
    calls = any(item.get("type") == "function_call" for item in response.get("output") or ())
    return "tool_calls" if calls else "stop"
