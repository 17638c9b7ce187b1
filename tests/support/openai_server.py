"""A server with OpenAI's interface that says what a test tells it to, for what no real one does at will."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass
class Said:
    """One response: a status with headers and a body, or the events of a stream."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection is closed before the body is whole."""


def whole(body: object, status: int = 200, **headers: str) -> Said:
    """A body of JSON."""
    return Said(
        json.dumps(body).encode(), status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def streamed(events: Sequence[object], done: bool = True) -> Said:
    """Events of a stream."""
    sent = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Said((sent + ("data: [DONE]\n\n" if done else "")).encode(), kind="text/event-stream")


def entry(text: str, logprob: float | None, others: dict[str, float] | None = None, **more: object) -> Json:
    """A token in the shape of chat completions; without others it is the only alternative."""
    likeliest = {text: logprob} if others is None else others
    return {
        "token": text,
        "bytes": list(text.encode()),
        "logprob": logprob,
        "top_logprobs": [
            {"token": other, "bytes": list(other.encode()), "logprob": value}
            for other, value in likeliest.items()
        ],
        **more,
    }


@dataclass
class Scripted:
    """Answers chat completions with these tokens, or as `respond` says."""

    tokens: Sequence[Json] = ()
    content: str | None = None
    """The text; the joined tokens where it is None."""
    reasoning: str = ""
    finish: str | None = "stop"
    respond: Callable[[str, Json], Said | None] = lambda path, body: None
    """What is said to a path and a body instead; None: as usual."""
    models: Sequence[str] = ("m",)
    seen: list[tuple[str, Json, dict[str, str]]] = field(default_factory=list)
    """Path, body and headers (names in lower case) of each request."""
    hold: threading.Event | None = None
    """A stream stops after its first event until it is set."""

    def answer(self, path: str, body: Json) -> Said:
        """What is sent to a request."""
        said = self.respond(path, body)
        if said is not None:
            return said
        if path == "/v1/models":
            return whole({"object": "list", "data": [{"id": name} for name in self.models]})
        if path == "/v1/chat/completions":
            return self._chat(body)
        return whole({"error": {"message": "File Not Found"}}, 404)

    def _chat(self, body: Json) -> Said:
        tokens = list(self.tokens)[: body.get("max_tokens") or None]
        content = "".join(it["token"] for it in tokens) if self.content is None else self.content
        logprobs = {"content": tokens} if body.get("logprobs") else None
        if not body.get("stream"):
            message: Json = {"role": "assistant", "content": content}
            if self.reasoning:
                message["reasoning_content"] = self.reasoning
            choice = {"index": 0, "message": message, "finish_reason": self.finish, "logprobs": logprobs}
            usage = {"prompt_tokens": 7}
            return whole(
                {"choices": [{**choice, "index": at} for at in range(body.get("n") or 1)], "usage": usage}
            )
        events: list[Json] = []
        if self.reasoning:
            events.append({"choices": [{"index": 0, "delta": {"reasoning_content": self.reasoning}}]})
        if self.content is None:
            for at in range(body.get("n") or 1):
                for it in tokens:
                    told = {"content": [it]} if logprobs else None
                    events.append(
                        {"choices": [{"index": at, "delta": {"content": it["token"]}, "logprobs": told}]}
                    )
        else:
            events.append({"choices": [{"index": 0, "delta": {"content": content}, "logprobs": logprobs}]})
        for at in range(body.get("n") or 1):
            events.append({"choices": [{"index": at, "delta": {}, "finish_reason": self.finish}]})
        return streamed([*events, {"choices": [], "usage": {"prompt_tokens": 7}}])


@contextmanager
def serving(script: Scripted, port: int = 0) -> Iterator[str]:
    """The base URL of a running server. port: 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers["Content-Type"] == "application/json"
            self._respond(json.loads(sent) if is_json else {"file": sent.decode()})

        def _respond(self, body: Json) -> None:
            script.seen.append((self.path, body, {k.lower(): v for k, v in self.headers.items()}))
            said = script.answer(self.path, body)
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            length = len(said.body) + (100 if said.cut else 0)
            self.send_header("Content-Length", str(length))
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.end_headers()
            held = script.hold if said.kind == "text/event-stream" else None
            first, second = said.body.split(b"\n\n", 1) if held else (said.body, b"")
            try:
                self.wfile.write(first + (b"\n\n" if held else b""))
                if held:
                    held.wait(20)
                    self.wfile.write(second)
            except OSError:  # The client went away.
                self.close_connection = True
            if said.cut:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        if script.hold is not None:
            script.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
