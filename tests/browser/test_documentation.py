"""The smallest page, as docs/frontend.md shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from codex.ask.workbench import Workbench
from codex.pages import shell
from codex.pages.assets import ASSETS
from codex.settings import load_settings
from codex.store import Store
from tests.support.browsing import OPENED, serving
from tests.support.scripted import Script, ScriptedEngine

TEXT = (Path(__file__).parents[2] / "docs" / "frontend.md").read_text("utf-8")


def code(language: str) -> str:
    """The first block of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def hello(tmp_path: Path, context: BrowserContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Codex that has the page."""
    page: dict[str, object] = {}
    exec(code("python"), page)
    blocks = shell._blocks

    def with_hello(*given: object) -> gr.Blocks:
        made = blocks(*given)  # type: ignore[arg-type]
        with made.route("Hello", "/hello"):
            page["build"]()  # type: ignore[operator]
        return made

    monkeypatch.setattr(shell, "_blocks", with_hello)
    workbench = Workbench(
        load_settings([f"home={tmp_path}"]),
        ScriptedEngine(lambda prompt: Script(["A"])),
        Store(tmp_path / "db"),
    )
    with serving(workbench) as url:
        yield url
        # Before the server ends: a page that is left without it logs errors.
        context.close()
    workbench.close()


def test_the_page_of_the_documentation_works(page: Page, hello: str) -> None:
    page.route(
        "**/js/hello/page.js",
        lambda route: route.fulfill(body=code("js"), content_type="text/javascript"),
    )
    page.goto(f"{hello}hello")
    name = page.get_by_role("textbox", name="Name")
    expect(page.get_by_role("heading", name="Greetings")).to_be_visible(timeout=OPENED)
    name.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Type a name.")
    name.fill("<b>Ada</b>")
    name.press("Enter")
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("Hello, <b>Ada</b>.")
    expect(name).to_have_value("<b>Ada</b>")


def test_every_file_that_the_documentation_names_is_there() -> None:
    root = ASSETS.parent
    for name in re.findall(r"`((?:\w+/)*\w+\.(?:js|py))`", TEXT.split("## The smallest")[0]):
        there = [path for path in root.glob(f"**/{name}") if "node_modules" not in path.parts]
        assert there, name
