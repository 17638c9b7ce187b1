"""What a movement of a slider on the Tune page costs: on the server, and until it is on the screen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from codex.ask.workbench import Workbench
from codex.pages.tune.page import TunePage
from codex.pages.tune.runs import OpenRun, RunConfidences
from codex.pages.tune.table import SortedTable
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from codex.store.evaluation.table import Table
from tests.bench.line import Line, median
from tests.support.browsing import CHROMIUM, FLAGS, serving
from tests.support.kept_run import keep_run
from tests.support.scripted import Script, ScriptedEngine

MOVEMENTS = 40
SIZES = ((10_000, 20.0), (1_000_000, 300.0))
"""Graded answers, and the milliseconds that a movement over them may take."""


ON_SCREEN = 10_000, 100.0
MOVED = """async (value) => {
    const slider = document.querySelector("[type=range][aria-label^=answer_above]");
    const bar = document.querySelector(".cx-stack");
    const plot = document.querySelector(".cx-plot-box");
    const start = performance.now();
    const seen = new Promise((done) => new MutationObserver(done).observe(bar, { attributes: true }));
    const drawn = new Promise((done) => plot.once("plotly_afterplot", done));
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await Promise.all([seen, drawn]);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - start;
}"""
"""Milliseconds from a slider's event to the frame in which bar, table and plot are drawn anew."""


def measure(home: Path) -> Iterator[Line]:
    """Movements of answer_above and of a rule's threshold in turn, each with its answer as JSON."""
    folder = home / "tuning"
    workbench = Workbench(
        load_settings([f"home={folder}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(folder / "db")
    )
    keep_run(workbench.store, n=1)
    try:
        for n, bound in SIZES:
            yield median(
                f"a slider over {n:,} answers, on the server",
                bound,
                "ms",
                f"{MOVEMENTS} movements of two sliders in turn, synthetic answers, JSON written",
                _movements(workbench, n),
            )
        if Path(CHROMIUM).exists():
            n, bound = ON_SCREEN
            keep_run(workbench.store, "long", n=n)
            yield median(
                f"a slider over {n:,} answers, on the screen",
                bound,
                "ms",
                f"{MOVEMENTS} movements in Chromium without a GPU, event to drawn frame",
                _on_screen(workbench),
            )
    finally:
        workbench.close()


def _movements(workbench: Workbench, n: int) -> list[float]:
    page = TunePage(workbench)
    confidence, table = synthetic(n)
    summary = workbench.store.runs.get("r1")
    opened = OpenRun("bench", summary, SortedTable(table, confidence), RunConfidences(confidence, None, ""))
    page.runs.keep(opened)
    curve = ""
    before, milliseconds = Policy().model_dump(mode="json"), []
    for turn in range(MOVEMENTS + 1):
        policy = json.loads(json.dumps(before))
        if turn % 2:
            policy["answer_above"] = 0.5 + turn / 100
        else:
            policy["rules"][-1]["below"] = turn / 100
        wanted = {"run": "r1", "key": "bench", "policy": policy, "before": before, "other": before}
        wanted["curve"] = curve
        start = time.perf_counter()
        seen = page.move(wanted)
        json.dumps(seen)
        milliseconds.append(1000 * (time.perf_counter() - start))
        before, curve = policy, seen["curve"]
    return milliseconds[1:]


def _on_screen(workbench: Workbench) -> list[float]:
    with serving(workbench) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}tune?run=long")
        page.locator(".cx-plot .xtick").first.wait_for(timeout=60_000)
        milliseconds = []
        for turn in range(MOVEMENTS + 5):
            milliseconds.append(page.evaluate(MOVED, 0.3 + turn / 100))
            page.wait_for_timeout(100)
        browser.close()
    return milliseconds[5:]


def synthetic(n: int) -> tuple[np.ndarray, Table]:
    """n answers that are correct as often as their confidence says, with the signals of the default rules."""
    seeded = np.random.default_rng(11)
    confidence = seeded.beta(2, 1, n)
    signals = {rule.signal: seeded.normal(size=n) for rule in Policy().rules}
    ids = tuple(map(str, range(n)))
    groups = np.full(n, "synthetic")
    return confidence, Table(ids, ids, ids, groups, seeded.random(n) < confidence, signals, 0)
