"""What all pages share: where they are served, and that their work ends with the application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.pages.assets import ASSETS, ASSETS_URL, FOREVER, url
from codex.pages.gradio_routes import GradioRoutes
from codex.pages.shell import mount
from codex.private import PARTIAL
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    workbench = Workbench(load_settings([f"home={tmp_path}"]), engine, Store(tmp_path / "db"))
    yield mount(create_app(workbench), workbench)
    workbench.close()


def test_each_page_has_its_address_and_leaves_the_routes_as_they_are(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost") as http:
        for path in ("/", "/documents", "/evaluate", "/calibrate", "/train", "/tune", "/demo"):
            assert "text/html" in http.get(path).headers["content-type"]
        assert http.get("/documents/").url.path == "/documents"
        assert http.get("/sessions").json() == []
        assert http.put("/documents/a.txt", content=b"text").status_code == 201


def test_the_script_that_draws_is_served_from_this_machine_and_only_where_it_is_asked_for(
    app: FastAPI,
) -> None:
    (address,) = re.findall(r'"(codex-assets/.*)"', (ASSETS / "js/shared/plot.js").read_text())
    with TestClient(app, base_url="http://localhost") as http:
        script = http.get(f"/{address}")
        assert "javascript" in script.headers["content-type"]
        assert script.headers["cache-control"] == FOREVER
        assert "plotly.js (basic - minified) v4.1.1" in script.text[:200]
        assert "plotly" not in http.get("/").text


def test_files_are_kept_for_good_under_their_version_and_asked_about_otherwise(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost") as http:
        kept, asked = http.get(f"/{url('js/shell/page.js')}"), http.get(f"/{ASSETS_URL}/js/shell/page.js")
        assert kept.text == asked.text == (ASSETS / "js/shell/page.js").read_text()
        assert kept.headers["cache-control"] == FOREVER
        assert kept.headers["content-encoding"] == "gzip"
        assert asked.headers["cache-control"] == "no-cache"
        plain = http.get(f"/{url('js/shell/page.js')}", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        again = http.get(asked.url.path, headers={"If-None-Match": asked.headers["etag"]})
        assert (again.status_code, again.text) == (304, "")


@pytest.mark.parametrize("path", ["", "js", "nothing.js", "../app.py", "%2e%2e/app.py", "js/%2e%2e/logo.svg"])
def test_nothing_but_the_files_is_served(app: FastAPI, path: str) -> None:
    with TestClient(app, base_url="http://localhost") as http:
        assert http.get(f"/{ASSETS_URL}/{path}").status_code == 404
        assert http.post(f"/{url('logo.svg')}").status_code == 405


def test_work_that_the_pages_started_ends_with_the_application(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost"):
        job = app.state.jobs.start("index", "Indexing", lambda job: job.cancel.wait(30))
        assert job.state == "running"
    assert job.state == "cancelled"


def test_gradio_has_a_temporary_folder_of_its_own_that_goes_with_the_application(
    app: FastAPI, tmp_path: Path
) -> None:
    gradio = next(
        r.endpoint for r in app.routes if isinstance(getattr(r, "endpoint", None), GradioRoutes)
    ).gradio
    folder = Path(gradio.uploaded_file_dir)
    assert folder.is_relative_to(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))} == {0o700}
    with TestClient(app, base_url="http://localhost") as http:
        http.get("/")
        assert [file for file in folder.rglob("*") if file.is_file()] == []
    assert not folder.exists()


def test_files_that_were_still_arriving_when_it_was_killed_are_removed(app: FastAPI, tmp_path: Path) -> None:
    (tmp_path / PARTIAL).mkdir()
    (tmp_path / PARTIAL / "half").write_text("half a")
    with TestClient(app, base_url="http://localhost"):
        assert not (tmp_path / PARTIAL).exists()


def test_no_two_style_sheets_give_one_class_its_look() -> None:
    homes: dict[str, list[str]] = {}
    for sheet in sorted((ASSETS / "css").glob("*.css")):
        for name in set(re.findall(r"(?m)^  (\.cx-[\w-]+) \{", sheet.read_text())):
            homes.setdefault(name, []).append(sheet.name)
    assert {name: sheets for name, sheets in homes.items() if len(sheets) > 1} == {}
