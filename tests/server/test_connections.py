"""Connections that hold something without doing anything."""

from __future__ import annotations

import json
import socket

import pytest

from codex.server import connections
from tests.support.serving import Serve, Served

HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
SOON = 0.2
"""Seconds, in place of the 15 that a client has."""


@pytest.fixture
def served(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setattr(connections, "HEADER_SECONDS", SOON)
    monkeypatch.setattr(connections, "BODY_SECONDS", SOON)
    return serve()


def connected(served: Served, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    client.sendall(sent)
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))


def error(answered: bytes) -> dict[str, str]:
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    found: dict[str, str] = json.loads(body)["error"]
    return found


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Slow: a", "head"),
        (b"G", "head"),
        (b"POST /infer HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 100\r\n\r\n{", "body"),
        (b"POST /infer HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "body"),
        (b"PUT /documents/slow.txt HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\na", "body"),
    ],
)
def test_a_request_that_does_not_arrive_is_408(served: Served, sent: bytes, what: str) -> None:
    answered = answer(connected(served, sent))
    assert answered.startswith(b"HTTP/1.1 408 ")
    assert error(answered)["message"] == f"The request's {what} did not arrive in time. Send it faster."
    assert served.http.get("/healthz").status_code == 200


def test_a_connection_without_a_request_is_closed_without_a_word(served: Served) -> None:
    assert answer(connected(served)) == b""


def test_a_second_request_has_its_own_time(served: Served) -> None:
    whole = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    answered = answer(connected(served, whole + b"GET /healthz HT"))
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answered


def test_requests_in_one_packet_are_all_answered(served: Served) -> None:
    whole = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    assert answer(connected(served, whole * 3)).count(b"HTTP/1.1 200 ") == 3


def test_a_head_without_end_is_431(serve: Serve) -> None:
    client = connected(serve(), b"GET / HTTP/1.1\r\nX: ")
    endless = b"a" * 2**26
    with client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        client.sendall(endless)


def test_a_head_over_the_limit_is_told(serve: Serve) -> None:
    answered = answer(connected(serve(), b"GET / HTTP/1.1\r\nX: " + b"a" * connections.MAX_HEADER_BYTES))
    assert answered.startswith(b"HTTP/1.1 431 ")
    assert error(answered)["type"] == "TooLargeHead"


def test_what_is_not_http_is_400_as_every_error_is_told(serve: Serve) -> None:
    answered = answer(connected(serve(), b"hello\r\n\r\n"))
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert error(answered)["type"] == "BadRequest"


def test_the_rest_of_a_body_that_was_refused_is_no_further_request(serve: Serve) -> None:
    large = (
        b"POST /infer HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: application/json\r\nContent-Length: 3000000\r\n\r\n"
    )
    client = connected(
        serve(), large + b"x" * 3_000_000 + b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    )
    answered = answer(client)
    assert answered.startswith(b"HTTP/1.1 413 ")
    assert answered.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 200 " in answered


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(connections, "most_connections", lambda: 5)
    return 5


def test_idle_connections_never_keep_a_new_client_out(serve: Serve, few: int) -> None:
    served = serve()
    idle = [connected(served) for _ in range(4 * few)]
    assert served.http.get("/healthz").status_code == 200
    assert [client.recv(1) for client in idle[: 2 * few]] == [b""] * 2 * few  # the oldest are closed
    for client in idle:
        client.close()


def test_heads_that_never_end_do_not_either(serve: Serve, few: int) -> None:
    served = serve()
    slow = [connected(served, b"GET / HTTP/1.1\r\nX: ") for _ in range(4 * few)]
    assert served.http.get("/healthz").status_code == 200
    for client in slow:
        client.close()


def test_the_connections_leave_files_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in [
        (1024, 512),
        (256, 64),
        (16, 8),
        (2**20, 1024),
        (connections.resource.RLIM_INFINITY, 1024),
    ]:
        monkeypatch.setattr(connections.resource, "getrlimit", lambda kind, soft=soft: (soft, soft))
        assert connections.most_connections() == most
