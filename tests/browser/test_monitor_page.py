"""The Monitor page: what it shows, alerts paused with the keyboard, a quantile carried over to Tune."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from codex.errors import ModelError
from tests.support.browsing import OPENED, Scripted, forget_all
from tests.support.kept_run import keep_run


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    bench = scripted.workbench
    for number in range(3):
        bench.answer(f"Question {number}?")
    scripted.engine.failure = ModelError("out of memory")
    with pytest.raises(ModelError):
        bench.answer("One more?")
    scripted.engine.failure = None
    return scripted


def open_monitor(page: Page, served: Scripted, query: str = "") -> None:
    page.goto(f"{served.url}monitor{query}")
    expect(page.get_by_role("figure", name="Decisions").locator(".main-svg").first).to_be_visible(
        timeout=OPENED
    )


def test_what_was_asked_is_shown_and_the_window_is_in_the_address(page: Page, served: Scripted) -> None:
    open_monitor(page, served)
    expect(page).to_have_title("Monitor · Codex")
    questions = page.get_by_role("region", name="Questions")
    expect(questions).to_contain_text("ModelError")
    for name in ("Decisions", "Failed questions", "Mean confidence", "Mean time to the decision", "Tokens"):
        expect(questions.get_by_role("figure", name=name)).to_be_visible()
    questions.get_by_role("combobox", name="Model").select_option(served.engine.fingerprint)
    questions.get_by_role("combobox", name="Window").select_option("the last 30 days")
    expect(page).to_have_url(re.compile(r"span=month&model=scripted"))
    page.reload()
    expect(questions.get_by_role("combobox", name="Window")).to_have_value("month", timeout=OPENED)
    expect(questions.get_by_role("combobox", name="Model")).to_have_value(served.engine.fingerprint)


def test_a_window_without_a_question_says_what_to_do(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}monitor?model=nobody")
    expect(page.get_by_role("heading", name="No question in this window")).to_be_visible(timeout=OPENED)
    expect(page.get_by_role("figure", name="Decisions")).to_have_count(0)


def test_an_alert_is_paused_and_resumed_with_the_keyboard(page: Page, served: Scripted) -> None:
    open_monitor(page, served)
    row = page.get_by_role("region", name="Alerts").get_by_role("row", name="Drift")
    row.get_by_role("button", name="Pause: Drift").press("Enter")
    expect(row).to_contain_text("Paused")
    history = page.get_by_role("region", name="History")
    expect(history.get_by_role("row", name="Drift: paused").first).to_be_visible()
    resume = row.get_by_role("button", name="Resume: Drift")
    expect(resume).to_be_focused()
    resume.press("Enter")
    expect(row.get_by_role("button", name="Pause: Drift")).to_be_focused()
    expect(row).not_to_contain_text("Paused")


def test_a_quantile_becomes_the_threshold_of_its_rule_on_the_tune_page(page: Page, served: Scripted) -> None:
    keep_run(served.workbench.store, n=50)
    open_monitor(page, served)
    table = page.get_by_role("table", name="Signals with a rule")
    cell = table.get_by_role("row", name="Mean entropy").get_by_role("link", name="its p90")
    expect(cell).to_have_attribute("aria-label", re.compile(r": set the threshold of Mean entropy to this"))
    threshold = re.search(r"threshold=([^&]*)", cell.get_attribute("href") or "")
    assert threshold is not None
    cell.press("Enter")
    expect(page).to_have_url(re.compile(r"/tune\?run="), timeout=OPENED)
    expect(page).not_to_have_url(re.compile("threshold="))
    slider = page.get_by_role("slider", name=re.compile("^entropy|entropy", re.IGNORECASE)).first
    expect(slider).to_be_visible(timeout=OPENED)
    expect(slider).to_have_value(re.compile(rf"^{re.escape(threshold[1])}"))
    # It can be undone, and a reload does not bring it back.
    page.get_by_role("button", name=re.compile("undo", re.IGNORECASE)).click()
    expect(slider).to_have_value("2.5")
    page.reload()
    expect(slider).to_have_value("2.5", timeout=OPENED)


def test_other_signals_are_folded_and_one_without_a_rule_gets_one(page: Page, served: Scripted) -> None:
    keep_run(served.workbench.store, n=50)
    open_monitor(page, served)
    page.locator("summary", has_text="without a rule").click()
    row = page.get_by_role("table", name="Signals without a rule").get_by_role("row", name="Perplexity").first
    row.get_by_role("link", name="its p50").click()
    expect(page).to_have_url(re.compile(r"/tune\?run="), timeout=OPENED)
    expect(page.get_by_role("region", name="Thresholds")).to_contain_text("Perplexity", timeout=OPENED)
