"""A real Chromium, and Codex served over real HTTP: once with the default model, once scripted.

Without a browser these tests are skipped; with CODEX_REQUIRE_BROWSER=1 they fail.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from codex.pages.shell import mount
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from codex.ask.workbench import Workbench
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Store
from tests.server.conftest import eventually
from tests.support.scripted import Script, ScriptedEngine

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# A busy machine is slow, not wrong: the default of 5 s fails where three programs share two cores.
expect.set_options(timeout=20_000)
OPENED = 60_000
"""Milliseconds in which a page with all its scripts is surely there."""
ANSWERED = 60_000
"""Milliseconds in which a short answer with its samples and evidence is surely there."""
PATIENCE = 20
"""Seconds, the same for what happens on the server."""
FEW = ["engine.threads=2", "engine.params.max_tokens=32", "ask.n_samples=3"]
"""Short answers and few samples, so that the tests stay quick."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

CANBERRA = Script(
    ["The", " capital", " is", " Can", "berra", "."],
    [0.95, 0.97, 0.99, 0.6, 0.2, 0.8],
    samples=["The capital is Canberra.", "It is Sydney.", "Canberra, of course."],
    others=[" Sydney", " Perth"],
)


@dataclass
class Served:
    """A running Codex."""

    url: str
    workbench: Workbench


@dataclass
class Scripted(Served):
    """A running Codex whose model says what a test tells it to."""

    engine: ScriptedEngine
    scripts: dict[str, Script] = field(default_factory=dict)
    """What is said to questions that hold the key; the rest is about Canberra."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """While it is clear the model says nothing."""

    def reset(self) -> None:
        """As if it had just started, with an empty store and nothing under way."""
        self.go_on.set()
        self.engine.delay, self.engine.failure, self.engine.loaded = 0.0, None, True
        self.engine.judgement = ScriptedEngine.judgement
        assert eventually(lambda: self.engine.running == 0, PATIENCE)
        self.scripts.clear()
        self.engine.decodes.clear()
        self.workbench.store.privacy = "hash"
        for session in self.workbench.store.sessions():
            self.workbench.forget_session(session.id)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        reason = f"No browser: {CHROMIUM} is not there. On Debian: apt-get install chromium."
        if os.environ.get("CODEX_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Chromium makes a socket in its temporary folder, and the path of one has 107 characters at most.
        short = {**os.environ, "TMPDIR": "/tmp"}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=short)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own, in which nothing may fail and nothing may leave the machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    def asked(request: Request) -> None:
        if not local(request.url):
            wrong.append(f"request to {request.url}")

    context.on("console", heard)
    context.on("request", asked)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context
    context.close()
    assert wrong == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def real(browser: Browser, codex_home: Path) -> Iterator[Served]:
    """Codex with the default model."""
    workbench = Workbench.open([f"home={codex_home}", "engine=llama_cpp", *FEW])
    workbench.load()
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


@pytest.fixture(scope="session")
def scripted_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    home = tmp_path_factory.mktemp("scripted")

    def script(prompt: str) -> Script:
        server.go_on.wait(60)
        return next((said for key, said in server.scripts.items() if key in prompt), CANBERRA)

    engine = ScriptedEngine(script)
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "codex.duckdb"))
    with serving(workbench) as url:
        server = Scripted(url, workbench, engine)
        yield server
    workbench.close()


@pytest.fixture
def scripted(scripted_server: Scripted) -> Iterator[Scripted]:
    scripted_server.reset()
    yield scripted_server
    scripted_server.reset()


def open_page(page: Page, address: str) -> None:
    """Open the Ask page and wait until it can be used."""
    page.goto(address)
    expect(page.get_by_role("textbox", name="Question")).to_be_focused(timeout=OPENED)


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the decision stands there and the box is free again."""
    box = page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")
    expect(page.get_by_role("heading", name=question)).to_be_visible(timeout=ANSWERED)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible(timeout=ANSWERED)


def tab_to(page: Page, element: Locator) -> None:
    """Press Tab until the keyboard is in the element."""
    expect(element).to_be_visible()
    for _ in range(100):
        if element.evaluate("element => element.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail("Tab does not lead there.")


def local(url: str) -> bool:
    """Whether a request stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1"


@contextmanager
def serving(workbench: Workbench) -> Iterator[str]:
    """Serve until the block ends; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            mount(create_app(workbench), workbench), log_level="warning", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="codex-test-server")
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(timeout=10)
