"""As much of the Hugging Face hub's interface as a fetch takes, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants
import pytest

COMMIT = "a" * 40


class Hub:
    """Repositories by name, each with its files."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.ranges: list[str | None] = []
        """The Range of each download."""
        self.breaks_after: int | None = None
        """Bytes after which a download breaks off."""
        self.claims: dict[str, str] = {}
        """SHA-256 that the hub says of a file in place of the true one."""
        self.gate: threading.Event | None = None
        """Half of a file is sent, and the rest when this is set."""

    def about(self, name: str) -> dict[str, object]:
        """What the hub says of a repository."""
        files = self.repositories[name]
        return {
            "id": name,
            "sha": COMMIT,
            "siblings": [
                {
                    "rfilename": file,
                    "size": len(body),
                    "lfs": {
                        "sha256": self.claims.get(file, hashlib.sha256(body).hexdigest()),
                        "size": len(body),
                        "pointerSize": 100,
                    },
                }
                for file, body in files.items()
            ],
        }


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that huggingface_hub takes for the real one."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, *parts = self.path.strip("/").partition("?")[0].split("/")
            if kind == "api":
                name = "/".join(parts[1:3])
                if name in hub.repositories:
                    return self._send(200, json.dumps(hub.about(name)).encode())
                return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
            owner, (repo, _, commit, *inside) = kind, parts
            assert commit == COMMIT
            body = hub.repositories[f"{owner}/{repo}"]["/".join(inside)]
            asked = self.headers["Range"]
            hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            return self._send(206 if asked else 200, body[start:], download=True)

        def _send(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, download: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if download and hub.breaks_after is not None:
                body = body[: hub.breaks_after]
            half = len(body) // 2 if download and hub.gate else 0
            self.wfile.write(body[:half])
            self.wfile.flush()
            if half and hub.gate:
                hub.gate.wait(30)
            self.wfile.write(body[half:])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
