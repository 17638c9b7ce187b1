"""A workbench that wants a sign-in: every page, file, call and stream stands behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Mount, Route

from codex.access import Access, Scope
from codex.ask.workbench import Workbench
from codex.pages.gradio_routes import CALL, EVENTS, JOIN, GradioRoutes
from codex.pages.shell import mount
from codex.server import create_app
from codex.server.authentication import OPEN, OPEN_BELOW
from codex.server.scopes import every_route, needed
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

PASSWORD = "several plain words"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    home = tmp_path_factory.mktemp("home")
    Access(home).users.create("Ada", "admin", PASSWORD)
    settings = load_settings([f"home={home}", "server.auth=required", "server.requests_per_minute=null"])
    workbench = Workbench(settings, ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db"))
    yield mount(create_app(workbench), workbench)
    workbench.close()


@pytest.fixture(scope="module")
def running(app: FastAPI) -> Iterator[FastAPI]:
    with TestClient(app, base_url="http://localhost"):
        yield app


@pytest.fixture
def http(running: FastAPI) -> TestClient:
    """A client that has not signed in."""
    return TestClient(running, base_url="http://localhost", follow_redirects=False)


def key(app: FastAPI, *scopes: Scope) -> dict[str, str]:
    access: Access = app.state.access
    return {"Authorization": f"Bearer {access.keys.create('test', scopes)[1]}"}


def sign_in(http: TestClient, name: str = "Ada", password: str = PASSWORD, **params: str) -> httpx.Response:
    form = {"name": name, "password": password}
    return http.post("/sign-in", data=form, params=params)


def test_every_route_of_the_whole_application_is_guarded(app: FastAPI) -> None:
    """A new one that is neither open on purpose nor behind the authentication fails here."""
    known = {
        *("/openapi.json", "/mcp", "/static-offline-docs", "/codex-assets"),
        *(CALL, JOIN, EVENTS, "/theme.css", "/favicon.ico", "/assets/{path:path}", "/static/{path:path}"),
        *(f"/{path}" for path, *_ in blocks(app).pages),
        *(f"/{path}/" for path, *_ in blocks(app).pages if path),
    }
    described = set()
    for route in every_route(app):
        if isinstance(route, APIRoute):
            described.add(route.path)
            for method in route.methods or ():
                needed(method, route.path, route.tags)
    assert {path_of(route) for route in every_route(app)} - described - known == set()


def test_without_a_sign_in_no_route_answers(app: FastAPI, running: FastAPI) -> None:
    """Of the whole application, Gradio's part included; pages lead to the sign-in."""
    for number, route in enumerate(every_route(app)):
        path = re.sub(r"[{}]|:path", "", path_of(route))
        # One address may send only so many.
        stranger = (f"10.0.{number // 256}.{number % 256}", 1)
        http = TestClient(running, base_url="http://localhost", follow_redirects=False, client=stranger)
        if path in {*OPEN, "/sign-out"} or f"{path}/".startswith(OPEN_BELOW):
            continue
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            assert http.request(method, path).status_code == 401, (method, path)
        led = http.get(path, headers={"Accept": "text/html"})
        assert led.status_code in {401, 303}
        if led.status_code == 303:
            assert urlsplit(led.headers["location"]).path == "/sign-in"


def test_what_is_open_tells_nothing(http: TestClient) -> None:
    for path in OPEN:
        assert http.get(path).status_code in {200, 404, 405}
    assert http.get("/codex-assets/css/base.css").status_code == 200
    assert http.get("/codex-assets/../access.sqlite").status_code in {401, 404}
    assert http.post("/sign-out").status_code == 303


def test_a_sign_in_opens_the_page_that_was_wanted_and_a_sign_out_ends_it(http: TestClient) -> None:
    led = http.get("/history?session=x", headers={"Accept": "text/html"})
    wanted = parse_qs(urlsplit(led.headers["location"]).query)["next"][0]
    assert wanted == "/history?session=x"
    opened = sign_in(http, next=wanted)
    assert (opened.status_code, opened.headers["location"]) == (303, wanted)
    for cookie in opened.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
    assert http.get("/history").status_code == 200
    token = http.cookies["codex_session"]
    assert http.post("/sign-out").status_code == 303
    assert "codex_session" not in http.cookies
    assert http.get("/history", headers={"Cookie": f"codex_session={token}"}).status_code == 401


def test_behind_tls_cookies_travel_by_tls_alone(running: FastAPI) -> None:
    http = TestClient(running, base_url="https://localhost", follow_redirects=False)
    cookies = sign_in(http).headers.get_list("set-cookie")
    assert len(cookies) >= 2
    assert all("; Secure" in cookie for cookie in cookies)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "",
        "x",
        "/a\r\nSet-Cookie: x=y",
    ],
)
def test_a_sign_in_leads_to_no_other_server(http: TestClient, address: str) -> None:
    opened = sign_in(http, next=address)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    assert "x=y" not in str(opened.headers)


def test_a_failed_sign_in_tells_neither_name_nor_password(http: TestClient) -> None:
    for name, password in (("Ada", "another password"), ("Nobody", PASSWORD), ("", ""), ("<b>", "x")):
        failed = sign_in(http, name, password)
        assert failed.status_code == 401
        assert "Name or password is incorrect." in failed.text
        assert "<b>" not in failed.text
        assert "codex_session" not in http.cookies
    assert http.post("/sign-in", content=b"x" * 5000).status_code == 413


def test_each_call_and_stream_of_a_page_refuses_who_lacks_its_scope(
    running: FastAPI, http: TestClient
) -> None:
    scopes: list[Scope] = [each for each in get_args(Scope) if each != "admin"]
    alone = {scope: key(running, scope) for scope in scopes}
    for component, name in calls(running):
        sent = {"component_id": component, "fn_name": name, "session_hash": "x", "data": {}}
        refused = [scope for scope in scopes if forbidden(http.post(CALL, json=sent, headers=alone[scope]))]
        # All but the one that it takes; those of administrators take none of these.
        assert len(refused) >= len(scopes) - 1, (name, refused)
    for number, stream in blocks(running).fns.items():
        trigger = next(component for component, _ in stream.targets)
        for scope in ("label", "train", "evaluate"):
            join = {"fn_index": number, "trigger_id": trigger, "session_hash": f"{scope}{number}"}
            body = {**join, "data": [], "event_data": {}}
            assert http.post(JOIN, json=body, headers=alone[scope]).status_code == 200
            told = http.get(EVENTS, params={"session_hash": f"{scope}{number}"}, headers=alone[scope]).text
            assert "takes the scope" in told, stream.name


def test_nobody_reads_or_joins_the_streams_of_somebody_else(running: FastAPI, http: TestClient) -> None:
    one, other = key(running, "ask", "read"), key(running, "ask", "read")
    number, stream = next((n, it) for n, it in blocks(running).fns.items() if "follow" in str(it.targets))
    join = {"fn_index": number, "trigger_id": stream.targets[0][0], "session_hash": "ofone"}
    body = {**join, "data": [], "event_data": {"run": "none"}}
    assert http.post(JOIN, json=body, headers=one).status_code == 200
    assert http.get(EVENTS, params={"session_hash": "ofone"}, headers=other).status_code == 404
    assert http.post(JOIN, json=body, headers=other).status_code == 404
    assert http.get(EVENTS, params={"session_hash": "ofone"}, headers=one).status_code == 200


def test_what_a_page_changes_is_logged_under_its_call(running: FastAPI, http: TestClient) -> None:
    sign_in(http)
    component = next(number for number, name in calls(running) if name == "set_privacy")
    sent = {"component_id": component, "fn_name": "set_privacy", "session_hash": "x"}
    assert http.post(CALL, json={**sent, "data": {"level": "full"}}).status_code == 200
    access: Access = running.state.access
    newest = access.audit.page(limit=1)[0]
    assert (newest.who, newest.action) == ("user ada", "ask.set_privacy")
    signed = [entry for entry in access.audit.entries() if entry.action == "sign in"]
    assert {entry.outcome for entry in signed} >= {200}


def test_pages_run_no_script_but_codexs_own(http: TestClient, running: FastAPI) -> None:
    sign_in(http)
    for page in ("/", "/tune", "/sign-in", "/nowhere"):
        headers = {"Accept": "text/html"}
        policy = http.get(page, headers=headers).headers.get_list("content-security-policy")
        assert len(policy) == 1, page
        scripts = next(part for part in policy[0].split(";") if "script-src" in part)
        assert "'unsafe-inline'" not in scripts
        assert "default-src 'none'" in policy[0]
        assert "frame-ancestors 'none'" in policy[0]
    told = http.get("/sessions").headers["content-security-policy"]
    assert told.startswith("default-src 'none'")
    assert "script-src" not in told


def blocks(app: FastAPI) -> Any:
    found = (getattr(route, "endpoint", None) for route in app.routes)
    return next(each for each in found if isinstance(each, GradioRoutes)).gradio.get_blocks()


def calls(app: FastAPI) -> Iterator[tuple[int, str]]:
    """Every function that a page can call, with the component that it belongs to."""
    for number, component in blocks(app).blocks.items():
        for name in dir(component):
            if getattr(getattr(component, name, None), "_is_server_fn", False):
                yield number, name


def forbidden(answer: httpx.Response) -> bool:
    if answer.status_code != 200:
        return False
    error = answer.json().get("error") or {}
    return "takes the scope" in error.get("message", "")


def path_of(route: BaseRoute) -> str:
    assert isinstance(route, Route | Mount), route
    return route.path
