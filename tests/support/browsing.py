"""Codex as a browser sees it: served over real HTTP, its pages opened and used."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from playwright.sync_api import Locator, Page, expect

from codex.ask.workbench import Workbench
from codex.pages.shell import mount
from codex.server import create_app
from tests.support.kept_run import keep_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
OPENED = 60_000
"""Milliseconds in which a page with all its scripts is surely there."""
ANSWERED = 60_000
"""Milliseconds in which a short answer with its samples and evidence is surely there."""
PATIENCE = 60
"""Seconds, the same for what happens on the server."""
FEW = ["engine.threads=1", "engine.params.max_tokens=32", "ask.n_samples=3"]
"""Short answers and few samples, so that the tests stay quick.

One thread, as wherever llama.cpp runs in a test: processes of tests share the cores, and two threads took
half as much again of their time, and were no quicker.
"""
OFF = (
    # What Playwright turns off: the last of two such flags is the one that counts.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints"),
    *("NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    # Pages that Chromium draws its address bar's suggestions with: in each new window they cost as much
    # processor time as a page of Codex, though nobody sees them.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "PreloadTopChromeWebUI"),
)
"""Features of Chromium that no test needs."""
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    f"--disable-features={','.join(OFF)}",
]
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
        assert eventually(lambda: self.workbench.traces.under_way == self.engine.running == 0, PATIENCE)
        self.scripts.clear()
        self.engine.decodes.clear()
        self.workbench.store.privacy = "hash"
        self.workbench.choices.path.unlink(missing_ok=True)
        for session in self.workbench.store.sessions.list():
            self.workbench.traces.forget_session(session.id)
        for answer in self.workbench.store.people.list():
            self.workbench.people.delete(answer.id)


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


FITTED = 180_000
"""Milliseconds in which a hundred answers are surely fit to on a busy machine."""


def forget_all(served: Scripted) -> None:
    """As if nothing had been asked or fit."""
    workbench = served.workbench
    for summary in workbench.store.runs.list():
        workbench.store.runs.delete(summary.run.id)
    for queue in workbench.store.label_queues.list():
        workbench.store.label_queues.delete(queue.id)
    workbench.active.activate_calibrator(None)
    workbench.active.activate_policy(None)
    for calibrator in workbench.store.calibrators.list():
        workbench.store.calibrators.delete(calibrator.version)


def open_tune(page: Page, served: Scripted, n: int = 200) -> None:
    """Open the page on a run of which confidence 1/n, 2/n ... 1 are correct as often as they say."""
    if not served.workbench.store.runs.list():
        keep_run(served.workbench.store, n=n)
    page.goto(f"{served.url}tune")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer"), timeout=OPENED)


def stack(page: Page) -> Locator:
    """The bar of the three decisions."""
    return page.locator(".cx-stack")


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)
