"""Tuning in the browser: sliders moved, thresholds proposed, policies kept, and nothing lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from codex.pages.tune.policies import to_yaml
from codex.policy import Policy
from tests.browser.look import pale
from tests.support.browsing import Scripted, open_tune, slider, stack
from tests.support.kept_run import keep_run

ANSWER = "Answer at or above"


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget(scripted)
    yield scripted
    forget(scripted)


def forget(served: Scripted) -> None:
    workbench = served.workbench
    for summary in workbench.store.runs.list():
        workbench.store.runs.delete(summary.run.id)
    workbench.active.activate_policy(None)


def number(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def type_number(page: Page, name: str, value: str) -> None:
    number(page, name).fill(value)
    number(page, name).press("Enter")


def test_without_a_run_the_page_says_what_to_do_next(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}tune")
    expect(page.get_by_role("heading", name="No run to tune on yet")).to_be_visible()
    expect(page.get_by_text("codex evaluate --dataset")).to_be_visible()
    page.get_by_role("link", name="Evaluate a dataset").click()
    expect(page).to_have_url(re.compile("/evaluate$"))


def test_a_slider_shows_its_price_and_the_questions_that_changed_sides(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    expect(stack(page)).to_have_attribute("aria-label", "answer 51%, defer 30%, abstain 20%")
    expect(page.get_by_role("region", name="Run")).to_contain_text("Estimated, not calibrated")
    changed = page.get_by_role("region", name="Changed decisions")
    expect(changed).to_contain_text("No decision changed")
    plot = page.get_by_role("figure", name="Risk against coverage").locator("svg").first
    drawn = plot.element_handle()

    # From 0.5 to 0.55 in steps of 0.005: one movement, of which 100/200 to 109/200 are the price.
    slider(page, ANSWER).focus()
    for _ in range(10):
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    expect(number(page, ANSWER)).to_have_value("55")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer 46%"))
    expect(changed).to_contain_text("10 decisions changed")
    expect(changed.get_by_role("row")).to_have_count(11)
    expect(page.get_by_role("region", name="Outcome")).to_contain_text("10 decisions differ from")
    assert plot.evaluate("(now, before) => now === before", drawn)  # drawn in place
    # The policy's point went along: of 200 questions 91 are answered.
    points = page.locator(".cx-plot-box").evaluate("(box) => box.data.map(({ name, x }) => [name, x.at(-1)])")
    assert dict(points)["policy"] == 0.455
    assert dict(points)["compared"] == 0.505

    page.get_by_role("button", name="Undo").click()
    expect(number(page, ANSWER)).to_have_value("50")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer 51%"))
    expect(page.get_by_role("button", name="Redo")).to_be_focused()
    page.keyboard.press("Control+Shift+Z")
    expect(number(page, ANSWER)).to_have_value("55")
    page.reload()
    expect(number(page, ANSWER)).to_have_value("55")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()


def test_a_rule_says_how_often_it_decides(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    type_number(page, "Mean entropy", "9")
    type_number(page, "Mean log-probability", "-9")
    type_number(page, "First token's probability", "0.6")
    expect(page.get_by_role("region", name="Thresholds")).to_contain_text("decides 119 (60%)")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("abstain 60%"))


def test_what_is_no_threshold_is_said_beside_it_and_stays(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    type_number(page, ANSWER, "150")
    expect(page.get_by_role("alert").filter(has_text="Enter a percentage from 0 to 100.")).to_be_visible()
    expect(number(page, ANSWER)).to_have_value("150")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer 51%"))
    keep = page.get_by_role("region", name="Save")
    keep.get_by_role("textbox", name="Name of the policy").fill("invalid")
    for name in ("Save", "Make active", "Export"):
        keep.get_by_role("button", name=name).click()
        expect(keep.get_by_role("status")).to_have_text("Correct the marked field first.")
        expect(number(page, ANSWER)).to_be_focused()
    assert "invalid" not in {policy.name for policy in served.workbench.store.policies.list()}
    type_number(page, ANSWER, "90 %")
    expect(page.get_by_text("Enter a percentage from 0 to 100.")).to_be_hidden()
    expect(slider(page, ANSWER)).to_have_value("0.9")


def test_a_target_is_proposed_made_active_and_answers_the_next_question(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    target = page.get_by_role("form", name="Target")
    target.get_by_role("textbox", name="Incorrect answers allowed, α").fill("1")
    page.keyboard.press("Enter")
    expect(target.get_by_role("status")).to_contain_text("1%")
    expect(number(page, ANSWER)).to_have_value("50")
    target.get_by_role("textbox", name="Incorrect answers allowed, α").fill("200")
    page.keyboard.press("Enter")
    expect(target.get_by_role("alert")).to_contain_text("not '200'")
    expect(target.get_by_role("textbox", name="Incorrect answers allowed, α")).to_have_value("200")
    target.get_by_role("textbox", name="Questions answered").fill("25")
    page.keyboard.press("Enter")
    expect(target.get_by_role("status")).to_contain_text("95% confidence level")
    expect(number(page, ANSWER)).to_have_value("75.5")
    expect(page.get_by_role("row", name="guarantee")).to_contain_text("95% confidence")

    keep = page.get_by_role("region", name="Save")
    keep.get_by_role("textbox", name="Name of the policy").fill("")
    keep.get_by_role("button", name="Save").click()
    expect(keep).to_contain_text("The policy needs a name")
    keep.get_by_role("textbox", name="Name of the policy").fill("quarter")
    keep.get_by_role("button", name="Make active").click()
    expect(keep.get_by_role("status")).to_contain_text("is used from the next question on")
    assert served.workbench.active.policy.name == "quarter"
    assert served.workbench.active.policy.answer_above == 0.755
    assert served.workbench.answer("What is the capital of Australia?").policy.startswith("quarter@")
    expect(page.get_by_role("heading", name="quarter (active)")).to_be_visible()
    page.get_by_role("combobox", name="Compare with").select_option("default")
    expect(page.get_by_role("columnheader", name="quarter (active)")).to_be_visible()
    expect(page.get_by_role("row", name="answer", exact=False).first).to_contain_text("51%")


def test_a_policy_goes_out_as_a_file_and_comes_back(page: Page, served: Scripted, tmp_path: Path) -> None:
    open_tune(page, served)
    type_number(page, ANSWER, "70")
    keep = page.get_by_role("region", name="Save")
    keep.get_by_role("textbox", name="Name of the policy").fill("mine")
    with page.expect_download() as download:
        keep.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "mine.yaml"
    text = download.value.path().read_text("utf-8")
    expected = served.workbench.settings.policy.model_copy(update={"name": "mine", "answer_above": 0.7})
    assert text == to_yaml(expected)

    files = page.get_by_label("Policy file")
    files.set_input_files({"name": "bad.yaml", "mimeType": "text/yaml", "buffer": b"answer_above: [1"})
    expect(keep).to_contain_text("not valid YAML in line")
    files.set_input_files({"name": "bad.yaml", "mimeType": "text/yaml", "buffer": b"\xff\xfe\x00"})
    expect(keep).to_contain_text("not UTF-8 text")
    expect(number(page, ANSWER)).to_have_value("70")
    other = to_yaml(Policy(name="other", rules=(), answer_above=0.31))
    files.set_input_files({"name": "o.yaml", "mimeType": "text/yaml", "buffer": other.encode()})
    expect(keep).to_contain_text("other is loaded")
    expect(number(page, ANSWER)).to_have_value("31")
    expect(slider(page, "Mean entropy")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(slider(page, "Mean entropy")).to_have_count(1)


def test_a_deleted_run_is_said_and_the_policy_stays(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    type_number(page, ANSWER, "70")
    served.workbench.store.runs.delete("r1")
    keep_run(served.workbench.store, "r2", "the next run", n=60)
    expect(page.get_by_role("alert")).to_contain_text("This run was deleted")
    expect(number(page, ANSWER)).to_have_value("70")
    page.get_by_role("combobox", name="Run").select_option("r2")
    expect(page.get_by_role("region", name="Run")).to_contain_text("60 graded answers")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(number(page, ANSWER)).to_have_value("70")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()


def test_a_run_that_has_nothing_yet_fills_by_itself(page: Page, served: Scripted) -> None:
    store = served.workbench.store
    keep_run(store, n=0)
    page.goto(f"{served.url}tune")
    expect(page.get_by_role("alert")).to_contain_text("no graded answers yet")
    expect(stack(page)).to_be_hidden()
    store.runs.delete("r1")
    keep_run(store, n=40)
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer"))
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_question_is_never_run_as_markup(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    type_number(page, ANSWER, "52")  # the hostile one has confidence 101/200
    changed = page.get_by_role("region", name="Changed decisions")
    expect(changed).to_contain_text("<img src=x onerror=window.hacked=1>RLO${window.hacked=1}")
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_and_nothing_scrolls_sideways(
    browser: Browser, served: Scripted, theme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    open_tune(page, served)
    type_number(page, ANSWER, "60")
    page.get_by_role("button", name="Propose thresholds").click()
    expect(page.get_by_role("form", name="Target").get_by_role("status")).to_contain_text("%")
    expect(page.get_by_role("region", name="Changed decisions").get_by_role("row").first).to_be_visible()
    page.get_by_text("Table", exact=True).click()
    weak = pale(page)
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 900})
        # The plot takes its new size a moment after the window.
        page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
    page.close()
    assert weak == []


def test_a_plot_follows_the_theme_and_is_loaded_only_where_it_is_drawn(page: Page, served: Scripted) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.url)
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()
    assert not [url for url in asked if "plotly" in url]
    open_tune(page, served)
    tick = page.locator(".cx-plot .xtick text").first
    expect(tick).to_be_visible()
    assert len([url for url in asked if "plotly" in url]) == 1
    light = tick.evaluate("(node) => getComputedStyle(node).fill")
    page.get_by_role("button", name="Change to the dark theme").click()
    expect(tick).not_to_have_css("fill", light)


def test_where_the_plot_cannot_be_drawn_its_numbers_are_in_the_table(
    browser: Browser, served: Scripted
) -> None:
    page = browser.new_page()  # of no context that fails on the console's line about the script
    page.route("**/plotly-basic-*.min.js", lambda route: route.abort())
    open_tune(page, served)
    expect(page.get_by_role("alert")).to_contain_text("The plot cannot be drawn")
    page.get_by_text("Table", exact=True).click()
    rows = page.get_by_role("region", name="The plot's numbers").get_by_role("row")
    expect(rows.last).to_contain_text("100%")
    type_number(page, ANSWER, "70")
    expect(stack(page)).to_have_attribute("aria-label", re.compile("answer 31%"))
    page.close()
