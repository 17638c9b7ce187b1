"""Another model from the menu in the bar: by keyboard alone, after what is under way, and where it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from codex import engines
from codex.engines.base import EngineConfig
from codex.errors import ModelError
from tests.browser.axe import require_axe, violations
from tests.support.browsing import ANSWERED, Scripted, ask, open_page, serving, tab_to
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

FIRST, SECOND = "scripted:first:test", "llama_cpp:second:test"
QUESTION = "Who is it?"


@dataclass
class Replaceable(Scripted):
    """Its model can be replaced by "second", and by "broken" not."""

    may_load: threading.Event = field(default_factory=threading.Event)
    """While it is clear the other model is being loaded."""


@pytest.fixture
def served(context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replaceable]:
    def create(name: str, config: EngineConfig, models: object, key: str | None = None) -> ScriptedEngine:
        failure = ModelError("the file is cut short.") if config.model_path == "broken" else None
        engine = Loading(
            lambda prompt: Script(["Second", "."]),
            model=f"{name}:{config.model_path}:test",
            failure=failure,
            loaded=False,
        )
        engine.may_load = server.may_load
        return engine

    def first(prompt: str) -> Script:
        assert server.go_on.wait(60)
        return Script(["First", "."])

    monkeypatch.setattr(engines, "create", create)
    home = trust(tmp_path / "home")
    (home / "models").mkdir()
    for name in ("second", "broken"):
        (home / "models" / f"{name}.gguf").write_bytes(b"GGUF")
    engine = ScriptedEngine(first, model=FIRST)
    bench = workbench(home, engine, "engine=llama_cpp", "grounding.judge=none")
    with serving(bench) as url:
        server = Replaceable(url, bench, engine)
        server.go_on.set()
        server.may_load.set()
        yield server
        server.may_load.set()
        server.go_on.set()
        # Before the server ends: a page that is left without it logs errors.
        context.close()
    bench.close()


class Loading(ScriptedEngine):
    """Is loaded when it may be."""

    may_load: threading.Event

    def load(self) -> None:
        assert self.may_load.wait(60)
        super().load()


def bar(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("status")


def menu(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Models")


def told(page: Page) -> Locator:
    """What is done to the loaded model; a fetch has a line of its own."""
    return menu(page).get_by_role("status").first


def load(page: Page, name: str) -> None:
    """By the keyboard alone, from wherever it is."""
    if not menu(page).is_visible():
        tab_to(page, page.get_by_role("button", name="Models"))
        page.keyboard.press("Enter")
    tab_to(page, menu(page).get_by_role("button", name=f"Load {name}"))
    page.keyboard.press("Enter")


def test_by_the_keyboard_alone(page: Page, served: Replaceable) -> None:
    open_page(page, served.url)
    expect(bar(page)).to_contain_text(FIRST)
    load(page, "second")
    expect(told(page)).to_have_text(f"{SECOND} is loaded.")
    expect(menu(page).locator(".cx-model-now")).to_be_focused()
    expect(menu(page).locator("[data-model=second]")).to_contain_text("loaded")
    expect(bar(page)).to_contain_text(SECOND)
    page.keyboard.press("Escape")
    expect(menu(page)).to_be_hidden()
    ask(page, QUESTION)
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_contain_text("Second")


def test_a_running_question_ends_first(page: Page, served: Replaceable) -> None:
    other = page.context.new_page()
    open_page(page, served.url)
    open_page(other, served.url)
    served.go_on.clear()
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    load(other, "second")
    expect(told(other)).to_contain_text("Loading second …")
    expect(bar(other)).to_contain_text("loading")
    assert served.workbench.model.engine is served.engine
    assert served.engine.is_loaded
    served.go_on.set()
    expect(told(other)).to_have_text(f"{SECOND} is loaded.")
    answer = page.get_by_role("listbox", name="Answer, token by token")
    expect(answer).to_contain_text("First", timeout=ANSWERED)


def test_a_model_that_cannot_be_loaded_is_told_and_the_one_before_stays(
    page: Page, served: Replaceable
) -> None:
    open_page(page, served.url)
    load(page, "broken")
    alert = menu(page).get_by_role("alert")
    expect(alert).to_contain_text("the file is cut short.")
    expect(alert).to_contain_text(f"{FIRST} is loaded again.")
    expect(told(page)).to_be_empty()
    # The list is read again, and what was told stays.
    page.evaluate("document.getElementById('cx-models').hidePopover()")
    with page.expect_response(lambda response: "models" in (response.request.post_data or "")):
        page.get_by_role("button", name="Models").click()
    expect(menu(page).locator(".cx-model-now")).to_contain_text(FIRST)
    expect(alert).to_contain_text("the file is cut short.")
    page.keyboard.press("Escape")
    expect(bar(page)).to_contain_text(FIRST)
    ask(page, QUESTION)
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_contain_text("First")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_while_a_model_is_changed(
    browser: Browser, served: Replaceable, theme: str
) -> None:
    require_axe()
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]

    def states() -> Iterator[str]:
        open_page(page, served.url)
        served.may_load.clear()
        load(page, "second")
        expect(told(page)).to_contain_text("Loading second …")
        yield "loading"
        served.may_load.set()
        expect(told(page)).to_have_text(f"{SECOND} is loaded.")
        yield "loaded"
        load(page, "broken")
        expect(menu(page).get_by_role("alert")).to_be_visible()
        yield "failed"

    found = violations(page, states(), (1280, 800))
    page.close()
    assert not found, "\n".join(map(str, found))
