"""An address that is not there: a page for browsers, JSON for other clients, 404 for both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.pages.shell import mount
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("home")
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "db"))
    yield TestClient(mount(create_app(workbench), workbench), base_url="http://localhost")
    workbench.close()


@pytest.mark.parametrize("path", ["/nope", "/a/b/nope", "/tune/nope"])
def test_a_browser_gets_a_page_with_the_way_to_all_others(http: TestClient, path: str) -> None:
    response = http.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    for name in ("Ask", "Documents", "Evaluate", "Calibrate", "Tune"):
        assert f">{name}</a>" in response.text
    assert path in response.text


def test_another_client_gets_the_error_as_json(http: TestClient) -> None:
    for response in (http.get("/nope"), http.post("/nope", headers=BROWSER, json={})):
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "NotFound"


def test_a_path_that_takes_other_methods_says_which(http: TestClient) -> None:
    response = http.get("/documents/nope", headers=BROWSER)
    assert (response.status_code, response.headers["allow"]) == (405, "PUT")
    assert "It takes PUT." in response.text
    assert http.get("/documents/nope").json()["error"]["type"] == "MethodNotAllowed"


def test_the_address_is_shown_as_text(http: TestClient) -> None:
    text = http.get("/<script>alert(1)</script>", headers=BROWSER).text
    assert "<script>alert" not in text
    assert "alert(1)" in text


def test_what_is_there_by_its_address_is_an_error_of_its_own(http: TestClient) -> None:
    response = http.get("/traces/nope", headers=BROWSER)
    assert response.status_code == 404
    assert "No trace 'nope'" in response.json()["error"]["message"]
