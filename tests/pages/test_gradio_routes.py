"""Gradio's routes: those that the pages use, nothing else, and no request that it would stumble over."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.pages.assets import ASKED_EACH_TIME, FOREVER
from codex.pages.gradio_files import FOLDERS
from codex.pages.gradio_routes import CALL, EVENTS, JOIN, GradioRoutes
from codex.pages.shell import mount
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

PAGES = ("/", "/documents", "/evaluate", "/calibrate", "/tune")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    home = tmp_path_factory.mktemp("home")
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "db"))
    yield mount(create_app(workbench), workbench)
    workbench.close()


@pytest.fixture(scope="module")
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def ask(http: TestClient) -> int:
    """The component of the Ask page."""
    before, _, _ = http.get("/").text.partition("cx-ask")
    return int(re.findall(r'"id": ?(\d+)', before)[-1])


def said(response: httpx.Response, status: int) -> str:
    """The message of a typed error."""
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"type", "message", "fields"}
    return str(error["message"])


UNUSED = [
    *("/config", "/config/", "/login", "/logout", "/robots.txt", "/manifest.json", "/pwa_icon"),
    *("/monitoring", "/monitoring/summary", "/monitoring/x", "/svelte/x", "/nowhere", "/gradio_api"),
    *("/gradio_api/", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/app_id"),
    *("/gradio_api/dev/reload", "/gradio_api/heartbeat/x", "/gradio_api/user", "/gradio_api/token"),
    *("/gradio_api/login_check", "/gradio_api/runs", "/gradio_api/file=/etc/passwd"),
    *("/gradio_api/file/etc/passwd", "/gradio_api/proxy=http://localhost/", "/gradio_api/queue/status"),
    *("/gradio_api/upload_progress", "/gradio_api/startup-events", "/gradio_api/vibe-code"),
    *("/gradio_api/custom_component/x/client/x/x", "/gradio_api/deep_link", "/gradio_api/call/x/y"),
    *("/gradio_api/stream/x/y/z/playlist.m3u8", "/gradio_api/theme.css", "/gradio_api/mcp/sse"),
]  # fmt: skip


@pytest.mark.parametrize("path", UNUSED)
def test_a_route_that_no_page_uses_is_not_there(http: TestClient, path: str) -> None:
    for method in ("GET", "POST"):
        said(http.request(method, path), 404)


@pytest.mark.parametrize(
    "name",
    [
        *("upload", "cancel", "reset", "run/x", "api/x", "call/x", "call/v2/x", "stream/x", "stream/x/close"),
        *("process_recording", "vibe-edit", "undo-vibe-edit", "vibe-starter-queries", "run-history/connect"),
    ],
)
def test_nothing_can_be_sent_where_no_page_sends(http: TestClient, name: str) -> None:
    said(http.post(f"/gradio_api/{name}", json={}), 404)


def test_a_file_cannot_be_left_with_gradio(http: TestClient) -> None:
    said(http.post("/gradio_api/upload", files={"files": ("x.bin", b"x" * 1000)}), 415)
    said(http.post(CALL, files={"files": ("x.bin", b"x")}, data={"component_id": "1"}), 415)


def test_the_methods_that_no_page_uses_are_405(http: TestClient) -> None:
    for path in (CALL, JOIN):
        said(http.get(path), 405)
    for path in (*PAGES, EVENTS, "/theme.css"):
        said(http.post(path), 405)


def test_each_page_and_the_files_that_it_names_are_there(http: TestClient) -> None:
    for page in PAGES:
        html = http.get(page).text
        found = re.findall(
            r'(?:src|href)=\\?"(?:\./|/)?((?:assets|static|codex-assets|theme\.css)[^"\\]*)', html
        )
        assert any(path.startswith("assets/") for path in found)
        for path in found:
            assert http.get(f"/{path}").status_code == 200, path


def test_gradios_own_files_are_compressed_and_those_with_a_hash_in_their_name_kept(http: TestClient) -> None:
    script = max(FOLDERS["assets"].glob("index-*.js"), key=lambda path: path.stat().st_size)
    kept = http.get(f"/assets/{script.name}", headers={"Accept-Encoding": "gzip"})
    assert kept.content == script.read_bytes()
    assert int(kept.headers["content-length"]) < script.stat().st_size / 2
    assert kept.headers["cache-control"] == FOREVER
    assert "javascript" in kept.headers["content-type"]
    asked = http.get("/static/img/logo.svg", headers={"Accept-Encoding": "identity"})
    assert asked.content == (FOLDERS["static"] / "img/logo.svg").read_bytes()
    assert asked.headers["cache-control"] == ASKED_EACH_TIME
    again = http.get("/static/img/logo.svg", headers={"If-None-Match": asked.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["nothing.js", "", "%2e%2e/index.html", "..%2Findex.html", "/etc/passwd"])
@pytest.mark.parametrize("folder", ["assets", "static"])
def test_no_other_file_is_served(http: TestClient, folder: str, path: str) -> None:
    assert (FOLDERS[folder].parent / "index.html").exists()
    said(http.get(f"/{folder}/{path}"), 404)


CALLS: list[tuple[dict[str, Any], int, str]] = [
    ({"session_hash": None}, 422, "session_hash"),
    ({"session_hash": 5}, 422, "session_hash"),
    ({"session_hash": ""}, 422, "session_hash"),
    ({"session_hash": "x" * 65}, 422, "session_hash"),
    ({"session_hash": "a\nb"}, 422, "session_hash"),
    ({"session_hash": ["x"]}, 422, "session_hash"),
    ({"data": None}, 422, "data"),
    ({"data": []}, 422, "data"),
    ({"data": "x"}, 422, "data"),
    ({"data": 5}, 422, "data"),
    ({"data": {}}, 422, "'level' is missing"),
    ({"data": {"level": None}}, 200, "privacy is hash, preview or full"),
    ({"data": {"level": ["hash"]}}, 200, "privacy is hash, preview or full"),
    ({"component_id": None}, 422, "component_id"),
    ({"component_id": "2"}, 422, "component_id"),
    ({"component_id": 2.5}, 422, "component_id"),
    ({"component_id": True}, 422, "component_id"),
    ({"component_id": 99_999}, 404, "no function"),
    ({"component_id": -1}, 404, "no function"),
    ({"component_id": 10**30}, 404, "no function"),
    ({"fn_name": None}, 422, "fn_name"),
    ({"fn_name": ""}, 404, "no function"),
    ({"fn_name": "__init__"}, 404, "no function"),
    ({"fn_name": "__class__"}, 404, "no function"),
    ({"fn_name": "postprocess"}, 404, "no function"),
    ({"fn_name": "x" * 1000}, 422, "fn_name"),
]


@pytest.mark.parametrize(("change", "status", "message"), CALLS, ids=repr)
def test_a_call_that_no_page_makes_is_refused_in_one_line(
    http: TestClient,
    ask: int,
    change: dict[str, Any],
    status: int,
    message: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    call = {"component_id": ask, "fn_name": "set_privacy", "session_hash": "x", "data": {"level": "hash"}}
    response = http.post(CALL, json=call | change)
    if status == 200:
        assert message in response.json()["error"]["message"]
        return
    assert message in said(response, status)
    one_line(caplog, capfd)


VALUES: list[Any] = [
    None,
    5,
    -1.5,
    True,
    "",
    "x",
    "\0",
    "../x",
    10**30,
    1e300,
    [],
    [1],
    [["x"]],
    {},
    {"a": 1},
]
KEYS = """brief by check correct curve dataset down end evidence filter first folder id ids job key last level
    limit max_tokens method n_samples name page policy position query question run runs seen session
    sample_temperature side signal sort start text token trace version with x y"""


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_no_call_of_any_page_fails_over_values_of_another_kind(
    app: FastAPI, http: TestClient, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    found = list(calls(app))
    assert len(found) > 40
    for component, name in found:
        sent = {"component_id": component, "fn_name": name, "session_hash": "x"}
        answer = http.post(CALL, json=sent | {"data": dict.fromkeys(KEYS.split(), value)})
        assert answer.status_code in {200, 422}, (name, answer.text)
    assert [record.getMessage() for record in caplog.records if record.exc_info or record.exc_text] == []


def calls(app: FastAPI) -> Iterator[tuple[int, str]]:
    """Each function that a page can call, with its component."""
    routes = next(r.endpoint for r in app.routes if isinstance(getattr(r, "endpoint", None), GradioRoutes))
    for id_, block in routes.gradio.get_blocks().blocks.items():
        for name in dir(block):
            if getattr(getattr(block, name, None), "_is_server_fn", False):
                yield id_, name


STREAMS: list[tuple[dict[str, Any], int, str]] = [
    ({"data": None}, 422, "data"),
    ({"data": [1]}, 422, "data"),
    ({"data": {}}, 422, "data"),
    ({"event_data": None}, 422, "event_data"),
    ({"event_data": [1]}, 422, "event_data"),
    ({"event_data": "x"}, 422, "event_data"),
    ({"fn_index": None}, 422, "fn_index"),
    ({"fn_index": 999}, 404, "no stream"),
    ({"fn_index": -1}, 404, "no stream"),
    ({"fn_index": "0"}, 422, "fn_index"),
    ({"trigger_id": None}, 422, "trigger_id"),
    ({"trigger_id": 999}, 404, "no stream"),
    ({"session_hash": None}, 422, "session_hash"),
    ({"session_hash": 5}, 422, "session_hash"),
    ({"session_hash": "../x"}, 422, "session_hash"),
]


@pytest.mark.parametrize(("change", "status", "message"), STREAMS, ids=repr)
def test_a_stream_that_no_page_starts_is_refused_in_one_line(
    http: TestClient,
    ask: int,
    change: dict[str, Any],
    status: int,
    message: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    join = {"data": [], "event_data": {}, "fn_index": 0, "trigger_id": ask, "session_hash": "x"}
    assert message in said(http.post(JOIN, json=join | change), status)
    one_line(caplog, capfd)


@pytest.mark.parametrize("body", ["null", "5", '"x"', "[]", "{}", "true", '{"session_hash": "x"}'])
@pytest.mark.parametrize("path", [CALL, JOIN])
def test_a_body_that_is_no_call_is_refused_in_one_line(
    http: TestClient,
    path: str,
    body: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    said(http.post(path, content=body, headers={"Content-Type": "application/json"}), 422)
    one_line(caplog, capfd)


@pytest.mark.parametrize(
    "query", ["", "?session_hash=", "?session_hash=wrong", "?session_hash=a&session_hash=b"]
)
def test_the_events_of_a_session_that_is_not_there_are_404_in_one_line(
    http: TestClient, query: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    said(http.get(f"{EVENTS}{query}"), 404)
    one_line(caplog, capfd)


@pytest.mark.parametrize(
    "sent", [{}, {"run": None}, {"run": "r"}, {"run": "r", "question": "x", "policy": 5}, {"question": []}]
)
def test_a_stream_that_lacks_something_ends_with_an_error_and_no_traceback(
    http: TestClient,
    ask: int,
    sent: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    join = {"data": [], "event_data": sent, "fn_index": 0, "trigger_id": ask, "session_hash": "lacking"}
    assert http.post(JOIN, json=join).status_code == 200
    events = http.get(EVENTS, params={"session_hash": "lacking"}).text
    assert '"process_completed"' in events
    assert "error" in events
    assert not any(record.exc_info or record.exc_text for record in caplog.records)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_an_unforeseen_failure_of_gradio_is_told_in_the_usual_shape(
    http: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gradio.routes.App.get_blocks", lambda self: 1 / 0)
    message = said(http.get("/theme.css"), 500)
    assert message.rstrip(".").split()[-1] in caplog.text


def one_line(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """What was logged is one line, and nothing was printed beside it."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [(len(r.getMessage().splitlines()), r.exc_info or r.exc_text) for r in records] == [(1, None)]
    assert "Traceback" not in "".join(capfd.readouterr())
