"""The whole way: a set is asked, a calibrator fit, a risk chosen, and questions are answered by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from codex.datasets.library import load
from tests.support.browsing import FITTED, Scripted, ask, forget_all, open_page
from tests.support.scripted import Script

QUESTIONS = 150


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    yield scripted
    forget_all(scripted)


def answer_as_often_right_as_it_seems(served: Scripted) -> dict[str, float]:
    """Script the capitals; returns each question's chance of being right."""
    rng = np.random.default_rng(0)
    chances = {}
    for item in load("capitals", served.workbench.settings.home)[:QUESTIONS]:
        # Two kinds of questions, so that some can be answered at a low risk.
        chance = float(rng.choice([0.97, 0.15]))
        said = item.answers[0] if rng.random() < chance else "Nowhere"
        served.scripts[item.question] = Script(["It", " is", f" {said}", "."], [0.95, 0.97, chance, 0.98])
        chances[item.question] = chance
    return chances


def test_from_a_set_of_questions_to_answers_with_a_guarantee(page: Page, served: Scripted) -> None:
    chances = answer_as_often_right_as_it_seems(served)
    page.goto(f"{served.url}evaluate")
    page.get_by_role("combobox", name="Dataset").select_option("capitals")
    page.get_by_role("spinbutton", name="Limit").fill(str(QUESTIONS))
    page.get_by_role("button", name="Start", exact=True).click()
    work = page.get_by_role("region", name="Evaluation")
    expect(work).to_contain_text(f"Done: {QUESTIONS} answers graded", timeout=FITTED)
    work.get_by_role("button", name="Open it").click()
    page.get_by_role("link", name="Calibrate with it").click()

    form = page.get_by_role("complementary", name="New calibrator")
    expect(form.get_by_role("checkbox", name="capitals")).to_be_checked()
    form.get_by_role("combobox", name="Method").select_option("temperature")
    form.get_by_role("spinbutton", name="Incorrect answers allowed").fill("0.3")
    form.get_by_role("button", name="Fit", exact=True).click()
    expect(page.get_by_role("figure", name="After: calibrator")).to_be_visible(timeout=FITTED)
    card = page.get_by_role("region", name="Calibrator", exact=True)
    card.get_by_role("button", name=re.compile("Answer from")).click()
    expect(page.get_by_role("banner")).not_to_contain_text("not calibrated")

    open_page(page, served.url)
    verdict = page.get_by_role("region", name="Decision")
    for chance, answered in ((0.97, True), (0.15, False)):
        ask(page, next(question for question, its in chances.items() if its == chance))
        expect(verdict).to_contain_text("calibrated")
        expect(verdict).not_to_contain_text("Not calibrated")
        badge = verdict.locator(".cx-badge.large")
        if answered:
            expect(badge).to_have_text("answer")
            expect(verdict).to_contain_text("At most 30% of the answers given are incorrect")
        else:
            expect(badge).not_to_have_text("answer")
