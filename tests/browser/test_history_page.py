"""The Sessions page: found, opened as it looked, compared, replayed, deleted for good."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from codex.policy import Policy
from codex.text import sha256
from tests.support.browsing import ANSWERED, OPENED, PATIENCE, Scripted, forget_all
from tests.support.serving import eventually
from tests.support.traces import make_trace


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    scripted.reset()
    scripted.workbench.store.privacy = "full"
    return scripted


def fill(served: Scripted, traces: int, *, session: str = "s") -> None:
    for number in range(traces):
        served.workbench.store.save(
            replace(
                make_trace(number, question=f"question {number}", session=session, samples=1),
                id=f"trace-{session}-{number}",
            )
        )


def lines(page: Page) -> Locator:
    return page.locator(".cx-traces tbody a")


def open_history(page: Page, served: Scripted, count: int, query: str = "") -> None:
    page.goto(f"{served.url}history{query}")
    expect(lines(page)).to_have_count(count, timeout=OPENED)


def test_where_nothing_was_asked_the_page_says_what_to_do(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}history")
    expect(page.get_by_role("heading", name="Nothing was asked yet")).to_be_visible(timeout=OPENED)
    page.get_by_role("link", name="Ask a question").click()
    expect(page.get_by_role("textbox", name="Question")).to_be_visible(timeout=OPENED)


def test_pages_are_turned_and_an_answer_is_opened_by_the_keyboard_alone(page: Page, served: Scripted) -> None:
    fill(served, 60)
    open_history(page, served, 50)
    lines(page).first.focus()
    page.keyboard.press("PageDown")
    expect(page.get_by_role("navigation", name="Pages of the answers")).to_contain_text("51–60 of 60")
    expect(lines(page).first).to_be_focused()
    expect(lines(page).first).to_have_text("question 9")
    # What comes in meanwhile moves nothing.
    fill(served, 1, session="later")
    page.keyboard.press("PageUp")
    expect(lines(page).first).to_be_focused()
    expect(page.get_by_role("navigation", name="Pages of the answers")).to_contain_text("of 61")
    page.keyboard.press("ArrowDown")
    expect(lines(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="question 59", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="question 59", exact=True)).to_have_count(0)


def test_the_list_is_filtered_as_one_types_and_the_address_keeps_it(page: Page, served: Scripted) -> None:
    fill(served, 4)
    open_history(page, served, 4)
    search = page.get_by_role("searchbox", name="Search questions and answers")
    search.fill("QUESTION 3")
    expect(lines(page)).to_have_text(["question 3"])
    exported = page.get_by_role("link", name="JSONL", exact=True).get_attribute("href")
    assert exported is not None
    assert "text=QUESTION+3" in exported
    page.reload()
    expect(lines(page)).to_have_text(["question 3"], timeout=OPENED)
    search.fill("nowhere")
    expect(page.get_by_text("No answer matches.")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").last.click()
    expect(lines(page)).to_have_count(4)
    page.locator("summary", has_text="Filters").click()
    page.get_by_role("combobox", name="Decision").select_option("answer")
    expect(page.get_by_text("No answer matches.")).to_be_visible()
    page.get_by_role("combobox", name="Decision").select_option("defer")
    expect(lines(page)).to_have_count(4)


def test_an_export_is_downloaded(page: Page, served: Scripted) -> None:
    fill(served, 2)
    open_history(page, served, 2)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSONL", exact=True).click()
    assert download.value.path().read_text().count("question_sha256") == 2


def test_an_answer_is_shown_as_it_looked_and_another_policy_decides_again(
    page: Page, served: Scripted
) -> None:
    trace = served.workbench.answer("What is the capital?", n_samples=2)
    strict = Policy(name="strict", rules=(), answer_above=1.0, abstain_below=1.0)
    served.workbench.store.policies.save(strict.version, "strict", strict.model_dump_json())
    open_history(page, served, 1)
    lines(page).first.click()
    heat = page.get_by_role("listbox", name="Answer, token by token")
    expect(heat.get_by_role("option")).to_have_count(len(trace.last.observation.generation.tokens))
    page.get_by_role("tab", name="Samples").click()
    expect(page.get_by_role("region", name="Inspector")).to_contain_text("Sydney")
    page.get_by_role("combobox", name="Another policy").select_option(label=strict.version)
    page.get_by_role("button", name="Decide again").click()
    actions = page.get_by_role("group", name="Actions")
    expect(actions).to_contain_text("abstain")
    assert served.workbench.store.history.page().total == 1


def test_a_question_is_asked_again_and_both_answers_are_compared(page: Page, served: Scripted) -> None:
    served.workbench.answer("What is the capital?", n_samples=2)
    open_history(page, served, 1)
    lines(page).first.click()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("heading", name="Two answers compared")).to_be_focused(timeout=ANSWERED)
    expect(page.get_by_text("Question, answer, model and policy are the same.")).to_be_visible()
    found = served.workbench.store.history.page().traces
    assert len({line.id for line in found}) == 2
    assert len({line.session_id for line in found}) == 1
    page.get_by_role("button", name="Back to the list").click()
    expect(lines(page)).to_have_count(2)


def test_asking_again_can_be_stopped_and_saves_nothing(page: Page, served: Scripted) -> None:
    served.workbench.answer("What is the capital?", n_samples=2)
    open_history(page, served, 1)
    lines(page).first.click()
    served.engine.delay = 0.5
    page.get_by_role("button", name="Ask again").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped; nothing was saved.")).to_be_visible(timeout=ANSWERED)
    assert served.workbench.store.history.page().total == 1


def test_of_a_question_that_was_not_saved_the_hash_is_shown_and_why_it_is_not_asked_again(
    page: Page, served: Scripted
) -> None:
    served.workbench.store.privacy = "hash"
    question = "question 0"
    served.workbench.store.save(replace(make_trace(0, question=question), question_sha256=sha256(question)))
    open_history(page, served, 1)
    expect(lines(page).first).to_contain_text(f"SHA-256 {sha256(question)[:12]}")
    page.get_by_role("searchbox").fill(question)
    expect(lines(page)).to_have_count(1)
    lines(page).first.click()
    expect(page.get_by_role("group", name="Actions")).to_contain_text("cannot be asked again")
    expect(page.get_by_role("button", name="Ask again")).to_have_count(0)


def test_a_session_is_deleted_for_good(page: Page, served: Scripted) -> None:
    fill(served, 2, session="gone")
    fill(served, 1, session="stays")
    open_history(page, served, 3)
    page.locator('[data-row="trace-gone-1"] a').click()
    page.get_by_role("button", name="Delete the session").press("Enter")
    confirmation = page.get_by_role("alertdialog")
    expect(confirmation).to_contain_text("its 2 answers for good")
    confirmation.get_by_role("button", name="Keep").click()
    expect(lines(page)).to_have_count(3)
    page.get_by_role("button", name="Delete the session").click()
    confirmation.get_by_role("button", name="Delete for good").click()
    expect(lines(page)).to_have_count(1)
    expect(page.get_by_text("Deleted for good: the database file was rewritten without it.")).to_be_visible()
    assert eventually(lambda: served.workbench.store.erasure.status.state == "none", PATIENCE)


def test_an_answer_that_was_deleted_while_it_was_open_says_so(page: Page, served: Scripted) -> None:
    fill(served, 2)
    open_history(page, served, 2)
    served.workbench.traces.forget_session("s")
    lines(page).first.click()
    expect(page.get_by_role("alert")).to_contain_text("No trace")
    open_history(page, served, 0, "?trace=trace-s-1")
    expect(page.get_by_role("alert")).to_contain_text("No trace")
