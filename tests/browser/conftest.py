"""A real Chromium, and Codex served over real HTTP: once with the default model, once scripted.

Without a browser these tests are skipped; with CODEX_REQUIRE_BROWSER=1 they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from codex.ask.workbench import Workbench
from codex.settings import load_settings
from codex.store import Store
from tests.support.browsing import (
    CANBERRA,
    CHROMIUM,
    FEW,
    FLAGS,
    Scripted,
    Served,
    serving,
)
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine

# A busy machine is slow, not wrong: the default of 5 s, and 20 s too, fail where others share its cores.
expect.set_options(timeout=60_000)
ACTED = 90_000
"""Milliseconds in which a click arrives even there."""


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
    context.set_default_timeout(ACTED)
    incorrect: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            incorrect.append(message.text)

    def asked(request: Request) -> None:
        if not local(request.url):
            incorrect.append(f"request to {request.url}")

    context.on("console", heard)
    context.on("request", asked)
    context.on("weberror", lambda error: incorrect.append(str(error.error)))
    yield context
    context.close()
    assert incorrect == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def real(browser: Browser, codex_home: Path) -> Iterator[Served]:
    """Codex with the default model."""
    workbench = Workbench.open([f"home={codex_home}", "engine=llama_cpp", *FEW])
    workbench.model.load()
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
    settings = load_settings([f"home={trust(home)}"])
    workbench = Workbench(settings, engine, Store(home / "codex.duckdb"))
    with serving(workbench) as url:
        server = Scripted(url, workbench, engine)
        yield server
    workbench.close()


@pytest.fixture
def scripted(scripted_server: Scripted) -> Iterator[Scripted]:
    scripted_server.reset()
    yield scripted_server
    scripted_server.reset()


def local(url: str) -> bool:
    """Whether a request stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1"
