"""Policies, runs and calibrators are named, renamed and deleted where they are listed, by keyboard too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from codex.policy import Policy, PolicyGuarantee
from tests.support.browsing import OPENED, Scripted, open_tune
from tests.support.evaluated import put_calibrator, put_run


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget(scripted)
    yield scripted
    forget(scripted)


def forget(served: Scripted) -> None:
    store, active = served.workbench.store, served.workbench.active
    active.activate_policy(None)
    active.activate_calibrator(None)
    for policy in store.policies.list():
        store.policies.delete(policy.version)
    for calibrator in store.calibrators.list():
        store.calibrators.delete(calibrator.version)
    for summary in store.runs.list():
        store.runs.delete(summary.run.id)


def keep(served: Scripted, policy: Policy) -> str:
    served.workbench.store.policies.save(policy.version, policy.name, policy.model_dump_json())
    return policy.version


def name_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Name of the policy")


def rename(page: Page, old: str, new: str) -> None:
    """With the keyboard alone, from the button that says so."""
    page.get_by_role("button", name=f"Rename {old}" if old else "Rename").press("Enter")
    field = page.get_by_role("alertdialog", name=f"Rename {old}").get_by_role("textbox", name="New name")
    expect(field).to_be_focused()
    expect(field).to_have_value(old)
    page.keyboard.type(new)  # what was there is selected
    page.keyboard.press("Enter")


def test_a_typed_name_stays_whatever_is_moved_until_a_policy_is_loaded(page: Page, served: Scripted) -> None:
    keep(served, Policy(name="careful", answer_above=0.9))
    open_tune(page, served)
    threshold = page.get_by_role("textbox", name="Answer at or above", exact=True)
    expect(name_field(page)).to_have_value("default")
    name_field(page).fill("my threshold")
    for value in ("60", "70"):
        threshold.fill(value)
        threshold.press("Enter")
    page.get_by_role("button", name="Undo").click()
    target = page.get_by_role("form", name="Target")
    target.get_by_role("textbox", name="Questions answered").fill("25")
    page.keyboard.press("Enter")
    expect(target.get_by_role("status")).to_contain_text("95% confidence level")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(name_field(page)).to_have_value("my threshold")
    page.reload()
    expect(name_field(page)).to_have_value("my threshold")
    saved = page.get_by_role("region", name="Policies", exact=True)
    saved.get_by_role("button", name="careful careful@").click()
    expect(threshold).to_have_value("90")
    expect(name_field(page)).to_have_value("careful")


def test_a_policy_is_renamed_and_deleted_by_keyboard(page: Page, served: Scripted) -> None:
    version = keep(served, Policy(name="careful", answer_above=0.9))
    active = Policy(name="bold", answer_above=0.3)
    served.workbench.active.activate_policy(active)
    open_tune(page, served)
    saved = page.get_by_role("region", name="Policies", exact=True)
    expect(saved.get_by_role("button", name="Delete bold")).to_be_disabled()
    rename(page, "careful", "for the demo")
    expect(page.get_by_role("button", name="Rename for the demo")).to_be_focused()
    expect(saved).to_contain_text(version)  # as it stands in what was stored
    [renamed] = [it for it in served.workbench.store.policies.list() if it.version == version]
    assert renamed.name == "for the demo"

    rename(page, "for the demo", " ")
    asked = page.get_by_role("alertdialog", name="Rename for the demo")
    expect(asked.get_by_role("alert")).to_contain_text("1 to 80 characters")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rename for the demo")).to_be_focused()

    saved.get_by_role("button", name="for the demo careful@").click()
    page.get_by_role("region", name="Save").get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Save")).to_contain_text(f"Saved as {version}")
    expect(saved.get_by_role("listitem")).to_have_count(3)  # the settings' one too; no second of the same

    saved.get_by_role("button", name="Delete for the demo").press("Enter")
    asked = page.get_by_role("alertdialog", name="Delete a policy")
    expect(asked.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(saved).not_to_contain_text("for the demo")
    assert [it.version for it in served.workbench.store.policies.list()] == [active.version]


def test_a_run_is_renamed_and_one_that_a_guarantee_rests_on_is_not_deleted(
    page: Page, served: Scripted
) -> None:
    run = put_run(served.workbench.store, name="old name")
    proven = PolicyGuarantee(
        risk=0.1, confidence_level=0.95, calibrator="x@1", run=run.id, questions=9, answered=5, incorrect=0
    )
    keep(served, Policy(name="proven", guarantee=proven))
    page.goto(f"{served.url}evaluate")
    board = page.get_by_role("region", name="Leaderboard")
    expect(board).to_contain_text("old name", timeout=OPENED)
    rename(page, "old name", "new name")
    expect(board.get_by_role("link", name="new name")).to_be_visible()
    expect(page.get_by_role("button", name="Rename new name")).to_be_focused()
    board.get_by_role("button", name="Delete new name").click()
    asked = page.get_by_role("alertdialog", name="Delete a run")
    asked.get_by_role("button", name="Delete", exact=True).click()
    expect(asked.get_by_role("alert")).to_contain_text("first delete that policy")
    assert served.workbench.store.runs.get(run.id).run.name == "new name"


def test_a_renamed_calibrator_is_shown_under_its_name_beside_its_version(
    page: Page, served: Scripted
) -> None:
    store = served.workbench.store
    version = put_calibrator(store, put_run(store))
    page.goto(f"{served.url}calibrate")
    card = page.get_by_role("region", name="Calibrator", exact=True)
    expect(card.get_by_role("heading", name=version)).to_be_visible(timeout=OPENED)
    card.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("autumn")
    page.keyboard.press("Enter")
    expect(card.get_by_role("heading", name=f"autumn ({version})")).to_be_visible()
    expect(card.get_by_role("button", name="Rename")).to_be_focused()
    expect(page.get_by_role("region", name="Saved calibrators")).to_contain_text(f"autumn ({version})")
    assert store.calibrators.load(version).name == "autumn"
