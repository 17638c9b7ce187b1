"""What it takes until the next answer to label is there, with many queued and half of them labelled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import sync_playwright

from codex.ask.workbench import Workbench
from codex.labelling.queues import Labelling
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.labels import Label, checked
from tests.bench.line import Line
from tests.support.browsing import CHROMIUM, FLAGS, serving
from tests.support.kept_run import keep_run
from tests.support.scripted import Script, ScriptedEngine

QUEUED = 100_000
LABELLED = 50_000
BOUND = 100.0
"""Milliseconds that the 95th percentile may take."""
TURNS = 100
ON_SCREEN = """async () => {
    const asked = () => document.querySelector(".cx-judged h3").textContent;
    const before = asked();
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    while (asked() === before) await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - start;
}"""
"""Milliseconds from Enter to the frame that shows the next question; keeping the label is in it."""


def measure(home: Path) -> Iterator[Line]:
    """By the call itself, over HTTP, and on the screen, each after a label that is kept."""
    folder = home / "labelling"
    workbench = Workbench(
        load_settings([f"home={folder}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(folder / "db")
    )
    store = workbench.store
    try:
        keep_run(store, "long", n=QUEUED)
        labelling = Labelling(workbench)
        queue, _ = labelling.create("long", "run", run_id="long", order="mixed")
        with store._database.read() as db:
            first = db.execute(
                'SELECT question_id FROM label_queue_items ORDER BY "rank" LIMIT ?', [LABELLED]
            ).fetchall()
        store.labels.put_all([checked(Label("long", question, "correct")) for (question,) in first])
        how = f"{TURNS} turns, {QUEUED:,} queued, {LABELLED:,} labelled"

        def called() -> float:
            start = time.perf_counter()
            card = labelling.card(queue.id, "")
            taken = time.perf_counter() - start
            assert card is not None
            labelling.put(queue.id, Label(*card.key, "incorrect"))
            return 1000 * taken

        yield _p95("the next item to label, by the call", how, called)
        with serving(workbench) as url, httpx.Client(base_url=url) as http:
            path = f"label-queues/{queue.id}/next"

            def asked() -> float:
                start = time.perf_counter()
                card = http.post(path, json={}).json()
                taken = time.perf_counter() - start
                labelling.put(queue.id, Label("long", card["question_id"], "incorrect"))
                return 1000 * taken

            yield _p95("the next item to label, over HTTP", how, asked)
            if Path(CHROMIUM).exists():
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                    page = browser.new_page(viewport={"width": 1280, "height": 900})
                    page.goto(f"{url}label?queue={queue.id}")
                    page.locator(".cx-judged h3").wait_for(timeout=60_000)

                    def pressed() -> float:
                        page.wait_for_timeout(300)
                        return float(page.evaluate(ON_SCREEN))

                    yield _p95(
                        "Enter to the next item on the screen", f"{how}, with keeping the label", pressed
                    )
                    browser.close()
    finally:
        workbench.close()


def _p95(name: str, how: str, turn: Callable[[], float]) -> Line:
    turn()
    found = [turn() for _ in range(TURNS)]
    return Line(name, BOUND, float(np.quantile(found, 0.95)), "ms p95", how, (min(found), max(found)))
