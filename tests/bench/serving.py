"""How quickly Codex is there, how quickly it shows what the engine has, and what it holds in memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from codex.ask.workbench import Workbench
from codex.types import Token
from tests.bench.line import Line, median
from tests.support.browsing import CHROMIUM, FLAGS, ask, open_page, serving

ROUNDS = 5
QUESTIONS = 50
ROOT = Path(__file__).parent.parent.parent

FIRST_TOKEN = """() => {
  window.firstToken = null;
  const watch = () => {
    if (document.querySelector("[role=option]")) window.firstToken = Date.now();
    else requestAnimationFrame(watch);
  };
  watch();
}"""
"""Notes when the first token of an answer stands on the page, to a frame (17 ms)."""

MOVE = """([slider, decision]) => new Promise(done => {
  const reason = () => decision.querySelector(".cx-reason").textContent;
  const before = reason(), started = performance.now();
  const watch = new MutationObserver(() => {
    if (reason() === before) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - started));
  });
  watch.observe(decision, { subtree: true, childList: true, characterData: true });
  slider.value = slider.value > (slider.max - slider.min) / 2 ? slider.min : slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
"""Moves a slider to its other side; resolves to the milliseconds until the decision says something else."""


def measure(home: Path) -> Iterator[Line]:
    """The whole product, as it is started and used."""
    yield from _process(home)
    if not Path(CHROMIUM).exists():
        sys.exit(f"No browser: {CHROMIUM} is not there. On Debian: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield from _page(browser, home)
        browser.close()


def _process(home: Path) -> Iterator[Line]:
    """Start-up and memory of the process that `make run` starts."""
    starts = []
    for _ in range(ROUNDS - 1):
        with _started(home) as (_, _, seconds):
            starts.append(seconds)
    with _started(home) as (url, process, seconds):
        starts.append(seconds)
        yield median(
            "start to ready, model present",
            10,
            "s",
            f"python app.py until /healthz is 200, {ROUNDS} starts",
            starts,
        )
        held = []
        with httpx.Client(base_url=url, timeout=120) as client:
            for number in range(QUESTIONS):
                body = {
                    "query": f"What is {number} plus {number + 3}?",
                    "n_samples": 5,
                    "params": {"max_tokens": 48},
                }
                client.post("/infer", json=body).raise_for_status()
                held.append(process.memory_info().rss / 1e6)
    how = f"resident memory of that process, {QUESTIONS} questions over /infer with 5 samples"
    yield Line(f"memory after {QUESTIONS} questions", 1500, held[-1], "MB", how)
    growth = statistics.median(held[-10:]) - statistics.median(held[-30:-20])
    yield Line(
        "growth, questions 21-30 to 41-50", 15, growth, "MB", "medians of ten; 1 % of the bound is not growth"
    )


def _page(browser: Browser, home: Path) -> Iterator[Line]:
    workbench = Workbench.open([f"home={home}", "ask.reflect=false"])
    workbench.model.load()
    first = _note_first_token(workbench)
    usable, late, moves = [], [], []
    with serving(workbench) as url:
        for number in range(ROUNDS):
            page = browser.new_page()
            started = time.perf_counter()
            open_page(page, url)
            usable.append(time.perf_counter() - started)
            page.evaluate(FIRST_TOKEN)
            ask(page, f"What is the capital of {('France', 'Spain', 'Italy', 'Norway', 'Chile')[number]}?")
            late.append(page.evaluate("window.firstToken") / 1000 - first[-1])
            moves += _slider_milliseconds(page)
            page.close()
    workbench.close()
    yield median(
        "page usable", 2, "s", "navigation until the question box has the focus, new tab each time", usable
    )
    yield median(
        "first token on the page, after the engine's", 0.3, "s", "wall clocks of engine and page", late
    )
    yield median(
        "a threshold slider re-decides", 100, "ms", "input event until the decision reads otherwise", moves
    )


def _slider_milliseconds(page: Page) -> list[float]:
    """The top1_prob rule is moved to where it abstains and back: the gate in the reason changes each time."""
    slider = page.get_by_role("slider", name="top1_prob").element_handle()
    decision = page.get_by_role("region", name="Decision").element_handle()
    return [page.evaluate(MOVE, [slider, decision]) for _ in range(4)]


def _note_first_token(workbench: Workbench) -> list[float]:
    """Wall-clock times of the first token of each answer, as the engine gives it."""
    times: list[float] = []
    decode = workbench.model.engine.decode

    def noted(*args: object, **options: object) -> Iterator[object]:
        fresh = True
        for item in decode(*args, **options):  # type: ignore[arg-type]
            if fresh and isinstance(item, Token):
                times.append(time.time())
                fresh = False
            yield item

    workbench.model.engine.decode = noted  # type: ignore[method-assign, assignment]
    return times


@contextmanager
def _started(home: Path) -> Iterator[tuple[str, psutil.Process, float]]:
    """`python app.py`: its address, its process, and the seconds until it was ready."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), f"home={home}", "server.port=0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
        cwd=ROOT,
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().split()[-1]
        while httpx.get(f"{url}/healthz").status_code != 200:
            time.sleep(0.02)
        yield url, psutil.Process(child.pid), time.perf_counter() - began
    finally:
        child.terminate()
        child.wait(timeout=20)
