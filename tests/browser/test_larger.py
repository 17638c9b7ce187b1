"""A larger model in the browser: its answer on the Ask page, its place in the menu, its price on Tune."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import OPENED, Served, ask, open_page, serving, slider
from tests.support.kept_run import keep_run
from tests.support.two_models import DEFERS, LARGER, QUESTION, two_models


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workbench = two_models(tmp_path_factory.mktemp("larger"))
    keep_run(workbench.store, "large", "larger sums", model="another", seed=9, seconds=2.0)
    keep_run(workbench.store, "small")
    with serving(workbench) as url:
        yield Served(url, workbench)
    workbench.close()


@pytest.fixture
def deferring(served: Served) -> Iterator[Served]:
    served.workbench.active.decide_by(DEFERS)
    yield served
    served.workbench.active.decide_by(served.workbench.settings.policy)


def test_the_answer_and_its_steps_name_the_larger_model(page: Page, deferring: Served) -> None:
    open_page(page, deferring.url)
    ask(page, QUESTION)
    answer = page.get_by_role("region", name="Answer", exact=True)
    expect(answer).to_contain_text(f"Answered by the larger model {LARGER}")
    expect(answer).to_contain_text("Canberra")
    page.get_by_role("tab", name="Steps").click()
    steps = page.locator(".cx-steps > li")
    expect(steps).to_have_count(2)
    expect(steps.nth(0)).to_contain_text("Asked the model")
    expect(steps.nth(1)).to_contain_text("Asked the larger model")
    expect(steps.nth(1)).to_contain_text(f"{LARGER}, not calibrated")


def test_a_moved_threshold_of_the_larger_model_decides_again(page: Page, deferring: Served) -> None:
    open_page(page, deferring.url)
    ask(page, QUESTION)
    slider(page, "answer when the confidence of the larger model is at least").fill("1")
    expect(page.get_by_text("Decided when it was asked:")).to_be_visible()
    expect(page.get_by_text("below the 100% needed to answer").first).to_be_visible()


def test_the_menu_of_models_names_it(page: Page, deferring: Served) -> None:
    open_page(page, deferring.url)
    page.get_by_role("button", name="Models").click()
    expect(page.get_by_role("region", name="Larger model")).to_contain_text(LARGER)


def test_tune_shows_what_it_brings_while_its_threshold_moves(page: Page, served: Served) -> None:
    page.goto(f"{served.url}tune?run=small")
    turn = page.get_by_role("checkbox", name="Ask it before a person")
    expect(turn).not_to_be_checked(timeout=OPENED)
    turn.check()
    shown = page.get_by_role("region", name="With the larger model")
    # Of the confidences 1/200 to 1 those from 20% to 49.5% are deferred, and they are the same in both runs.
    expect(shown).to_contain_text("30% of 200 questions ask it: 0 get its answer, 60 go to a person.")
    threshold = page.get_by_role("textbox", name="Larger model from", exact=True)
    threshold.fill("40")
    threshold.press("Enter")
    expect(shown).to_contain_text("30% of 200 questions ask it: 20 get its answer, 40 go to a person.")
    expect(shown.get_by_role("row", name=re.compile("seconds per question"))).to_contain_text("0.70")
    page.reload()
    expect(shown).to_contain_text("20 get its answer", timeout=OPENED)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    expect(turn).not_to_be_checked()
    expect(shown).to_be_hidden()


def test_no_target_gives_a_guarantee_of_two_models(page: Page, served: Served) -> None:
    page.goto(f"{served.url}tune?run=small")
    page.get_by_role("checkbox", name="Ask it before a person").check(timeout=OPENED)
    page.get_by_role("button", name="Propose thresholds").click()
    expect(page.get_by_role("form", name="Target")).to_contain_text("A guarantee is proven of one model")
