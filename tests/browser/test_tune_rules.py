"""Rules that come and go on the Tune page, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from codex.policy import DEFAULT_RULES, Policy, Rule
from tests.support.browsing import OPENED, Scripted, tab_to
from tests.support.kept_run import keep_run

RUN = "ruled"
ABSENT = "Not in this run, so the rule never holds."


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    """With a run of which confidence and top1_prob are 1/200, 2/200 ... 1."""
    keep_run(scripted.workbench.store, RUN)
    yield scripted
    scripted.workbench.store.runs.delete(RUN)


def test_a_rule_is_added_counted_taken_back_moved_removed_and_saved(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}tune?run={RUN}")
    stack = page.locator(".cx-stack")
    before = "answer 51%, defer 30%, abstain 20%"
    expect(stack).to_have_attribute("aria-label", before, timeout=OPENED)
    thresholds = page.get_by_role("region", name="Thresholds")
    new = thresholds.get_by_role("button", name="Add a rule")
    signal = thresholds.get_by_role("combobox", name="Signal")
    threshold = thresholds.get_by_role("textbox", name="Threshold")
    sliders = thresholds.get_by_role("slider", name="First token's probability")
    earlier = thresholds.get_by_role("button", name="Move the rule on First token's probability earlier")
    decides = thresholds.get_by_text(re.compile("^decides |^Not in this run"))

    # What cannot be a rule is said where it was typed, and stays there.
    tab_to(page, new)
    page.keyboard.press("Enter")
    expect(signal).to_be_focused()
    signal.select_option("top1_prob")
    expect(threshold).to_have_value("0.502")  # of the median, 0.5025, three digits
    threshold.fill("half")
    threshold.press("Enter")
    expect(thresholds.get_by_role("alert")).to_have_text("Enter a number, e.g. -1.5.")
    expect(threshold).to_have_value("half")
    threshold.fill("0.2")
    threshold.press("Enter")
    expect(thresholds.get_by_role("alert")).to_have_text(
        "Rule 3 is the same: First token's probability < 0.20 \u2192 abstain."
    )
    page.keyboard.press("Escape")
    expect(new).to_be_focused()
    expect(threshold).to_be_hidden()

    # The rule takes 75/200 to 139/200: those below are the business of the first two.
    page.keyboard.press("Enter")
    signal.select_option("top1_prob")
    threshold.fill("0,7")
    threshold.press("Enter")
    expect(sliders.nth(1)).to_be_focused()
    after = "answer 31%, defer 18%, abstain 52%"
    expect(stack).to_have_attribute("aria-label", after)
    expect(decides).to_have_text(
        ["decides 44 (22%)", "decides 30 (15%)", "decides 0 (0%)", ABSENT, "decides 65 (33%)"]
    )
    expect(page.get_by_role("region", name="Changed decisions")).to_contain_text("65 decisions changed")

    page.keyboard.press("ControlOrMeta+z")
    expect(sliders).to_have_count(1)
    expect(thresholds.get_by_role("slider", name="Weakest token's probability (focus)")).to_be_focused()
    expect(stack).to_have_attribute("aria-label", before)
    page.keyboard.press("ControlOrMeta+Shift+z")
    expect(stack).to_have_attribute("aria-label", after)

    # Of two rules on one signal, the one that was added goes first: then the other decides nothing.
    earlier.nth(1).press("Enter")
    expect(sliders.nth(1)).to_be_focused()
    earlier.nth(1).press("Enter")
    expect(sliders.first).to_be_focused()
    expect(sliders.first).to_have_value("0.7")
    expect(decides.nth(2)).to_have_text("decides 65 (33%)")
    expect(decides.nth(3)).to_have_text("decides 0 (0%)")
    thresholds.get_by_role("button", name="Remove the rule on Mean log-probability").press("Enter")
    expect(thresholds.get_by_role("slider", name="Mean entropy")).to_be_focused()
    expect(decides).to_have_text(["decides 74 (37%)", "decides 65 (33%)", "decides 0 (0%)", ABSENT])

    keep = page.get_by_role("region", name="Save")
    keep.get_by_role("textbox", name="Name of the policy").fill("two on one signal")
    keep.get_by_role("button", name="Save").click()
    expect(keep.get_by_role("status")).to_contain_text("Saved as two on one signal@")
    [saved] = [one for one in served.workbench.store.policies.list() if one.name == "two on one signal"]
    added = Rule(signal="top1_prob", below=0.7, gate="abstain")
    assert Policy.model_validate_json(saved.body).rules == (DEFAULT_RULES[1], added, *DEFAULT_RULES[2:])

    for left in (3, 2, 1, 0):
        remove = thresholds.get_by_role("button", name="Remove the rule on")
        remove.first.press("Enter")
        expect(remove).to_have_count(left)
    expect(new).to_be_focused()
    expect(stack).to_have_attribute("aria-label", before)
    thresholds.get_by_role("button", name="Reset").click()
    expect(decides).to_have_count(len(DEFAULT_RULES))
