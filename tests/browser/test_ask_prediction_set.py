"""The answer set on the Ask page: what holds the right answer, said above the samples and marked in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.calibration.prediction_sets import ConformalPredictor
from tests.browser.look import ill_fitting, pale
from tests.support.browsing import Scripted, ask, open_page
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script

SPREAD = Script(["Canberra"], samples=["Canberra", "It is Sydney.", "Canberra", "Sydney", "Perth"])


@pytest.fixture
def speak(scripted: Scripted) -> Iterator[Callable[[float], None]]:
    """Lets a calibrator speak whose sets hold each answer that more than a share of the samples gave."""
    store, active = scripted.workbench.store, scripted.workbench.active
    run = put_run(store, "sets")
    scripted.scripts["Where?"] = SPREAD

    def start(cutoff: float) -> None:
        sets = ConformalPredictor(alpha=0.1, n=99, cutoff=cutoff, tie=1.0)
        active.activate_calibrator(put_calibrator(store, run, prediction_sets=sets))

    yield start
    active.activate_calibrator(None)
    for calibrator in store.calibrators.list():
        store.calibrators.delete(calibrator.version)
    store.runs.delete(run.id)


def samples(page: Page) -> Locator:
    page.get_by_role("tab", name="Samples").click()
    return page.get_by_role("tabpanel")


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_set_is_said_and_its_answers_are_marked_legibly(
    browser: Browser,
    scripted: Scripted,
    speak: Callable[[float], None],
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    speak(0.3)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    open_page(page, scripted.url)
    ask(page, "Where?")
    panel = samples(page)
    expect(panel).to_contain_text(
        "At the 90% confidence level the correct answer is among: Canberra, Sydney."
    )
    groups = panel.locator("summary")
    for name, inside in (("Canberra", True), ("Sydney", True), ("Perth", False)):
        group = groups.filter(has=page.get_by_text(name, exact=True))
        expect(group.get_by_text("in the set")).to_have_count(int(inside))
    page.reload()
    expect(samples(page)).to_contain_text("among: Canberra, Sydney.")
    expect(panel.get_by_text("in the set")).to_have_count(2)
    assert pale(page) == []
    assert ill_fitting(page, ["set"], width) == []
    page.close()


def test_where_any_answer_could_be_correct_it_is_said_and_nothing_is_marked(
    page: Page, scripted: Scripted, speak: Callable[[float], None]
) -> None:
    speak(0.0)
    open_page(page, scripted.url)
    ask(page, "Where?")
    expect(samples(page)).to_contain_text("At the 90% confidence level any answer could be correct")
    expect(page.get_by_role("tabpanel").get_by_text("in the set")).to_have_count(0)
