"""A `codex serve` over a scripted engine, in a process of its own, and a proxy before two of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import httpx

from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.private import SERVED
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually

# Children of a process that has imported everything start in a moment.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.deploy.rolling", "codex.cli.serve", "codex.server.serving"])


class RollingEngine(ScriptedEngine):
    """Repeats the number in the question, a fifth of a second later."""

    def __init__(self, config: ModelConfig, models: Models) -> None:
        super().__init__(lambda prompt: Script(["It", " is", f" {prompt.split('Say ')[-1].split()[0]}", "."]))
        self.config, self.delay = config, 0.05


class Process:
    """`codex serve` on a home, without its pages, which take a second to import and no part in this."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._process = _PROCESSES.Process(target=_serve, args=(self.home,), daemon=True)
        self._process.start()
        assert eventually(self._is_ready, 120)

    def end(self) -> int | None:
        """Send SIGTERM and wait for the end; its exit status."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.join(60)
        return self._process.exitcode

    def _is_ready(self) -> bool:
        assert self._process.is_alive()
        try:
            self.url = json.loads((self.home / SERVED).read_text())["url"]
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except (OSError, ValueError, httpx.TransportError):
            return False


def _serve(home: Path) -> None:
    pages = ModuleType("codex.pages.shell")
    pages.mount = lambda app, workbench: app  # type: ignore[attr-defined]
    sys.modules["codex.pages.shell"] = pages
    from codex.cli.serve import serve

    engine = "engine=tests.deploy.rolling:RollingEngine"
    serve([f"home={home}", engine, "server.port=0", "server.grace_seconds=30", "ask.n_samples=1"])


@contextmanager
def proxy(processes: list[Process]) -> Iterator[str]:
    """Its address. What one process does not take (503, no connection, no response) another gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said: list[httpx.Response] = []

            def taken() -> bool:
                for process in processes:
                    try:
                        response = httpx.post(
                            f"{process.url}{self.path}", content=body, headers=JSON, timeout=60
                        )
                    except httpx.TransportError:
                        continue
                    if response.status_code != 503:
                        said.append(response)
                        return True
                return False

            if not eventually(taken, 60):
                self.send_error(502)
                return
            self.send_response(said[0].status_code)
            self.send_header("Content-Length", str(len(said[0].content)))
            self.end_headers()
            self.wfile.write(said[0].content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield "http://{}:{}".format(*server.server_address[:2])
        finally:
            server.shutdown()
            thread.join()


JSON = {"Content-Type": "application/json"}
