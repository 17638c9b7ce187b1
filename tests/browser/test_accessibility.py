"""Every page in its states, in both themes, wide and narrow: axe-core finds nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from codex.store import Store
from tests.browser import documents
from tests.browser.axe import require_axe, violations
from tests.support.browsing import (
    FITTED,
    OPENED,
    Scripted,
    ask,
    forget_all,
    open_page,
    open_tune,
)
from tests.support.evaluated import put_calibrator, put_run
from tests.support.kept_run import keep_run

States = Callable[[Page, Scripted], Iterator[str]]


def _run(store: Store) -> None:
    run = put_run(store, "good", name="capitals", graded=90, failed=2)
    put_calibrator(store, run)


@pytest.fixture
def served(scripted: Scripted, tmp_path: Path) -> Iterator[Scripted]:
    require_axe()
    forget_all(scripted)
    documents.forget_all(scripted)
    documents.indexed(scripted, tmp_path, {"bees.txt": documents.BEES, "broken.pdf": "no PDF"})
    _run(scripted.workbench.store)
    yield scripted
    documents.forget_all(scripted)
    forget_all(scripted)


def asked(page: Page, served: Scripted) -> Iterator[str]:
    open_page(page, served.url)
    yield "Ask, empty"
    ask(page, "What is the capital?")
    yield "Ask, answer"
    for tab in ("Samples", "Signals", "Evidence", "Steps", "Details", "Token"):
        page.get_by_role("tab", name=tab).click()
        yield f"Ask, {tab}"
    page.get_by_role("listbox", name="Answer, token by token").get_by_role("option").first.click()
    yield "Ask, token"
    page.get_by_role("button", name="Add to a dataset").click()
    yield "Ask, into a dataset"
    page.get_by_role("button", name="Follow up").click()
    ask(page, "And the largest city?")
    yield "Ask, a follow-up"
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("textbox", name="What it is for").press("Enter")
    link = page.get_by_role("list", name="Links").get_by_role("link")
    expect(link).to_be_visible()
    yield "Ask, share"
    page.goto(link.get_attribute("href") or "")
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_be_visible()
    yield "a shared answer"
    page.goto(f"{served.url}shared/nothing")
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    yield "a link that does not work"


def indexed(page: Page, served: Scripted) -> Iterator[str]:
    documents.open_documents(page, served)
    expect(page.get_by_role("row")).to_have_count(3)
    yield "Documents"
    page.get_by_role("button", name="Models").click()
    menu = page.get_by_role("dialog", name="Models")
    expect(menu.get_by_role("button", name="Unload")).to_be_visible()
    for more in menu.locator("summary").all():
        more.click()
    yield "the models, all of the menu"
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Remove 2 selected").click()
    yield "Documents, removal"
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("searchbox", name="Search the documents").fill("waggle dance")
    page.keyboard.press("Enter")
    links = page.get_by_role("region", name="Passages found").get_by_role("link")
    expect(links.first).to_be_visible(timeout=documents.INDEXED)
    yield "Documents, passages"
    links.first.click()
    expect(page.locator(".cx-doctext mark")).to_be_visible()
    yield "Documents, reader"


def evaluated(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}evaluate")
    board = page.get_by_role("region", name="Leaderboard")
    expect(board.get_by_role("row")).to_have_count(2)
    board.get_by_role("button", name="Delete capitals").click()
    yield "Evaluate, deletion"
    page.get_by_role("button", name="Keep").click()
    yield "Evaluate"
    rows = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"question,answer\nWho?,Ann\nWhere?,\n"}
    page.locator("input[type=file]").set_input_files(rows)  # type: ignore[arg-type]
    upload = page.get_by_role("region", name="Upload a dataset")
    expect(upload.get_by_role("table", name="Rejected rows")).to_be_visible()
    yield "Evaluate, upload"
    upload.get_by_role("button", name="Cancel").click()
    board.get_by_role("link", name="capitals").click()
    expect(page.get_by_role("figure", name="AUROC of each signal")).to_be_visible(timeout=FITTED)
    yield "Evaluate, run"
    page.get_by_role("button", name="ECE excess", exact=True).focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    yield "Evaluate, a metric explained"
    page.keyboard.press("Escape")
    page.get_by_role("region", name="Questions").get_by_role("link").first.click()
    expect(page.get_by_role("complementary", name="Question").get_by_role("option").first).to_be_visible()
    yield "Evaluate, question"


def calibrated(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}calibrate")
    expect(page.get_by_role("figure", name="After: mine")).to_be_visible(timeout=FITTED)
    yield "Calibrate"


def tuned(page: Page, served: Scripted) -> Iterator[str]:
    open_tune(page, served)
    yield "Tune"
    store = served.workbench.store
    keep_run(store, "small")
    keep_run(store, "larger", "larger sums", model="another")
    page.goto(f"{served.url}tune?run=small")
    page.get_by_role("checkbox", name="Ask it before a person").check(timeout=OPENED)
    expect(page.get_by_role("region", name="With the larger model")).to_be_visible()
    yield "Tune, with a larger model"


def listed(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}history")
    expect(page.get_by_role("heading", name="Nothing was asked yet")).to_be_visible(timeout=OPENED)
    yield "Sessions, empty"
    open_page(page, served.url)
    ask(page, "What is the capital?")
    page.get_by_role("button", name="Follow up").click()
    ask(page, "And of what?")
    page.goto(f"{served.url}history")
    lines = page.locator(".cx-traces tbody a")
    expect(lines).to_have_count(2, timeout=OPENED)
    page.locator("summary", has_text="Filters").click()
    yield "Sessions"
    lines.first.click()
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_be_visible()
    yield "Sessions, an answer"
    page.get_by_role("button", name="Delete the session").click()
    yield "Sessions, deletion"
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Close the answer").click()
    for box in page.locator(".cx-traces tbody").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="Differences")).to_be_visible()
    yield "Sessions, two compared"


def labelled(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}label")
    expect(page.get_by_role("heading", name="New queue")).to_be_visible(timeout=OPENED)
    yield "Label"
    page.get_by_role("combobox", name="Answers").select_option("run")
    page.get_by_role("button", name="Start labelling").click()
    expect(page.get_by_role("group", name="Verdict")).to_be_visible()
    yield "Label, answer"
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "Label, no verdict"
    page.get_by_role("listbox", name="Answer").get_by_role("option").last.click()
    page.get_by_role("button", name="Keys ?").click()
    yield "Label, keys"
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Search /").click()
    page.get_by_role("searchbox").fill("capital")
    expect(page.get_by_role("region", name="Search the queue").get_by_role("listitem").first).to_be_visible()
    yield "Label, search"
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_text("Progress and recalibration").click()
    yield "Label, progress"
    page.get_by_role("button", name="All queues").click()
    page.get_by_role("button", name="Delete run").click()
    yield "Label, deletion"


def monitored(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}monitor?model=nobody")
    expect(page.get_by_role("heading", name=re.compile("No question in|Nothing to watch"))).to_be_visible(
        timeout=OPENED
    )
    yield "Monitor, empty"
    served.workbench.answer("What is the capital?")
    page.goto(f"{served.url}monitor")
    plot = page.get_by_role("figure", name="Decisions").locator(".main-svg").first
    expect(plot).to_be_visible(timeout=OPENED)
    page.locator("summary", has_text="without a rule").click()
    yield "Monitor"
    page.get_by_role("button", name="Pause: Drift").click()
    expect(page.get_by_role("button", name="Resume: Drift")).to_be_visible()
    yield "Monitor, paused"
    page.get_by_role("button", name="Resume: Drift").click()
    expect(page.get_by_role("button", name="Pause: Drift")).to_be_visible()


def queried(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}sql")
    expect(page.get_by_role("button", name="Run")).to_be_visible(timeout=OPENED)
    yield "SQL"
    page.get_by_role("textbox", name="Query").fill("SELECT number, grade, question FROM run_records")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("region", name="Plot").locator(".main-svg").first).to_be_visible(timeout=OPENED)
    yield "SQL, result"
    page.get_by_role("textbox", name="Query").fill("DELETE FROM labels")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=OPENED)
    yield "SQL, refusal"


def described(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}docs")
    routes = page.get_by_role("region", name="Routes")
    expect(routes.get_by_role("heading", name="policies", exact=True)).to_be_visible(timeout=OPENED)
    yield "HTTP"


def demonstrated(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}demo")
    expect(page.get_by_role("slider")).to_be_visible(timeout=OPENED)
    yield "Demo"
    for question in ("Mongolia", "weather", "wheel"):
        page.get_by_role("group", name="Questions").get_by_role("button", name=question).click()
        page.get_by_role("button", name="Skip to the end").click()
        expect(page.get_by_role("button", name="Play again")).to_be_visible()
        page.wait_for_function("document.getAnimations().every(each => each.playState !== 'running')")
        yield f"Demo, {question}"


def missing(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}nowhere")
    expect(page.get_by_role("heading", name="There is no page at this address")).to_be_visible()
    yield "no page"


WIDE, NARROW = 1280, 800


@pytest.mark.parametrize(("theme", "widths"), [("light", (WIDE, NARROW)), ("dark", (NARROW, WIDE))])
@pytest.mark.parametrize(
    "states",
    [
        *(missing, asked, indexed, evaluated, calibrated, tuned, labelled, monitored, queried),
        *(listed, demonstrated, described),
    ],
)
def test_axe_finds_nothing(
    browser: Browser,
    served: Scripted,
    states: States,
    theme: Literal["light", "dark"],
    widths: tuple[int, int],
) -> None:
    """The page is used in the first width; each of its states is seen in both."""
    page = browser.new_page(color_scheme=theme, viewport={"width": widths[0], "height": 900})
    found = violations(page, states(page, served), widths)
    page.close()
    assert not found, "\n".join(map(str, found))
