"""The report of a run in a real browser: a file by itself, drawn in light and dark."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from codex.evaluation.report import page as report_page
from tests.support.reports import HOSTILE, make_table, scored


def test_its_plots_are_drawn_in_both_themes_and_nothing_in_it_runs(browser: Browser, tmp_path: Path) -> None:
    table = make_table(text=HOSTILE)
    scores, confidences = scored(table)
    path = tmp_path / "report.html"
    path.write_text(report_page(HOSTILE, scores, table, confidences), encoding="utf-8")
    incorrect: list[str] = []
    view = browser.new_page(color_scheme="light")
    view.on("console", lambda message: incorrect.append(message.text) if message.type == "error" else None)
    view.on("pageerror", lambda error: incorrect.append(str(error)))
    view.on("dialog", lambda dialog: incorrect.append(dialog.message))
    view.on("request", lambda asked: incorrect.append(asked.url) if asked.url.startswith("http") else None)
    view.goto(path.as_uri())
    label = view.locator(".xtick text").first
    view.locator(".main-svg .xtitle").nth(3).wait_for(timeout=60_000)
    light = label.evaluate("node => node.style.fill")
    view.emulate_media(color_scheme="dark")
    view.wait_for_function("light => document.querySelector('.xtick text')?.style.fill !== light", arg=light)
    assert [light, label.evaluate("node => node.style.fill")] == ["rgb(26, 34, 45)", "rgb(230, 234, 240)"]
    assert view.locator("[data-plot] .plot-container").count() == 4
    view.close()
    assert incorrect == []
