"""Answers that come late: what is asked last is shown, and a second press or another step changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from codex.pages.tune.policies import to_yaml
from codex.policy import Policy
from tests.browser import documents
from tests.browser.documents import BEES, FISH, indexed, open_documents, row
from tests.support.browsing import Scripted, ask, forget_all, open_page, open_tune, slider, stack
from tests.support.evaluated import put_run
from tests.support.kept_run import keep_run

CALLS = re.compile("/component_server")


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    documents.forget_all(scripted)
    yield scripted
    forget_all(scripted)
    documents.forget_all(scripted)


@contextmanager
def late(page: Page, call: str) -> Iterator[None]:
    """The first answer to this call comes at the end of the block, as it was when it was asked for."""
    held: list[Route] = []
    answers: list[APIResponse] = []

    def asked(route: Route) -> None:
        if held or route.request.post_data_json["fn_name"] != call:
            route.continue_()
        else:
            held.append(route)  # before the server is asked: the next call may come while it works
            answers.append(route.fetch())

    page.route(CALLS, asked)
    yield
    while not answers:
        page.wait_for_timeout(10)
    [route], [answer] = held, answers
    with page.expect_response(lambda response: response.request == route.request) as came:
        route.fulfill(response=answer)
    came.value.finished()
    # A file that is fetched and read after it: by then the page has read the answer too.
    page.evaluate("() => fetch('codex-assets/logo.svg').then((file) => file.text())")
    page.unroute(CALLS, asked)


def test_the_session_that_is_clicked_last_is_opened(page: Page, scripted: Scripted) -> None:
    scripted.workbench.store.privacy = "full"
    open_page(page, scripted.url)
    for question in ("Which is the first?", "Which is the second?"):
        ask(page, question)
        page.get_by_role("button", name="New").click()
    sessions = page.get_by_role("navigation", name="Sessions")
    with late(page, "look"):
        sessions.get_by_role("link", name="first").click()
        sessions.get_by_role("link", name="second").click()
        expect(page.get_by_role("heading", name="Which is the second?")).to_be_visible()
    expect(page.get_by_role("heading", name="Which is the second?")).to_be_visible()
    expect(sessions.locator("[aria-current='page']")).to_have_text("Which is the second?")


def test_the_keyboard_reaches_the_field_at_fault_when_it_comes_late(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    indexed(served, tmp_path, {"bees.txt": BEES})
    page.add_init_script("sessionStorage.setItem('codex.documents', '[\"gone.txt\"]')")
    with late(page, "look"):
        open_page(page, served.url)
        page.get_by_role("textbox", name="Question").fill("Where is it kept?")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(has_text="called 'gone.txt'")).to_be_visible()
        expect(page.get_by_role("button", name="In gone.txt")).to_have_count(0)
    expect(page.get_by_role("button", name="In gone.txt")).to_be_focused()


def test_the_run_that_is_picked_last_is_tuned_on(page: Page, served: Scripted) -> None:
    for run_id, n in (("r1", 200), ("r2", 60), ("r3", 40)):
        keep_run(served.workbench.store, run_id, run_id, n)
    page.goto(f"{served.url}tune?run=r1")
    run = page.get_by_role("region", name="Run")
    picker = run.get_by_role("combobox", name="Run")
    expect(run).to_contain_text("200 graded answers")
    with late(page, "open"):
        picker.select_option("r2")
        picker.select_option("r3")
        expect(run).to_contain_text("40 graded answers")
    expect(run).to_contain_text("40 graded answers")
    expect(picker).to_have_value("r3")


def test_counts_of_other_rules_than_those_on_the_sliders_do_no_harm(page: Page, served: Scripted) -> None:
    open_tune(page, served)
    without_rules = to_yaml(Policy(name="other", rules=(), answer_above=0.31)).encode()
    with late(page, "move"):
        page.get_by_label("Policy file").set_input_files(
            {"name": "other.yaml", "mimeType": "text/yaml", "buffer": without_rules}
        )
        expect(slider(page, "entropy")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(slider(page, "entropy")).to_have_count(1)
    expect(stack(page)).to_have_attribute("aria-label", "answer 51%, defer 30%, abstain 20%")


def test_a_page_is_turned_once_by_a_double_press(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=160)
    page.goto(f"{served.url}evaluate?run=run-1")
    pages = page.get_by_role("navigation", name="Pages of the questions")
    expect(pages).to_contain_text("1–50 of 160")
    with late(page, "questions"):
        for _ in range(2):
            pages.get_by_role("button", name="Next page").click()
        expect(pages).to_contain_text("51–100 of 160")
    expect(pages).to_contain_text("51–100 of 160")
    expect(pages.get_by_role("button", name="Next page")).to_be_focused()


def test_a_question_that_was_closed_before_it_came_stays_closed(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=12)
    page.goto(f"{served.url}evaluate?run=run-1")
    links = page.get_by_role("region", name="Questions").get_by_role("link")
    reader = page.get_by_role("complementary", name="Question")
    links.first.click()
    expect(reader.get_by_role("option").first).to_be_visible()
    with late(page, "question"):
        reader.get_by_role("button", name="Next question").click()
        reader.get_by_role("button", name="Close the question").click()
        expect(links.nth(1)).to_be_focused()
    expect(reader).to_be_hidden()
    expect(links.nth(1)).to_be_focused()


def test_a_second_removal_is_not_answered_by_the_end_of_the_first(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    indexed(served, tmp_path, {"bees.txt": BEES, "fish.txt": FISH})
    open_documents(page, served)
    asked = page.get_by_role("alertdialog", name="Remove documents")
    with late(page, "remove"):
        row(page, "bees.txt").get_by_role("button", name="Remove").click()
        asked.get_by_role("button", name="Remove", exact=True).click()
        expect(asked.get_by_role("button", name="Removing …")).to_be_disabled()
        expect(row(page, "bees.txt")).to_have_count(0)
        row(page, "fish.txt").get_by_role("button", name="Remove").click()
        expect(asked).to_contain_text("fish.txt")
    expect(asked).to_contain_text("fish.txt")
    expect(asked.get_by_role("button", name="Keep")).to_be_focused()
