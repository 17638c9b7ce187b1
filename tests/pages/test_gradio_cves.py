"""What was once wrong with Gradio's routes, tried against those that Codex leaves of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.pages.gradio_routes import CALL, JOIN
from codex.pages.shell import mount
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

SECRET = "the content of a file that nobody may read"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    home = tmp_path_factory.mktemp("home")
    (home / "secret.txt").write_text(SECRET)
    workbench = Workbench(
        load_settings([f"home={home}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db")
    )
    yield mount(create_app(workbench), workbench)
    workbench.close()


@pytest.fixture(scope="module")
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def secret(app: FastAPI) -> str:
    return str(app.state.workbench.settings.home / "secret.txt")


def refused(answer: httpx.Response) -> None:
    assert answer.status_code in {403, 404, 405, 413, 415, 422}, answer.text
    assert SECRET not in answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        *("/file={}", "/file/{}", "/gradio_api/file={}", "/gradio_api/file/{}", "/gradio_api/FILE={}"),
        *("/static/../{}", "/static/..%2f..%2f{}", "/assets/..\\{}", "/theme.css/../{}"),
        *("/gradio_api/custom_component/x/client/component/../../../..{}", "/gradio_api/proxy={}"),
        *("/gradio_api/stream/x/y/{}", "/codex-assets/x/../..{}", "/codex-assets/%2e%2e/{}"),
    ],
)
def test_no_route_reads_a_file(http: TestClient, secret: str, path: str) -> None:
    """CVE-2023-51449, CVE-2024-0964, CVE-2024-47166, CVE-2024-51751, CVE-2025-23042."""
    refused(http.get(path.format(secret)))


@pytest.mark.parametrize(
    "name",
    [
        "move_resource_to_block_cache",
        "make_temp_copy_if_needed",
        "preprocess",
        "postprocess",
        "__init__",
        "load",
    ],
)
def test_no_method_of_a_component_is_called_but_those_of_the_pages(
    http: TestClient, secret: str, name: str
) -> None:
    """CVE-2024-1561."""
    for component in range(1, 60, 7):
        body = {"component_id": component, "fn_name": name, "session_hash": "x", "data": {"path": secret}}
        refused(http.post(CALL, json=body))


@pytest.mark.parametrize(
    "data",
    [
        [{"path": "http://127.0.0.1:22/"}],
        [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}],
        [{"url": "http://169.254.169.254/latest/meta-data"}],
        ["http://127.0.0.1/"],
    ],
)
def test_a_stream_is_started_without_files_and_addresses(http: TestClient, data: list[Any]) -> None:
    """CVE-2024-4325, CVE-2024-47167, CVE-2024-47868, CVE-2024-48052."""
    for number in range(4):
        body = {"fn_index": number, "trigger_id": 1, "session_hash": "x", "data": data, "event_data": {}}
        refused(http.post(JOIN, json=body))


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.test", "http://localhost.evil.test", "http://127.0.0.1"]
)
def test_another_origin_is_not_answered(http: TestClient, origin: str) -> None:
    """CVE-2024-47084, CVE-2024-47165, CVE-2025-5320."""
    for path in ("/", "/gradio_api/queue/data", "/theme.css"):
        answer = http.get(path, headers={"Origin": origin, "Cookie": "codex=x"})
        refused(answer)
        assert "access-control-allow-origin" not in answer.headers


def test_nothing_is_uploaded_through_gradio(http: TestClient) -> None:
    """CVE-2024-1728, CVE-2024-8966, CVE-2024-47872: also with a boundary that takes long to find."""
    boundary = "x" * 60_000
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    for path in ("/upload", "/gradio_api/upload"):
        refused(http.post(path, content=b"--" + b"-" * 100_000, headers=headers))
        refused(http.post(path, files={"files": ("x.html", b"<script>alert(1)</script>")}))


@pytest.mark.parametrize(
    "path", ["/%2f%2fevil.test/", "/\\evil.test", "/https://evil.test", "/file=https://evil.test/"]
)
def test_no_address_leads_elsewhere(http: TestClient, path: str) -> None:
    """CVE-2024-8021, CVE-2024-4940."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/monitoring", "/monitoring/summary", "/gradio_api/monitoring", "/config", "/gradio_api/info", "/login"],
)
def test_what_tells_about_the_server_is_not_there(http: TestClient, path: str) -> None:
    """CVE-2024-47168, CVE-2024-47869, CVE-2024-47870."""
    refused(http.get(path))


@pytest.mark.parametrize("path", ["/run/predict", "/gradio_api/run/predict", "/api/predict", "/call/flag"])
def test_no_function_is_called_by_its_name(http: TestClient, secret: str, path: str) -> None:
    """CVE-2024-39236, CVE-2025-48889, CVE-2024-10569, CVE-2024-10624, CVE-2024-10648."""
    refused(http.post(path, json={"data": [{"path": secret}], "fn_index": 0, "session_hash": "x"}))
