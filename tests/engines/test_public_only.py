"""A server that somebody names while Codex is served to others is at a public address, or not reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from codex.ask.models.switching import engine_settings
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.public_only import PublicOnly
from codex.engines.openai_api.server import Server
from codex.errors import ModelError
from codex.settings import load_settings
from tests.support.loops import run_async

SEEN: list[str] = []


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        SEEN.append(self.headers["Host"])
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/v1")
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    SEEN.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


async def models(config: ServedConfig) -> list[str]:
    server = Server(config, config.base_url[0])
    try:
        return await server.models()
    finally:
        await server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_reached(port: int, host: str) -> None:
    config = ServedConfig(base_url=(f"http://{host}:{port}/v1",), public_only=True, retries=0)
    with pytest.raises(ModelError, match="private_addresses"):
        run_async(models, config)
    assert SEEN == []


def test_a_name_is_resolved_once_and_keeps_its_host(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    known = socket.getaddrinfo

    def lookup(host: str, *args: object, **named: object) -> object:
        if host != "example.org":
            return known(host, *args, **named)  # type: ignore[arg-type]
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def get() -> int:
        async with httpx2.AsyncClient(transport=PublicOnly()) as client:
            return (await client.get(f"http://example.org:{port}/away")).status_code

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr("codex.networks.is_public", lambda address: True)
    assert run_async(get) == 302
    assert looks == ["example.org"]
    assert [f"example.org:{port}"] == SEEN


@pytest.mark.parametrize(
    ("overrides", "public_only"),
    [
        ([], False),
        (["server.host=0.0.0.0"], True),
        (["server.host=0.0.0.0", "safety.private_addresses=true"], False),
        (["safety.private_addresses=false"], True),
    ],
)
def test_who_listens_to_others_reaches_public_addresses_only(
    tmp_path: Path, overrides: list[str], public_only: bool
) -> None:
    settings = load_settings([f"home={tmp_path}", *overrides])
    chosen = engine_settings(settings, "big", base_url="http://127.0.0.1:9/v1")
    assert isinstance(chosen, ServedConfig)
    assert chosen.public_only is public_only
