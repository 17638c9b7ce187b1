"""The Label page: judged with one finger, and nothing that was typed is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from codex.labelling.queues import Labelling
from codex.store.labelling.labels import Label, verdict_of
from tests.support.browsing import OPENED, Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_run

ANSWERS = 12


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    scripted.reset()
    put_run(scripted.workbench.store, "run-1", name="mine", graded=ANSWERS)
    return scripted


def open_label(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}label")
    expect(page.get_by_role("heading", name="New queue")).to_be_visible(timeout=OPENED)


def start(page: Page, source: str, **fields: str) -> None:
    page.get_by_role("combobox", name="Answers").select_option(source)
    for name, value in fields.items():
        page.get_by_role("textbox", name=name, exact=True).fill(value)
    page.get_by_role("button", name="Start labelling").press("Enter")


def question(page: Page) -> Locator:
    """Of the answer that is to be judged."""
    return page.locator(".cx-judged h3")


def judge(page: Page, key: str, done: int) -> str:
    """Judge the answer that is shown, and wait for the next one; returns the question."""
    expect(question(page)).to_be_focused()
    asked = question(page).inner_text()
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(question(page)).not_to_have_text(asked)
    expect(page.get_by_role("region", name="Labelling")).to_contain_text(f"{done} of {ANSWERS} labelled")
    return asked


def test_a_run_is_labelled_with_the_keyboard_alone_to_its_end(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    work = page.get_by_role("region", name="Labelling")
    seen = [judge(page, "1" if n % 3 else "2", n) for n in range(1, ANSWERS)]
    judge(page, "3", ANSWERS)
    assert len(set(seen)) == ANSWERS - 1
    expect(question(page)).to_have_text("Nothing waits for you here")
    expect(work).to_contain_text(f"of all {ANSWERS} are correct")
    said = [label.verdict for label in served.workbench.store.labels.of_run("run-1")]
    assert [said.count(word) for word in ("correct", "incorrect", "partly")] == [8, 3, 1]
    work.get_by_role("link", name="Calibrate with it").click()
    expect(page.get_by_role("checkbox", name="mine")).to_be_checked(timeout=OPENED)


def test_confidence_and_grade_are_hidden_until_the_verdict(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    work = page.get_by_role("region", name="Labelling")
    expect(question(page)).to_be_focused()
    expect(work).not_to_contain_text("grader")
    expect(work).not_to_contain_text("confidence")
    judge(page, "1", 1)
    expect(work).to_contain_text("The last answer. You: correct; the grader:")


def test_a_label_is_changed_and_taken_back(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    labels = served.workbench.store.labels
    asked = judge(page, "1", 1)
    page.keyboard.press("Backspace")
    expect(question(page)).to_have_text(asked)
    expect(page.get_by_role("radio", name="correct 1", exact=True)).to_be_checked()
    judge(page, "2", 1)
    assert [label.verdict for label in labels.of_run("run-1")] == ["incorrect"]
    expect(question(page)).not_to_have_text(asked)
    page.keyboard.press("u")
    expect(question(page)).to_have_text(asked)
    assert labels.of_run("run-1") == []


def test_what_was_typed_survives_a_reload_and_enter_needs_a_verdict(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    page.get_by_role("textbox", name="Correct answer").fill("Canberra 1")
    page.get_by_role("textbox", name="Correct answer").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Choose a verdict first")
    asked = question(page).inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.reload()
    expect(question(page)).to_have_text(asked)
    expect(page.get_by_role("textbox", name="Correct answer")).to_have_value("Canberra 1")
    expect(page.get_by_role("radio", name="incorrect 2")).to_be_checked()
    judge(page, "4", 1)
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert (label.verdict, label.correction) == ("unclear", "Canberra 1")
    expect(page.get_by_role("textbox", name="Correct answer")).to_have_value("")


def test_two_labellers_in_two_tabs_get_different_answers(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run", **{"Your name": "Ada"})
    expect(question(page)).to_be_focused()
    other = page.context.new_page()
    other.goto(page.url)
    expect(question(other)).to_have_text(question(page).inner_text())  # the same person
    other.evaluate("localStorage.setItem('codex.labeller', 'Bob')")
    other.reload()
    expect(question(other)).not_to_have_text(question(page).inner_text())
    expect(other.get_by_role("region", name="Labelling")).to_contain_text("Bob")


def test_a_deferred_question_is_labelled_and_ask_shows_it(page: Page, served: Scripted) -> None:
    served.workbench.store.privacy = "full"
    open_page(page, served.url)
    ask(page, "What is the capital of Australia?")
    open_label(page, served)
    start(page, "asked")
    expect(question(page)).to_have_text("What is the capital of Australia?")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Labelling")).to_contain_text("You: incorrect; Codex:")
    trace = served.workbench.store.counted_labels()[0].trace_id
    page.goto(f"{served.url}?trace={trace}")
    expect(page.get_by_role("button", name="Mark as incorrect")).to_have_attribute("aria-pressed", "true")


def test_an_empty_queue_says_why_and_back_closes_one(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "deferred")
    expect(page.get_by_role("alert")).to_contain_text("No question was deferred yet.")
    start(page, "run")
    expect(question(page)).to_be_focused()
    page.go_back()
    queues = page.get_by_role("region", name="Queues")
    expect(queues.get_by_role("row").filter(has_text="the run mine")).to_contain_text(f"0 of {ANSWERS}")
    queues.get_by_role("button", name="Delete run").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(queues).to_be_hidden()


def test_tokens_and_sentences_are_marked_with_the_keyboard_and_stored(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    expect(question(page)).to_be_focused()
    answer = page.get_by_role("listbox", name="Answer; mark what is incorrect")
    tokens = answer.get_by_role("option")
    expect(tokens).to_have_count(4)
    # Nothing of the model's probabilities is in the page before the verdict.
    assert "probability" not in page.locator(".cx-judged").inner_html()
    tokens.first.focus()
    for key in ("End", " ", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(answer.get_by_role("option", selected=True)).to_have_count(2)
    tokens.first.click()
    expect(answer.get_by_role("option", selected=True)).to_have_count(3)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Labelling")).to_contain_text(f"1 of {ANSWERS} labelled")
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert label.spans == ((0, 0), (2, 3))
    page.keyboard.press("Backspace")
    expect(answer.get_by_role("option", selected=True)).to_have_count(3)
    tokens.nth(1).focus()
    page.keyboard.press("s")
    expect(answer.get_by_role("option", selected=True)).to_have_count(4)
    tokens.nth(2).focus()
    page.keyboard.press("Enter")
    expect(question(page)).not_to_have_text("")
    expect(answer.get_by_role("option", selected=True)).to_have_count(0)
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert label.spans == ((0, 3),)


def test_tags_are_kept_and_each_answer_has_a_draft_of_its_own(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    tags = page.get_by_role("textbox", name="Tags, with commas between them")
    tags.fill("date, name,, date")
    tags.blur()
    other = page.context.new_page()
    other.goto(page.url)
    expect(question(other)).to_be_focused()
    other.get_by_role("textbox", name="Note").fill("in another tab")
    page.reload()
    expect(page.get_by_role("textbox", name="Note")).to_have_value("in another tab")
    expect(tags).to_have_value("date, name, date")
    question(page).focus()
    judge(page, "3", 1)
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert (label.tags, label.note) == (("date", "name"), "in another tab")


def test_a_label_of_another_tab_is_told_before_it_is_replaced(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    expect(question(page)).to_be_focused()
    other = page.context.new_page()
    other.goto(page.url)
    judge(other, "1", 1)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("labelled in another tab: correct")
    labels = served.workbench.store.labels
    assert [label.verdict for label in labels.of_run("run-1")] == ["correct"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Labelling")).to_contain_text("You: incorrect")
    assert [label.verdict for label in labels.of_run("run-1")] == ["incorrect"]


def test_an_answer_is_searched_and_labelled_out_of_turn(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    expect(question(page)).to_be_focused()
    page.keyboard.press("/")
    search = page.get_by_role("region", name="Search the queue")
    expect(search.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("question 7")
    search.get_by_role("button", name="question 7?").press("Enter")
    expect(question(page)).to_contain_text("question 7?")
    expect(search).to_be_hidden()
    judge(page, "1", 1)
    (label,) = served.workbench.store.labels.of_run("run-1")
    assert label.question_id == "q7"
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(search).to_contain_text("Nothing in this queue holds that.")
    page.keyboard.press("Escape")
    expect(question(page)).to_be_focused()


def test_keys_are_shown_and_changed_and_a_taken_one_is_refused(page: Page, served: Scripted) -> None:
    open_label(page, served)
    start(page, "run")
    expect(question(page)).to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_role("region", name="Keys")
    expect(keys.get_by_role("row")).to_have_count(11)
    change = keys.get_by_role("button", name="Change the key of Correct", exact=True)
    change.click()
    page.keyboard.press("2")
    expect(keys.get_by_role("alert")).to_contain_text("2 is the key of “Incorrect”")
    page.keyboard.press("j")
    expect(keys.get_by_role("row", name="Correct J")).to_be_visible()
    keys.get_by_role("button", name="Close").click()
    page.reload()
    expect(page.get_by_role("radio", name="correct J", exact=True)).to_be_visible()
    judge(page, "j", 1)
    assert [label.verdict for label in served.workbench.store.labels.of_run("run-1")] == ["correct"]
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="correct J", exact=True)).not_to_be_checked()


def test_labels_leave_and_come_back_on_the_page(page: Page, served: Scripted, tmp_path: Path) -> None:
    store = served.workbench.store
    store.labels.put(Label("run-1", "q1", "incorrect", "Ada", "=Rome"))
    open_label(page, served)
    files = page.get_by_role("region", name="Export and import")
    for words, name in (("CSV", "labels.csv"), ("Argilla", "labels.json"), ("Parquet", "labels.parquet")):
        files.get_by_role("combobox", name="Format").select_option(label=words)
        with page.expect_download() as download:
            files.get_by_role("link", name="Export").click()
        path = tmp_path / name
        download.value.save_as(path)
        before = store.labels.of_run("run-1")
        store.labels.take_back("run-1", "q1", "Ada")
        files.locator("input[type=file]").set_input_files(path)
        expect(files).to_contain_text("1 new, 0 replaced.")
        assert store.labels.of_run("run-1") == before
    bad = tmp_path / "bad.txt"
    bad.write_text("run_id,question_id,verdict\nrun-1,q1,good\n")
    files.locator("input[type=file]").set_input_files(bad)
    expect(files.get_by_role("alert")).to_contain_text(
        "bad.txt is not read; Codex reads csv, json, jsonl, parquet"
    )
    assert store.labels.of_run("run-1") == before


def test_labels_recalibrate_before_and_after_are_shown_and_a_click_activates(
    page: Page, served: Scripted
) -> None:
    store = served.workbench.store
    put_run(store, "run-2", name="many", graded=80, n_samples=0)
    labelling = Labelling(served.workbench)
    queue, _ = labelling.create("many", "run", run_id="run-2", order="random")
    for _ in range(79):
        key = labelling.next(queue.id, "")
        assert key is not None
        labelling.put(queue.id, Label(*key, verdict_of(store.runs.record(*key).correct)))
    page.goto(f"{served.url}label?queue={queue.id}")
    expect(question(page)).to_be_focused()
    more = page.locator(".cx-standing")
    more.get_by_text("Progress and recalibration").click()
    expect(more.get_by_role("img", name="Share of correct answers, after 1:")).to_be_visible()
    more.get_by_role("button", name="Recalibrate with these labels").click()
    rows = more.get_by_role("row")
    expect(rows.filter(has_text="Brier")).to_be_visible(timeout=120_000)
    expect(more).to_contain_text("79 labelled answers")
    more.get_by_role("button", name="Activate").click()
    expect(more).to_contain_text("is active.")
    active = served.workbench.active.calibrator
    assert active is not None
    assert active.name == "many"
    served.workbench.active.activate_calibrator(None)
