"""Evaluation in the browser: runs asked, watched, stopped, gone on with, opened, read and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from codex.datasets.importing import delete
from codex.datasets.library import find
from tests.support.browsing import CANBERRA, OPENED, Scripted, Served, tab_to
from tests.support.evaluated import put_run

MEASURED = 180_000
"""Milliseconds in which a small run is surely measured on a busy machine."""
HOSTILE = "<img src=x onerror=window.hacked=1>${window.hacked=1}{{value}}"


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_runs(scripted)
    yield scripted
    forget_runs(scripted)


def forget_runs(served: Served) -> None:
    for summary in served.workbench.store.runs.list():
        served.workbench.store.runs.delete(summary.run.id)


def open_evaluate(page: Page, served: Served, query: str = "") -> None:
    page.goto(f"{served.url}evaluate{query}")
    if query:
        expect(page.get_by_role("button", name="All runs")).to_be_visible(timeout=OPENED)
    else:
        sets = page.get_by_role("combobox", name="Dataset")
        expect(sets).to_contain_text("capitals", timeout=OPENED)


def line(page: Page, name: str) -> Locator:
    """A line of the leaderboard."""
    board = page.get_by_role("region", name="Leaderboard")
    return board.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def start(page: Page, dataset: str, limit: int, name: str) -> None:
    page.get_by_role("combobox", name="Dataset").select_option(dataset)
    page.get_by_role("spinbutton", name="Limit").fill(str(limit))
    page.get_by_role("spinbutton", name="Samples").fill("2")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Start", exact=True).click()


def test_a_newcomer_starts_a_first_run_stops_it_and_resumes_it(page: Page, served: Scripted) -> None:
    served.engine.delay = 0.1  # a minute for all, in which what is looked for is surely seen
    open_evaluate(page, served)
    page.get_by_role("button", name="Ask 100 questions from capitals").click()
    work = page.get_by_role("region", name="Evaluation")
    expect(work.get_by_role("progressbar", name="Asking capitals")).to_be_visible()
    expect(work).to_contain_text(re.compile(r"\d+ of 100 questions · .* questions/s · about .* left"))
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    expect(line(page, "capitals")).to_contain_text("running")
    expect(work).to_be_focused()
    work.get_by_role("button", name="Cancel").click()
    expect(work).to_be_focused()
    expect(work).to_contain_text("Stopped. The answers so far are saved")
    row = line(page, "capitals")
    expect(row).to_contain_text("stopped")
    expect(row).to_contain_text("of 100")
    served.engine.delay = 0.0
    asked = len(served.engine.decodes)
    row.get_by_role("button", name="Resume capitals").click()
    expect(work).to_be_focused()
    expect(work).to_contain_text("Done: 100 answers graded")
    expect(row).to_contain_text("done")
    # What was asked before the stop is not asked again; a question on its way at the stop may be.
    assert len(served.engine.decodes) - asked < 100
    assert served.workbench.store.runs.list()[0].done == 100


def test_a_form_says_what_its_run_is_good_for_and_a_run_is_extended(page: Page, served: Scripted) -> None:
    open_evaluate(page, served)
    said = page.get_by_role("status", name="Estimate")
    page.get_by_role("combobox", name="Dataset").select_option("capitals")
    page.get_by_role("spinbutton", name="Limit").fill("60")
    expect(said).to_contain_text("60 questions. How long they take is not measured yet")
    expect(said).to_contain_text("A calibrator needs at least 30 questions in the calibration half")
    page.get_by_role("spinbutton", name="Limit").fill("")
    expect(said).to_contain_text("That is enough.")
    start(page, "capitals", 4, "short")
    work = page.get_by_role("region", name="Evaluation")
    expect(work).to_contain_text("Done: 4 answers graded")
    expect(said).to_contain_text("4 questions: about")
    page.get_by_role("spinbutton", name="Limit").fill("0")
    expect(said).to_be_empty()
    line(page, "short").get_by_role("button", name="Extend short").click()
    more = page.get_by_role("spinbutton", name="More questions")
    expect(more).to_be_focused()
    more.fill("100000")
    more.press("Enter")
    expect(page.get_by_role("alertdialog", name="Extend short")).to_contain_text("be extended to 100,004")
    more.fill("3")
    more.press("Enter")
    expect(work).to_contain_text("Done: 7 answers graded")
    expect(line(page, "short")).to_contain_text("7")
    assert [run.done for run in served.workbench.store.runs.list()] == [7]


def test_a_real_model_answers_a_handful_of_questions(page: Page, real: Served) -> None:
    forget_runs(real)
    open_evaluate(page, real)
    start(page, "capitals", 3, "a handful")
    work = page.get_by_role("region", name="Evaluation")
    expect(work).to_contain_text("Done: 3 answers graded", timeout=MEASURED)
    work.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", name="a handful")).to_be_visible()
    questions = page.get_by_role("region", name="Questions")
    questions.get_by_role("link").first.click()
    reader = page.get_by_role("complementary", name="Question")
    expect(
        reader.get_by_role("listbox", name="Answer, token by token").get_by_role("option").first
    ).to_be_visible()
    reader.get_by_role("tab", name="Samples").click()
    expect(reader).to_contain_text("Asked 2 more times")
    forget_runs(real)


def test_questions_show_the_measured_confidence_as_soon_as_it_is_known(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=60)
    page.goto(f"{served.url}evaluate?run=run-1")
    row = page.get_by_role("region", name="Questions").get_by_role("row").nth(1)
    row.get_by_role("link").click()
    reader = page.get_by_role("complementary", name="Question")
    expect(reader).to_contain_text(re.compile(r"confidence \d+%"))
    expect(page.get_by_role("figure", name="AUROC of each signal")).to_be_visible(timeout=MEASURED)
    later = page.context.new_page()
    later.goto(page.url)
    known = later.get_by_role("region", name="Questions").get_by_role("row").nth(1)
    expect(known).to_contain_text(re.compile(r"\d+%"))
    sure = known.get_by_role("cell").last.inner_text()
    later.close()
    expect(row.get_by_role("cell").last).to_have_text(sure)
    expect(reader).to_contain_text(f"confidence {sure}, cross-fitted on this run")


def test_a_run_opens_to_its_signals_its_questions_and_their_tokens(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=60, failed=2)
    open_evaluate(page, served)
    row = line(page, "capitals, as they are")
    # Figures arrive by themselves, measured in the background.
    expect(row).to_contain_text(re.compile(r"0\.\d\d"), timeout=MEASURED)
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"run=run-1"))
    ranking = page.get_by_role("region", name="Signals by AUROC")
    expect(ranking.get_by_role("figure", name="AUROC of each signal")).to_be_visible(timeout=MEASURED)
    ranking.get_by_text("Table", exact=True).click()
    expect(ranking.get_by_role("row", name="Cross-fitted confidence")).to_be_visible()
    expect(ranking.get_by_role("columnheader")).to_have_text(["signal", "AUROC", "95% from", "to"])

    scatter = page.get_by_role("region", name="Signal against signal")
    scatter.get_by_role("combobox", name="X axis").select_option("Agreeing samples (focus)")
    expect(scatter.get_by_role("figure", name="against Agreeing samples (focus)")).to_be_visible()

    questions = page.get_by_role("region", name="Questions")
    questions.get_by_text("incorrect", exact=False).first.click()
    expect(questions.get_by_role("row").filter(has_text=re.compile(r"\bcorrect"))).to_have_count(0)
    questions.get_by_role("button", name="Confidence").click()
    expect(questions.get_by_role("columnheader", name="Confidence")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(questions.get_by_role("table")).not_to_have_attribute("aria-busy", "true")
    first, second = (questions.get_by_role("link").nth(at).inner_text() for at in (0, 1))
    questions.get_by_role("link").first.click()
    reader = page.get_by_role("complementary", name="Question")
    expect(reader.get_by_role("heading", name=first)).to_be_focused()
    expect(reader).to_contain_text("Instead it could have said")
    expect(reader.get_by_role("tab", name="Evidence")).to_be_hidden()
    reader.get_by_role("button", name="Next question").click()
    expect(reader.get_by_role("heading", name=second)).to_be_visible()
    page.reload()
    expect(reader.get_by_role("heading", name=second)).to_be_focused()
    page.keyboard.press("Escape")
    expect(reader).to_be_hidden()
    questions.get_by_text("not graded", exact=False).first.click()
    expect(questions.get_by_role("row").filter(has_text="failed")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "capitals-as-they-are-records.csv"
    page.get_by_role("button", name="All runs").click()
    expect(row.get_by_role("link")).to_be_focused()


def test_the_leaderboard_sorts_and_a_run_is_deleted_only_after_a_question(
    page: Page, served: Scripted
) -> None:
    store = served.workbench.store
    put_run(store, "one", name="one", graded=5)
    put_run(store, "two", name=HOSTILE, graded=12)
    open_evaluate(page, served)
    board = page.get_by_role("region", name="Leaderboard")
    names = board.get_by_role("rowheader").get_by_role("link")
    board.get_by_role("button", name="Questions").click()
    expect(names).to_have_text([HOSTILE, "one"])
    board.get_by_role("button", name="Questions").click()
    expect(names).to_have_text(["one", HOSTILE])
    remove = board.get_by_role("button", name=f"Delete {HOSTILE}")
    remove.click()
    asked = page.get_by_role("alertdialog", name="Delete a run")
    expect(asked.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(remove).to_be_focused()
    remove.press("Enter")
    asked.get_by_role("button", name="Delete", exact=True).click()
    expect(names).to_have_text(["one"])
    assert [each.run.id for each in store.runs.list()] == ["one"]
    assert page.evaluate("window.hacked") is None


def test_a_run_that_is_deleted_while_it_is_read_says_so_and_stays_in_sight(
    page: Page, served: Scripted
) -> None:
    put_run(served.workbench.store, graded=12)
    open_evaluate(page, served, "?run=run-1")
    run = page.get_by_role("region", name="Run", exact=True)
    expect(run).to_contain_text("30 are needed", timeout=MEASURED)
    questions = page.get_by_role("region", name="Questions")
    expect(questions.get_by_role("link")).to_have_count(12)
    served.workbench.store.runs.delete("run-1")
    expect(run.get_by_role("alert")).to_contain_text("This run was deleted")
    expect(questions.get_by_role("link")).to_have_count(12)
    questions.get_by_role("link").first.click()
    reader = page.get_by_role("complementary", name="Question")
    expect(reader.get_by_role("alert")).to_contain_text("deleted")
    page.reload()
    expect(page.get_by_role("heading", name="This run cannot be shown")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(run.get_by_role("alert")).to_contain_text("deleted")


def test_what_cannot_be_asked_is_said_beside_the_form_and_nothing_typed_is_lost(
    page: Page, served: Scripted
) -> None:
    open_evaluate(page, served)
    page.get_by_role("textbox", name="Name").fill("mine")
    page.get_by_role("spinbutton", name="Temperature").fill("4.5")
    # The server's own answer is wanted here, not the browser's.
    page.get_by_role("spinbutton", name="Temperature").evaluate("(input) => input.removeAttribute('max')")
    page.get_by_role("spinbutton", name="Temperature").fill("99")
    page.get_by_role("button", name="Start", exact=True).click()
    form = page.get_by_role("complementary", name="New run")
    expect(form.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("mine")
    assert served.workbench.store.runs.list() == []


def test_a_run_can_be_started_opened_and_read_with_the_keyboard_alone(page: Page, served: Scripted) -> None:
    served.scripts["capital"] = CANBERRA
    open_evaluate(page, served)
    page.get_by_role("combobox", name="Dataset").focus()
    page.keyboard.type("capitals")
    tab_to(page, page.get_by_role("spinbutton", name="Limit"))
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    work = page.get_by_role("region", name="Evaluation")
    expect(work).to_contain_text("Done: 3 answers graded")
    work.get_by_role("button", name="Open it").press("Enter")
    expect(page.get_by_role("button", name="All runs")).to_be_focused()
    questions = page.get_by_role("region", name="Questions")
    questions.get_by_role("link").first.press("Enter")
    reader = page.get_by_role("complementary", name="Question")
    expect(reader.get_by_role("heading").first).to_be_focused()
    tokens = reader.get_by_role("listbox", name="Answer, token by token")
    tokens.locator("[tabindex='0']").press("ArrowLeft")
    expect(reader).to_contain_text("token 4 of")
    page.keyboard.press("Escape")
    expect(questions.get_by_role("link").first).to_be_focused()


def test_a_person_corrects_a_grade_and_takes_it_back(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=40)
    open_evaluate(page, served, "?run=run-1&question=q1")
    reader = page.get_by_role("complementary", name="Question")
    run = page.get_by_role("region", name="Run", exact=True)
    questions = page.get_by_role("region", name="Questions")
    verdict = reader.get_by_role("group", name="Your verdict")
    correct = served.workbench.store.runs.record("run-1", "q1").correct
    said, other = ("correct", "incorrect") if correct else ("incorrect", "correct")
    expect(verdict.get_by_role("radio", name="the grader's")).to_be_checked()
    verdict.get_by_text(other, exact=True).click()
    expect(reader).to_contain_text(f"{other} · by a person grader: {said}")
    expect(run).to_contain_text("1 grade corrected by a person", timeout=MEASURED)
    row = questions.get_by_role("row").filter(has_text="Brazil, question 1?")
    expect(row).to_contain_text(f"{other} · by a person")
    questions.get_by_text("by a person", exact=False).first.click()
    expect(questions.get_by_role("link")).to_have_count(1)
    verdict.get_by_text("the grader's").click()
    expect(questions).to_contain_text("No question matches.")
    expect(run).not_to_contain_text("by a person")
    assert served.workbench.store.runs.get("run-1").by_person == 0


def test_questions_are_searched_and_copied_as_a_table(page: Page, served: Scripted) -> None:
    put_run(served.workbench.store, graded=30)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_evaluate(page, served, "?run=run-1")
    questions = page.get_by_role("region", name="Questions")
    questions.get_by_role("searchbox", name="Search questions and answers").fill("japan question 1")
    expect(questions.get_by_role("link")).to_have_text(["What is the capital of Japan, question 19?"])
    expect(questions.get_by_role("radio", name="all 1")).to_be_checked()
    questions.get_by_role("button", name="Copy as table").click()
    expect(questions.get_by_role("status")).to_have_text("1 question copied")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["id", "q19"]


def test_two_runs_are_compared_at_an_address_of_its_own(page: Page, served: Scripted) -> None:
    store = served.workbench.store
    put_run(store, "run-1", name="mine", graded=60)
    put_run(store, "other", name="theirs", graded=60, correct=lambda chance, rng: chance > 0.5)
    open_evaluate(page, served, "?run=run-1")
    page.get_by_role("combobox", name="Compare with").select_option("other")
    compared = page.get_by_role("region", name="Comparison")
    expect(compared.get_by_role("status")).to_contain_text(
        "of 60 shared questions correctly than theirs", timeout=MEASURED
    )
    expect(page).to_have_url(re.compile(r"run=run-1&against=other"))
    metrics = compared.get_by_role("table", name="Metrics of both runs")
    expect(metrics.get_by_role("row", name="AUROC")).to_contain_text("[", timeout=MEASURED)
    compared.get_by_text(re.compile("^lost")).click()
    expect(compared.get_by_role("radio", name="lost")).to_be_checked()
    expect(compared.get_by_role("table").last).not_to_have_attribute("aria-busy", "true")
    first = compared.get_by_role("link").first
    asked = first.inner_text()
    first.click()
    reader = page.get_by_role("complementary", name="Question")
    expect(reader.get_by_role("heading", name=asked)).to_be_focused()
    expect(reader).to_contain_text("incorrect")
    page.go_back()
    page.go_back()
    expect(compared).to_be_hidden()
    expect(page.get_by_role("heading", name="mine")).to_be_visible()
    page.go_forward()
    expect(compared.get_by_role("status")).to_contain_text("of 60 shared questions")
    compared.get_by_role("button", name="Close the comparison").click()
    expect(compared).to_be_hidden()
    assert "against" not in page.url


def test_a_slice_limits_the_list_and_a_selection_in_the_plot_becomes_a_dataset(
    page: Page, served: Scripted
) -> None:
    put_run(served.workbench.store, graded=60)
    open_evaluate(page, served, "?run=run-1")
    slices = page.get_by_role("region", name="Slices")
    questions = page.get_by_role("region", name="Questions")
    slices.get_by_role("combobox", name="Slice by").select_option("question length")
    row = slices.get_by_role("table", name="Slices").get_by_role("row").nth(1)
    amount = int(row.get_by_role("cell").first.inner_text())
    row.get_by_role("button").click()
    expect(questions.get_by_role("link")).to_have_count(amount)
    limited = questions.get_by_role("form", name="Subset")
    expect(limited).to_contain_text("Only question length:")
    limited.get_by_role("button", name="Show all questions").click()
    expect(limited).to_be_hidden()

    scatter = page.get_by_role("region", name="Signal against signal")
    expect(scatter.get_by_role("figure")).to_be_visible(timeout=MEASURED)
    scatter.get_by_role("combobox", name="Colour by").select_option("question length")
    expect(scatter.locator(".legend")).to_contain_text(", correct")
    plot = scatter.get_by_role("figure").locator(".nsewdrag")
    scatter.get_by_role("figure").hover()
    scatter.locator("[data-title='Box Select']").click()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=5)
    page.mouse.up()
    expect(limited).to_contain_text(re.compile(r"Only \d+ selected"))
    limited.get_by_role("textbox", name="Name").fill("taken-from-the-plot")
    limited.get_by_role("button", name="Keep as a subset").click()
    expect(limited.get_by_role("status")).to_contain_text("Kept as the dataset taken-from-the-plot")
    kept = find("taken-from-the-plot", served.workbench.settings.home)
    assert 0 < kept.rows < 60
    delete("taken-from-the-plot", served.workbench.settings.home)
