"""Every route of the running application, Gradio's included, stands behind the guard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute
from starlette.websockets import WebSocketDisconnect

from codex.ask.workbench import Workbench
from codex.pages.gradio_routes import GradioRoutes
from codex.pages.shell import mount
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.support.loops import run_async
from tests.support.scripted import Script, ScriptedEngine

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
FOREIGN = [
    ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://localhost:1"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
    ({"Host": "evil.test"}, 421),
    ({"Host": "x.localhost", "Origin": "http://x.localhost", "Sec-Fetch-Site": "same-origin"}, 421),
    ({"Host": "localhost."}, 421),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    home = tmp_path_factory.mktemp("home")
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "db"))
    yield mount(create_app(workbench), workbench)
    workbench.close()


def paths(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """The path of each route, those of mounted and included applications too, with x for what varies."""
    for route in routes:
        included = getattr(route, "original_router", None)  # as FastAPI keeps a router that was included
        path = prefix + getattr(route, "path", "")
        within = getattr(included or getattr(route, "app", None), "routes", None) or []
        yield from paths(within, path)
        endpoint = getattr(route, "endpoint", None)
        if isinstance(endpoint, GradioRoutes):
            yield from paths(endpoint.gradio.routes)
        if included is None:
            yield re.sub(r"{[^}]*}", "x", path) or "/"


def test_the_walk_finds_the_routes_of_every_part(app: FastAPI) -> None:
    found = set(paths(app.routes))
    assert {
        *("/infer", "/sessions", "/documents/x", "/docs", "/openapi.json", "/evaluate-runs/x/x", "/"),
        *("/codex-runs/x/left", "/static-offline-docs", "/codex-assets"),
        *(
            "/gradio_api/queue/join",
            "/gradio_api/component_server/",
            "/gradio_api/upload",
            "/config",
            "/tune",
        ),
    } <= found
    assert len(found) > 80


def test_no_route_answers_another_page_or_another_host(app: FastAPI) -> None:
    async def ask_all() -> None:
        # Several thousand requests, which the client for tests would each bring to a thread of its own.
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for path in sorted(set(paths(app.routes))):
                for headers, status in FOREIGN:
                    for method in METHODS:
                        answer = await http.request(method, path, headers=headers)
                        assert answer.status_code == status, (method, path, headers)
                        assert not any(name.startswith("access-control-") for name in answer.headers)

    # A loop of its own: in this thread the browser tests' may run.
    run_async(ask_all)


def test_no_socket_of_another_page_is_opened(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost") as http:
        for path in sorted(set(paths(app.routes))):
            for headers in ({"Origin": "http://evil.test"}, {"Host": "evil.test"}):
                refused = pytest.raises(WebSocketDisconnect)
                with refused, http.websocket_connect(path, headers=headers):
                    pass


def test_each_route_is_reached_by_our_own_pages(app: FastAPI) -> None:
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as http:
        for path in ("/", "/tune", "/theme.css", "/sessions", "/healthz", "/docs", "/openapi.json"):
            assert http.get(path, headers=own).status_code == 200
