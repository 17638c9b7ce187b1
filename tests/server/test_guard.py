"""The guard: requests of other people's web pages and of rebound names are refused, all others pass."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message, Scope

from codex.origins import Hosts
from codex.server.guard import SECURITY_HEADERS, Guard
from tests.support.loops import run_async
from tests.support.serving import SURE, Serve, Served, assert_error

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CORS = [
    *("access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods"),
    *("access-control-allow-headers", "access-control-max-age", "access-control-expose-headers"),
]


def foreign(served: Served) -> list[dict[str, str]]:
    """What a browser adds to the requests of other pages."""
    port, other = served.port, served.port % 65000 + 1
    return [
        {"Origin": "http://evil.test"},
        {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"http://127.0.0.1:{other}", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": f"https://127.0.0.1:{port}"},
        {"Origin": f"http://localhost:{port}"},
        {"Origin": f"http://x.localhost:{port}"},
        {"Origin": f"http://127.0.0.1:{port}.evil.test"},
        {"Origin": f"http://127.0.0.1:{port}, http://evil.test"},
        {"Origin": "file://"},
        {"Origin": "chrome-extension://abcdefgh", "Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", **NAVIGATION},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "unheard-of"},
        {"Sec-Fetch-Site": ""},
        {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
    ]


def welcome(served: Served) -> list[dict[str, str]]:
    """What clients without pages send, and what a browser adds to the requests of our own pages."""
    own = f"http://127.0.0.1:{served.port}"
    return [
        {},
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {"Origin": own},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", **NAVIGATION},
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/sessions", "/nowhere"])
def test_no_method_of_another_page_is_answered(sure: Served, method: str, path: str) -> None:
    for headers in foreign(sure):
        response = sure.http.request(method, path, headers=headers)
        assert response.status_code == 403, headers
        if method != "HEAD":
            assert_error(response, 403)


@pytest.mark.parametrize("index", range(21))
def test_another_page_asks_nothing_and_learns_nothing(sure: Served, index: int) -> None:
    headers = foreign(sure)[index]
    before = len(sure.scripted.decodes)
    for response in (
        sure.http.post("/infer", json={"query": "x"}, headers=headers),
        sure.http.post("/infer/stream", json={"query": "x"}, headers=headers),
        sure.http.get("/sessions", headers=headers),
        sure.http.get("/healthz", headers=headers),
        sure.http.get("/openapi.json", headers=headers),
        sure.http.delete("/sessions/x", headers=headers),
        sure.http.put("/documents/x.txt", content=b"x", headers=headers),
    ):
        error = assert_error(response, 403)
        assert error["type"] == "ForeignOrigin"
        assert "server.cors_origins" in error["message"]
        assert not any(name in response.headers for name in CORS)
    assert len(sure.scripted.decodes) == before
    assert sure.workbench.index.is_empty


def test_our_own_pages_and_other_clients_are_answered(sure: Served) -> None:
    for headers in welcome(sure):
        response = sure.http.post("/infer", json={"query": "x"}, headers=headers)
        assert response.status_code == 200, headers
        assert sure.http.get("/sessions", headers=headers).status_code == 200
        assert not any(name in response.headers for name in CORS)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_a_preflight_allows_nothing(sure: Served, method: str) -> None:
    wanted = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
    for origin in ("http://evil.test", "null", f"http://127.0.0.1:{sure.port}"):
        response = sure.http.options("/infer", headers={"Origin": origin, **wanted})
        assert_error(response, 403)
        assert not any(name in response.headers for name in CORS)


@pytest.mark.parametrize(
    "host",
    ["evil.test", "x.localhost", "localhost.", "0.0.0.0", "192.168.1.5", "[::2]", "127.1", "2130706433"],
)
def test_a_name_that_is_not_the_servers_own_is_421_and_says_which_setting(sure: Served, host: str) -> None:
    host = f"{host}:{sure.port}"
    for headers in ({}, {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}):
        for path in ("/sessions", "/", "/docs", "/nowhere"):
            error = assert_error(sure.http.get(path, headers={"Host": host, **headers}), 421)
            assert error["type"] == "UnknownHost"
            assert "server.allowed_hosts" in error["message"]
        assert_error(sure.http.post("/infer", json={"query": "x"}, headers={"Host": host, **headers}), 421)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "127.9.9.9", "[::1]:99", "LOCALHOST:7860"])
def test_every_name_of_loopback_is_answered_whatever_the_port(sure: Served, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}".lower(), "Sec-Fetch-Site": "same-origin"}
    assert sure.http.get("/sessions", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Host:\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nHost: evil.test\r\n",
        "Host: evil@localhost\r\n",
        "Host: localhost:port\r\n",
        "Host: localhost, evil.test\r\n",
        "Host: [::1\r\n",
        "Host: \xff\r\n",
    ],
    ids=repr,
)
def test_a_host_that_is_missing_doubled_or_broken_is_400(sure: Served, lines: str) -> None:
    for version in ("1.0", "1.1"):
        with socket.create_connection(("127.0.0.1", sure.port)) as raw:
            raw.sendall(f"GET /sessions HTTP/{version}\r\n{lines}Connection: close\r\n\r\n".encode("latin-1"))
            assert raw.recv(4096).split()[1] == b"400"


def test_two_origins_in_one_request_are_refused_when_one_is_foreign(sure: Served) -> None:
    own = f"http://127.0.0.1:{sure.port}"
    for pair in ([own, "http://evil.test"], ["http://evil.test", own]):
        headers = [("Origin", origin) for origin in pair]
        assert_error(sure.http.get("/sessions", headers=headers), 403)
    assert_error(
        sure.http.get("/sessions", headers=[("Sec-Fetch-Site", s) for s in ("none", "cross-site")]), 403
    )


def test_a_link_elsewhere_leads_to_a_page_and_shows_the_linking_page_nothing(sure: Served) -> None:
    for site in ("cross-site", "same-site"):
        page = sure.http.get("/docs", headers={"Sec-Fetch-Site": site, **NAVIGATION})
        assert page.status_code == 200
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    for headers in (
        {**NAVIGATION, "Sec-Fetch-Dest": "iframe"},
        {**NAVIGATION, "Sec-Fetch-Dest": "embed"},
        {**NAVIGATION, "Sec-Fetch-Mode": "no-cors"},
        {**NAVIGATION, "Origin": "http://evil.test"},
        {"Sec-Fetch-Mode": "navigate"},
    ):
        assert_error(sure.http.get("/docs", headers={"Sec-Fetch-Site": "cross-site", **headers}), 403)
    form = {"Sec-Fetch-Site": "cross-site", **NAVIGATION}
    assert_error(sure.http.post("/docs", headers=form), 403)


def test_every_answer_says_how_browsers_may_use_it(sure: Served) -> None:
    for response in (
        sure.http.get("/sessions"),
        sure.http.get("/docs"),
        sure.http.get("/nowhere"),
        sure.http.post("/infer", content=b"{"),
        sure.http.get("/sessions", headers={"Origin": "http://evil.test"}),
        sure.http.get("/sessions", headers={"Host": "evil.test"}),
    ):
        assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_trusted_origin_may_do_everything_and_its_neighbours_nothing(serve: Serve) -> None:
    served = serve(SURE, "server.cors_origins=[http://localhost:3000,https://app.example]")
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-own"}
    for origin in ("http://localhost:3000", "https://app.example"):
        cross = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        preflight = served.http.options("/infer", headers={**cross, **wanted})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "x-own" in preflight.headers["access-control-allow-headers"]
        for response in (
            served.http.post("/infer", json={"query": "x"}, headers=cross),
            served.http.post("/infer", json={"query": ""}, headers=cross),
            served.http.post("/infer", json={"query": "x" * 2**20}, headers=cross),
            served.http.get("/nowhere", headers=cross),
        ):
            assert response.headers["access-control-allow-origin"] == origin
            assert "Origin" in response.headers["vary"]
            assert "access-control-allow-credentials" not in response.headers
    for origin in ("http://localhost:3001", "https://localhost:3000", "http://app.example", "null"):
        assert_error(served.http.options("/infer", headers={"Origin": origin, **wanted}), 403)
        response = served.http.get("/sessions", headers={"Origin": origin})
        assert_error(response, 403)
        assert "access-control-allow-origin" not in response.headers


def test_a_trusted_origin_does_not_make_its_host_the_servers_own(serve: Serve) -> None:
    served = serve(SURE, "server.cors_origins=[http://app.example]")
    assert_error(served.http.get("/sessions", headers={"Host": "app.example"}), 421)


def test_a_listed_host_is_answered_and_its_pages_are_our_own(serve: Serve) -> None:
    served = serve(SURE, "server.allowed_hosts=[Codex.Example]")
    for host in ("codex.example", "CODEX.example:7860", "localhost"):
        own = {"Host": host, "Origin": f"http://{host}".lower(), "Sec-Fetch-Site": "same-origin"}
        assert served.http.get("/sessions", headers=own).status_code == 200
    assert_error(served.http.get("/sessions", headers={"Host": "www.codex.example"}), 421)
    other = {"Host": "codex.example", "Origin": "http://localhost"}
    assert_error(served.http.get("/sessions", headers=other), 403)


def test_behind_a_proxy_that_ends_tls_the_pages_are_our_own(serve: Serve) -> None:
    served = serve(SURE, "server.allowed_hosts=[codex.example]")
    headers = {"Host": "codex.example", "Origin": "https://codex.example", "X-Forwarded-Proto": "https"}
    assert served.http.get("/sessions", headers=headers).status_code == 200
    assert_error(served.http.get("/sessions", headers=headers | {"X-Forwarded-Proto": "http"}), 403)


def websocket(headers: Mapping[str, str], scheme: str = "ws") -> list[Message] | None:
    """What the guard answers a websocket; None where it lets it in."""
    passed: list[Scope] = []
    sent: list[Message] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        passed.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "scheme": scheme,
        "path": "/gradio_api/queue/data",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    run_async(Guard(app, Hosts("127.0.0.1"), [], []), scope, receive, send)
    return None if passed else sent


def test_a_websocket_of_another_page_is_closed_before_it_opens() -> None:
    host = {"Host": "127.0.0.1:7860"}
    for headers in (
        {"Host": "evil.test"},
        {"Host": "evil.test", "Origin": "http://evil.test"},
        {},
        host | {"Origin": "http://evil.test"},
        host | {"Origin": "null"},
        host | {"Origin": "https://127.0.0.1:7860"},
        host | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ):
        answer = websocket(headers)
        assert answer is not None
        assert [message["type"] for message in answer] == ["websocket.close"]
    assert websocket(host | {"Origin": "http://127.0.0.1:7860"}) is None
    assert websocket(host | {"Origin": "https://127.0.0.1:7860"}, "wss") is None
    assert websocket(host) is None
