"""Notices to a web address: what is sent, what is refused, what is tried again."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from codex.monitoring.webhook import (
    ATTEMPTS,
    FIRST_WAIT,
    LONGEST_WAIT,
    Undelivered,
    Webhook,
    _Pinned,
    payload,
    post,
)
from codex.store import Store
from codex.store.monitoring.alerts import Notice
from tests.support.serving import eventually

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTICE = Notice("error_share", "alert", NOON, "too many", 0.3, 0.1, "waiting", next_at=NOON)


class Received:
    """A server that keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.paths: list[str] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.hold = threading.Event()
        self.hold.set()
        self.url = ""


@contextmanager
def listening() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.paths.append(self.path)
            received.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            received.hold.wait(30)
            self.send_response(received.status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_port}/hook/secret?key=1"
    try:
        yield received
    finally:
        received.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def received() -> Iterator[Received]:
    with listening() as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_notice_arrives_as_json_once(received: Received, store: Store) -> None:
    store.alerts.put([], [NOTICE])
    hook = Webhook(store.alerts, received.url, local=True, now=Clock())
    assert hook.deliver() is None
    assert hook.deliver() is None
    assert received.paths == ["/hook/secret?key=1"]
    assert received.bodies == [
        {
            "text": "Codex: error share, alert. too many",
            "alert": "error_share",
            "kind": "alert",
            "at": NOON.isoformat(),
            "message": "too many",
            "value": 0.3,
            "threshold": 0.1,
        }
    ]
    [kept] = store.alerts.notices()
    assert (kept.delivery, kept.attempts, kept.error) == ("delivered", 1, "")


def test_what_does_not_arrive_is_kept_and_tried_again_until_it_is_given_up(
    received: Received, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.alerts.put([], [NOTICE])
    received.status = 500
    clock = Clock()
    hook = Webhook(store.alerts, received.url, local=True, now=clock)
    waits = []
    with caplog.at_level(logging.WARNING):
        while (wait := hook.deliver()) is not None:
            waits.append(wait)
            assert hook.deliver() == wait  # nothing is due before
            clock.now += wait
    assert waits == [min(FIRST_WAIT * 4**n, LONGEST_WAIT) for n in range(ATTEMPTS - 1)]
    assert len(received.bodies) == ATTEMPTS
    [kept] = store.alerts.notices()
    assert (kept.delivery, kept.attempts, kept.error) == ("failed", ATTEMPTS, "it answered 500")
    assert "secret" not in caplog.text
    assert f"{hook.shown}: it answered 500. It is not tried again" in caplog.text


def test_it_arrives_at_a_later_attempt_and_after_a_restart(received: Received, store: Store) -> None:
    store.alerts.put([], [NOTICE])
    received.status = 503
    clock = Clock()
    Webhook(store.alerts, received.url, local=True, now=clock).deliver()
    received.status = 200
    clock.now += FIRST_WAIT
    Webhook(store.alerts, received.url, local=True, now=clock).deliver()
    [kept] = store.alerts.notices()
    assert (kept.delivery, kept.attempts, kept.error, kept.next_at) == ("delivered", 2, "", None)


def test_a_clock_that_went_back_does_not_hold_a_notice_up(received: Received, store: Store) -> None:
    store.alerts.put([], [replace(NOTICE, next_at=NOON + timedelta(days=400))])
    Webhook(store.alerts, received.url, local=True, now=Clock()).deliver()
    assert len(received.bodies) == 1


def test_a_redirect_to_the_loopback_is_not_followed(received: Received) -> None:
    with listening() as other:
        received.status, received.headers = 307, {"Location": other.url}
        with pytest.raises(Undelivered, match="answered 307, a redirect, which is not followed"):
            post(received.url, {}, local=True)
        assert len(received.bodies) == 1
        assert other.bodies == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.1", "0.0.0.0", "2130706433", "0x7f000001"),
        *("0177.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    ],
)
def test_this_machine_is_refused_unless_it_is_allowed(received: Received, host: str) -> None:
    with pytest.raises(Undelivered, match=r"on this machine or in a private network.*webhook_local"):
        post(received.url.replace("127.0.0.1", host), {}, local=False)
    assert received.bodies == []


def test_the_address_that_was_checked_is_the_one_that_is_used(
    received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads to a public address first and to the loopback at the next look-up."""
    looks: list[str] = []

    def lookup(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        looks.append(host)
        address = "192.0.2.1" if len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr("codex.networks.is_public", lambda address: address == "192.0.2.1")
    with pytest.raises(Undelivered, match="nobody is there"):
        post("http://rebound.example/", {}, local=False)
    assert (looks, connected) == (["rebound.example"], ["192.0.2.1"])


def test_a_server_that_is_down_or_unknown_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Undelivered, match="refused"):
        post(f"http://127.0.0.1:{port}/", {}, local=True)
    with pytest.raises(Undelivered, match=r"no address of nowhere\.invalid is known"):
        post("http://nowhere.invalid/", {}, local=True)


def drip(connection: socket.socket, over: threading.Event) -> None:
    """One byte of a header now and then: no single read ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.05):
        try:
            connection.sendall(b"a")
        except OSError:
            return


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


@pytest.mark.parametrize("behaviour", [silent, drip])
def test_a_server_that_is_slow_is_left_after_the_time_for_an_attempt(
    behaviour: Callable[[socket.socket, threading.Event], None],
) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                behaviour(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(Undelivered, match=r"took longer than 0\.3 seconds"):
                post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, local=True, seconds=0.3)
        finally:
            over.set()
            thread.join()


def test_a_connection_that_stands_too_late_is_not_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        late = _Pinned("127.0.0.1", server.getsockname()[1], ["127.0.0.1"], False, 10)
        late.abort()
        with pytest.raises(TimeoutError):
            late.request("POST", "/", b"{}")
        late.close()


def test_nobody_waits_for_a_slow_webhook_and_it_ends_with_the_application(
    received: Received, store: Store
) -> None:
    received.hold.clear()
    hook = Webhook(store.alerts, received.url, local=True)
    hook.start()
    store.alerts.put([], [NOTICE])
    hook.wake()
    assert eventually(lambda: bool(received.bodies), 10)
    # It is under way, and the store can be used.
    store.alerts.put([], [replace(NOTICE, message="second")])
    hook.wake()
    received.hold.set()
    assert eventually(lambda: {each.delivery for each in store.alerts.notices()} == {"delivered"}, 10)
    hook.close()
    assert "codex-webhook" not in {thread.name for thread in threading.enumerate()}


def test_nothing_but_what_is_told_of_the_alert_is_sent() -> None:
    assert set(payload(NOTICE)) == {"text", "alert", "kind", "at", "message", "value", "threshold"}
