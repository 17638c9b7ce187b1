"""Calibration in the browser: a calibrator fit, looked at, compared, activated and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browsing import FITTED, Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_calibrator, put_run


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    yield scripted
    forget_all(scripted)


def test_a_newcomer_is_led_from_runs_to_a_calibrator_that_speaks(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}calibrate")
    start = page.get_by_role("link", name="Start a run first")
    expect(start).to_be_visible()
    put_run(served.workbench.store, "few", name="too few", graded=12)
    put_run(served.workbench.store, "good", name="good", graded=300)
    page.reload()
    form = page.get_by_role("complementary", name="New calibrator")
    expect(form).to_contain_text("about 60 are needed")
    fit = form.get_by_role("button", name="Fit", exact=True)
    expect(fit).to_be_disabled()
    form.get_by_role("checkbox", name="good").check()
    form.get_by_role("combobox", name="Method").select_option("temperature")
    form.get_by_role("spinbutton", name="Incorrect answers allowed").fill("0.3")
    form.get_by_role("textbox", name="Name").fill("mine")
    fit.click()
    work = page.get_by_role("region", name="Fit", exact=True)
    expect(work.get_by_role("progressbar", name="Fitting mine")).to_be_visible()
    expect(work).to_contain_text(re.compile("Done: mine@.* is saved, not yet active"), timeout=FITTED)
    for side, name in (("Before", "Before: estimated"), ("After", "After: mine")):
        group = page.get_by_role("group", name=side)
        expect(group.get_by_role("figure", name=name)).to_be_visible(timeout=FITTED)
    table = page.get_by_role("table", name="Metrics before and after")
    interval = re.compile(r"0\.\d\d \[0\.\d\d, 0\.\d\d\]")
    expect(table.get_by_role("row", name="calibrated")).to_contain_text(interval)
    expect(table.get_by_role("row", name="held out")).to_contain_text(re.compile(r"0\.\d\d"))

    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card.get_by_role("heading", name="Guarantee", exact=True)).to_be_visible()
    expect(card).to_contain_text("At most 30% of the answers given are incorrect")
    expect(card).to_contain_text("A set contains the correct answer in 90")
    expect(card).to_contain_text("not active")
    expect(page.get_by_role("banner")).to_contain_text("not calibrated")
    card.get_by_role("button", name="Activate").click()
    expect(card.get_by_role("button", name="Deactivate")).to_be_focused()
    expect(page.get_by_role("banner")).not_to_contain_text("not calibrated")
    expect(work).to_contain_text("is saved and active")
    card.get_by_role("button", name="Roll back").click()
    expect(card).to_contain_text("not active")
    page.reload()
    expect(card).to_contain_text("At most 30% of the answers given are incorrect", timeout=FITTED)
    expect(card).to_contain_text("For α 0.3 and δ 0.05, as it was fitted")
    assert served.workbench.active.calibrator is None


def test_the_risk_can_be_changed_after_the_fit_and_answered_by(page: Page, served: Scripted) -> None:
    put_calibrator(served.workbench.store, put_run(served.workbench.store, graded=300))
    page.goto(f"{served.url}calibrate")
    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card.get_by_role("heading", name="No guarantee")).to_be_visible(timeout=FITTED)
    expect(card).to_contain_text("No threshold guarantees at most 10% incorrect", timeout=FITTED)
    risk = page.get_by_role("spinbutton", name="Incorrect answers allowed")
    risk.fill("0.3")
    risk.press("Tab")
    expect(card.get_by_role("heading", name="Guarantee", exact=True)).to_be_visible()
    card.get_by_role("button", name=re.compile(r"Answer from \d+%")).click()
    expect(card.get_by_role("button", name="Deactivate")).to_be_visible()
    assert served.workbench.active.guarantee is not None
    risk.fill("2")
    risk.press("Tab")
    diagrams = page.get_by_role("region", name="Diagrams")
    expect(diagrams.get_by_role("alert")).to_contain_text("above 0 and below 1")
    expect(diagrams.get_by_role("table", name="Metrics before and after")).to_be_visible()


NO_POLLING = """
    const later = window.setTimeout;
    window.setTimeout = (call, wait, ...given) => (wait < 10_000 ? later(call, wait, ...given) : 0);
"""


SEEN = "document.dispatchEvent(new Event('visibilitychange'))"


def test_the_bar_of_another_tab_follows_what_is_active_when_it_is_seen(page: Page, served: Scripted) -> None:
    page.add_init_script(NO_POLLING)
    open_page(page, served.url)
    bar, active = page.get_by_role("banner"), served.workbench.active
    expect(bar).to_contain_text("not calibrated")
    active.activate_calibrator(
        put_calibrator(served.workbench.store, put_run(served.workbench.store, graded=90))
    )
    page.evaluate(SEEN)
    expect(bar).not_to_contain_text("not calibrated")
    active.activate_calibrator(None)
    page.evaluate(SEEN)
    expect(bar).to_contain_text("not calibrated")


def test_the_bar_follows_the_answer_that_is_on_the_page(page: Page, served: Scripted) -> None:
    open_page(page, served.url)
    bar, store = page.get_by_role("banner"), served.workbench.store
    served.workbench.active.activate_calibrator(put_calibrator(store, put_run(store, graded=90)))
    ask(page, "Where?")
    expect(bar).not_to_contain_text("not calibrated")
    served.workbench.active.activate_calibrator(None)
    page.evaluate(SEEN)
    expect(bar).not_to_contain_text("not calibrated")
    ask(page, "When?")
    expect(bar).to_contain_text("not calibrated")


def test_two_calibrators_are_compared_and_one_of_another_model_warns(page: Page, served: Scripted) -> None:
    store = served.workbench.store
    run = put_run(store, graded=90)
    mine = put_calibrator(store, run, "mine")
    other = put_calibrator(store, run, "other", model="another:model:q4")
    page.goto(f"{served.url}calibrate?calibrator={other}")
    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card.get_by_role("alert").filter(has_text="another:model:q4")).to_be_visible()
    diagrams = page.get_by_role("region", name="Diagrams")
    diagrams.get_by_role("combobox", name="Compare with").select_option(mine)
    left = diagrams.get_by_role("group", name="Before")
    expect(left.get_by_role("figure", name=mine)).to_be_visible(timeout=FITTED)
    expect(diagrams.get_by_role("row", name=mine)).to_be_visible()
    saved = page.get_by_role("region", name="Saved calibrators")
    expect(saved).to_contain_text("It was fitted on answers of another:model:q4")
    saved.get_by_role("button", name=mine).click()
    expect(diagrams.get_by_role("heading", name=mine, level=2)).to_be_visible()
    expect(page).to_have_url(re.compile("calibrator=mine"))
    expect(card.get_by_role("alert").filter(has_text="another:model:q4")).to_be_hidden()


def test_promises_of_each_dataset_and_prediction_sets_stand_under_the_diagrams(
    page: Page, served: Scripted
) -> None:
    store = served.workbench.store
    many = put_run(store, "many", name="many", graded=300)
    put_run(store, "few", name="few", graded=320, dataset="rivers")  # 300 of them are the other's
    put_calibrator(store, many, runs=("many", "few"))
    page.goto(f"{served.url}calibrate")
    groups = page.get_by_role("table", name="Guarantees by dataset")
    expect(groups.get_by_role("row", name="rivers")).to_contain_text("no guarantee", timeout=FITTED)
    sets = page.get_by_role("region", name="Prediction sets")
    together = sets.get_by_role("row", name="all together")
    expect(together).to_contain_text(re.compile(r"\d+% \[\d+%, \d+%\]"), timeout=FITTED)
    expect(sets.get_by_role("status")).to_contain_text("A set contains the correct answer in 9")

    risk = page.get_by_role("spinbutton", name="Incorrect answers allowed")
    risk.fill("0.3")
    risk.press("Tab")
    capitals = groups.get_by_role("row", name="capitals")
    expect(capitals).to_contain_text(re.compile(r"\d+%\s*\d+%\s*\d+%"))

    lacking = sets.get_by_role("spinbutton", name="Miss rate, at most")
    lacking.fill("0.001")
    lacking.press("Enter")
    expect(together).to_contain_text("too few, 999 are needed")
    expect(together).to_contain_text("infinite")
    lacking.fill("1")
    lacking.press("Enter")
    expect(sets.get_by_role("alert")).to_contain_text("above 0 and below 1")
    lacking.fill("0.5")
    lacking.press("Enter")
    expect(sets.get_by_role("alert")).to_be_hidden()
    expect(together).not_to_contain_text("infinite")


def test_a_calibrator_is_deleted_by_keyboard_once_it_is_confirmed(page: Page, served: Scripted) -> None:
    store = served.workbench.store
    run = put_run(store, graded=90)
    first, second = (put_calibrator(store, run, name) for name in ("first", "second"))
    served.workbench.active.activate_calibrator(first)
    page.goto(f"{served.url}calibrate")
    card = page.get_by_role("region", name="Calibrator", exact=True)
    # The one that speaks is shown, and cannot be deleted.
    expect(card.get_by_role("button", name="Deactivate")).to_be_visible(timeout=FITTED)
    expect(card.get_by_role("button", name="Delete")).to_have_count(0)
    saved = page.get_by_role("region", name="Saved calibrators")
    saved.get_by_role("button", name=second).press("Enter")
    delete = card.get_by_role("button", name="Delete", exact=True)
    delete.press("Enter")
    question = card.get_by_role("alertdialog")
    expect(question).to_contain_text(f"Delete {second}? This cannot be undone.")
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    delete.press("Enter")
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(saved.get_by_role("button", name=second)).to_have_count(0)
    expect(card.get_by_role("heading", name=first)).to_be_visible()
    expect(card.get_by_role("button", name="Deactivate")).to_be_focused()
    assert [it.version for it in store.calibrators.list()] == [first]


def test_a_run_that_is_deleted_while_it_is_shown_loses_no_figure(page: Page, served: Scripted) -> None:
    store = served.workbench.store
    version = put_calibrator(store, put_run(store, "gone", name="gone", graded=90))
    store.runs.delete("gone")
    page.goto(f"{served.url}calibrate")
    diagrams = page.get_by_role("region", name="Diagrams")
    expect(diagrams).to_contain_text("was deleted", timeout=FITTED)
    expect(diagrams.get_by_role("row", name="calibrated")).to_contain_text(re.compile(r"0\.\d\d"))
    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card).to_contain_text("gone (deleted)")
    card.get_by_role("button", name="Activate").click()
    expect(card.get_by_role("button", name="Deactivate")).to_be_visible()
    active = store.calibrators.active()
    assert active is not None
    assert active.version == version


def test_what_cannot_be_fit_says_why_in_the_page(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, name="all of them", graded=90, correct=lambda chance, rng: False)
    page.goto(f"{served.url}calibrate?run=run-1")
    form = page.get_by_role("complementary", name="New calibrator")
    expect(form.get_by_role("checkbox", name="all of them")).to_be_checked()
    form.get_by_role("button", name="Fit", exact=True).press("Enter")
    work = page.get_by_role("region", name="Fit", exact=True)
    expect(work.get_by_role("alert")).to_contain_text("None of the")
    work.get_by_role("button", name="Dismiss").click()
    expect(work).to_be_hidden()


def test_diagrams_that_could_not_be_read_once_are_read_again(page: Page, served: Scripted) -> None:
    put_calibrator(served.workbench.store, put_run(served.workbench.store, graded=90))
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        if refused or route.request.post_data_json["fn_name"] != "show":
            route.continue_()
        else:
            refused.append(route)
            route.fulfill(json={"error": {"message": "not now", "fields": []}})

    page.route("**/component_server/**", refuse)
    page.goto(f"{served.url}calibrate")
    expect(page.get_by_role("figure", name="After: mine")).to_be_visible(timeout=FITTED)
    assert len(refused) == 1
    expect(page.get_by_text("not now")).to_be_hidden()


def test_a_calibrator_that_is_saved_while_the_list_is_read_is_shown(page: Page, served: Scripted) -> None:
    """The end of the fit is told with the list as it was a moment before."""
    other = put_calibrator(served.workbench.store, put_run(served.workbench.store, graded=90), "other")
    put_run(served.workbench.store, "good", name="good", graded=90)
    served.workbench.active.activate_calibrator(other)
    earlier: list[str | None] = []
    told: list[str] = []

    def tell(route: Route) -> None:
        sent = route.request.post_data_json
        if told or sent["fn_name"] != "look":
            route.continue_()
            return
        response = route.fetch()
        job = response.json()["value"]["job"]
        if not earlier:
            earlier.append(job["id"] if job else None)
        if job is None or job["id"] in earlier:
            route.fulfill(response=response)
            return
        told.extend([job["made"]] if job["state"] == "done" else [])
        route.fulfill(json={"value": {"job": job, "version": sent["data"]["seen"]}})

    page.route("**/component_server/**", tell)
    page.goto(f"{served.url}calibrate")
    form = page.get_by_role("complementary", name="New calibrator")
    form.get_by_role("checkbox", name="good").check()
    form.get_by_role("button", name="Fit", exact=True).click()
    expect(page.get_by_role("figure", name="After: calibrator")).to_be_visible(timeout=FITTED)
    assert len(told) == 1
    expect(page.get_by_role("region", name="Diagrams")).to_contain_text(told[0])
