"""Evidence on the Ask page: what is retrieved, how it is marked, and what is said when there is none."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from codex.ask.workbench import Workbench
from codex.errors import RetrievalError
from codex.settings import load_settings
from codex.store import Store
from codex.types import Observation, Stance
from tests.browser.library import DOCUMENTS, FOUND, HOSTILE_NAME, QUESTION, SPREAD, answer, evidence
from tests.browser.look import pale, width
from tests.support.browsing import Scripted, ask, open_page, serving, tab_to
from tests.support.reliable import CHANCE, GOOD, trust
from tests.support.scripted import Script, ScriptedEngine

THREE = Script(
    [
        "The",
        " keeper",
        " was",
        " Ada",
        " Brook",
        ".",
        " She",
        " loved",
        " cats",
        ".",
        " It",
        " is",
        " new",
        ".",
    ]
)
VAULT = Script(["It", " opens", " at", " noon", "."])


def says(prompt: str) -> Script:
    """Knows what stands in the passages of the prompt, and nothing else."""
    if "does the vault" in prompt:
        return VAULT if "noon" in prompt else SPREAD
    return FOUND if "Ada Brook" in prompt else SPREAD


@pytest.fixture(scope="module")
def library_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    """Codex with a few documents, and a model that answers from them."""
    home = tmp_path_factory.mktemp("library")

    def script(prompt: str) -> Script:
        server.go_on.wait(60)
        return next((said for key, said in server.scripts.items() if key in prompt), says(prompt))

    engine = ScriptedEngine(script)
    settings = load_settings([f"home={trust(home)}"])
    workbench = Workbench(settings, engine, Store(home / "codex.duckdb"))
    index_documents(workbench, home)
    with serving(workbench) as url:
        server = Scripted(url, workbench, engine)
        yield server
    workbench.close()


@pytest.fixture
def library(library_server: Scripted) -> Iterator[Scripted]:
    library_server.reset()
    library_server.engine.judgement = lambda prompt: 0.9
    yield library_server
    library_server.reset()


@pytest.fixture
def three_stances(library: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three sentences the first is supported, the second not found and the third contradicted."""
    grounder = library.workbench.model.grounder
    check = grounder.check

    def checked(*asked: Any) -> Observation:
        seen = check(*asked)
        if seen.grounding is None:
            return seen
        judged = tuple(
            replace(sentence, stance=stance, probability=0.9 - 0.4 * i, contradiction=0.1 + 0.35 * i)
            for i, (sentence, stance) in enumerate(zip(seen.grounding.sentences, Stance, strict=False))
        )
        return replace(seen, grounding=replace(seen.grounding, sentences=judged))

    monkeypatch.setattr(grounder, "check", checked)


def index_documents(workbench: Workbench, home: Path) -> None:
    folder = home / "files"
    folder.mkdir(exist_ok=True)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    workbench.index.add([folder])
    workbench.index.run()


def always_retrieve(page: Page) -> None:
    page.get_by_role("group", name="Use my documents").get_by_label("always").check(force=True)


def test_what_is_retrieved_first_stands_beside_the_answer_while_it_is_written(
    page: Page, library: Scripted
) -> None:
    library.go_on.clear()
    open_page(page, library.url)
    always_retrieve(page)
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.keyboard.press("Enter")
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("Its keeper was Ada Brook.")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    library.go_on.set()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(answer(page).get_by_role("option", name="sentence 1: supported, passage 1")).to_be_visible()
    expect(page.get_by_role("region", name="Decision")).to_contain_text(
        re.compile(r"retrieved \d passages.*1 of 1 sentence supported.*answer \d+%")
    )


def test_an_unsure_answer_is_looked_up_by_itself_and_the_story_tells_it(
    page: Page, library: Scripted
) -> None:
    open_page(page, library.url)
    ask(page, QUESTION)
    expect(answer(page)).to_contain_text("Ada")
    expect(page.get_by_role("region", name="Answer", exact=True)).to_contain_text("after retrieving passages")
    story = re.compile(
        r"unsure \(mean entropy 3\.0, above 2\.5\).*retrieved \d passages.*1 of 1 sentence supported.*answer"
    )
    expect(page.get_by_role("region", name="Decision")).to_contain_text(story)
    page.get_by_role("tab", name="Steps").click()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text(story)
    # The first answer stands beside the one that took its place.
    expect(panel.locator(".cx-changed")).to_contain_text(re.compile("It was Tom Reed.*Ada Brook"))
    first = panel.get_by_role("listitem").first
    first.locator("summary").first.click()
    expect(first).to_contain_text("Gate retrieve")
    first.get_by_text("Prompt", exact=True).click()
    expect(first.get_by_label("The prompt of this step")).to_contain_text(QUESTION)


def test_a_marker_leads_to_its_passage_with_the_words_marked(page: Page, library: Scripted) -> None:
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, QUESTION)
    page.get_by_role("tab", name="Token").click()
    marker = answer(page).get_by_role("option", name="sentence 1: supported, passage 1")
    marker.hover()
    expect(marker.get_by_text("supported")).to_be_visible()
    marker.click()
    panel = page.get_by_role("tabpanel")
    expect(page.get_by_role("tab", name="Evidence")).to_have_attribute("aria-selected", "true")
    expect(panel.locator(".cx-quote mark")).to_contain_text("keeper was Ada Brook")
    expect(panel.locator(".cx-passages .here mark")).to_contain_text("keeper was Ada Brook")
    expect(answer(page).locator(".cx-tok.told")).to_have_count(6)
    found = library.workbench.index.search(QUESTION)[0]
    start = found.text.index("Its keeper")
    link = panel.locator(".cx-passages .here").get_by_role("link", name="open in Documents")
    at = rf"open={found.document_id}&start={start}&end={len(found.text)}$"
    expect(link).to_have_attribute("href", re.compile(rf"/documents\?{at}"))


@pytest.mark.usefixtures("three_stances")
def test_each_sentence_is_marked_by_what_the_passages_say_of_it(page: Page, library: Scripted) -> None:
    library.scripts["Zelm"] = THREE
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, QUESTION)
    markers = answer(page).locator(".cx-marker")
    expect(markers).to_have_count(3)
    for i, stance in enumerate(("supported", "not found", "contradicted")):
        expect(markers.nth(i)).to_have_attribute("aria-label", re.compile(f"sentence {i + 1}: {stance}"))
    lines = markers.evaluate_all("all => all.map(one => getComputedStyle(one).borderBottomStyle)")
    icons = markers.evaluate_all("all => all.map(one => one.querySelector('path').getAttribute('d'))")
    assert (len(set(lines)), len(set(icons))) == (3, 3)
    panel = evidence(page)
    expect(panel.locator(".cx-stance")).to_have_text(["supported", "not found", "contradicted"])
    expect(panel.locator(".cx-sentence").nth(1)).to_contain_text("She loved cats.")
    expect(page.get_by_role("button", name="1 of 3 sentences supported, 1 contradicted")).to_be_visible()


def test_text_of_a_document_is_shown_as_it_is_and_never_run(page: Page, library: Scripted) -> None:
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, "When does the vault of Querk open?")
    panel = evidence(page)
    expect(panel).to_contain_text(HOSTILE_NAME)
    expect(panel).to_contain_text("<script>window.hacked=1</script> <img src=x onerror=window.hacked=1>")
    expect(panel.locator("[title*='U+202E']").first).to_be_visible()
    for tab in ("Samples", "Signals", "Steps", "Details"):
        page.get_by_role("tab", name=tab).click()
    page.reload()
    expect(evidence(page)).to_contain_text("${window.hacked=1}")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".cx-page img, .cx-page script").count() == 0


def test_who_judged_is_said_with_how_reliable_that_judge_was_measured_to_be(
    page: Page, library: Scripted
) -> None:
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, QUESTION)
    expect(evidence(page)).to_contain_text(
        "Judged by model scripted:test:none (AUROC 0.86, 95% interval 0.81 to 0.91, on 200 answers)."
    )


def test_a_model_that_cannot_judge_colours_nothing_and_the_page_says_what_helps(
    page: Page, library: Scripted
) -> None:
    """The model would say True of anything."""
    home = trust(library.workbench.settings.home, judge=CHANCE)
    try:
        open_page(page, library.url)
        always_retrieve(page)
        ask(page, QUESTION)
        panel = evidence(page)
        expect(panel).to_contain_text("This model cannot judge evidence: model scripted:test:none")
        expect(panel).to_contain_text("AUROC 0.52, 95% interval 0.44 to 0.60")
        expect(panel).to_contain_text("grounding.verifier_model")
        expect(panel).to_contain_text("grounding.judge=nli")
        expect(panel.locator(".cx-sentence")).to_contain_text("not judged")
        expect(panel.locator(".cx-quote")).to_contain_text("Its keeper was Ada Brook.")
        expect(page.locator(".cx-stance, .cx-marker, .cx-cited")).to_have_count(0)
        expect(page.locator(".supported")).to_have_count(0)
        expect(page.get_by_role("button", name="evidence not judged")).to_be_visible()
    finally:
        trust(home, judge=GOOD)


def test_evidence_is_reached_with_the_keyboard_alone(page: Page, library: Scripted) -> None:
    open_page(page, library.url)
    switch = page.get_by_role("group", name="Use my documents")
    tab_to(page, switch)
    page.keyboard.press("ArrowRight")
    expect(switch.get_by_label("always")).to_be_checked()
    page.get_by_role("textbox", name="Question").focus()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    marker = answer(page).get_by_role("option", name=re.compile("^sentence 1"))
    expect(marker).to_be_visible(timeout=60_000)
    answer(page).locator("[tabindex='0']").focus()
    page.keyboard.press("End")
    expect(marker).to_be_focused()
    page.keyboard.press("Enter")
    sentence = page.locator(".cx-sentence")
    expect(sentence).to_be_focused()
    page.keyboard.press("Escape")
    expect(marker).to_be_focused()


def test_the_switch_stays_over_a_reload(page: Page, library: Scripted) -> None:
    open_page(page, library.url)
    expect(page.get_by_label("only if unsure")).to_be_checked()
    always_retrieve(page)
    page.reload()
    expect(page.get_by_label("always")).to_be_checked()


def test_an_answer_without_evidence_can_be_looked_up_with_one_click(page: Page, library: Scripted) -> None:
    library.scripts["Ospra"] = Script(["The", " Ospra", "."])
    open_page(page, library.url)
    ask(page, "Which river is long, the Ospra?")
    panel = evidence(page)
    expect(panel).to_contain_text("given without evidence")
    panel.get_by_role("button", name="Search the documents").click()
    expect(panel).to_contain_text("412 kilometres")
    expect(page.get_by_role("heading", name="Which river is long")).to_be_visible()
    expect(page.get_by_label("only if unsure")).to_be_checked()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_without_documents_the_switch_is_a_link_to_where_they_are_added(
    page: Page, scripted: Scripted
) -> None:
    open_page(page, scripted.url)
    expect(page.get_by_role("link", name="add documents")).to_have_attribute(
        "href", re.compile("/documents$")
    )
    expect(page.get_by_label("always")).to_be_hidden()
    ask(page, "What is the capital?")
    panel = evidence(page)
    expect(panel).to_contain_text("There are no documents")
    expect(panel.get_by_role("link", name="Add documents")).to_have_attribute(
        "href", re.compile("/documents$")
    )


def test_what_goes_on_is_said_in_words(
    page: Page, library: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, go_on, judge = library.workbench.index.search, threading.Event(), threading.Event()

    def held(*asked: Any, **more: Any) -> Any:
        go_on.wait(60)
        return search(*asked, **more)

    monkeypatch.setattr(library.workbench.index, "search", held)
    library.engine.judgement = lambda prompt: 0.9 if judge.wait(60) else 0.0
    open_page(page, library.url)
    always_retrieve(page)
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.keyboard.press("Enter")
    for words, event in (("Retrieving passages", go_on), ("Checking the evidence", judge)):
        expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
        event.set()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_without_its_documents_the_same_question_is_answered_and_decided_otherwise(
    page: Page, library: Scripted
) -> None:
    library.engine.judgement = lambda prompt: 0.9 if "Ada Brook" in prompt else 0.1
    open_page(page, library.url)
    ask(page, QUESTION)
    badge = page.get_by_role("region", name="Decision").locator(".cx-badge.large")
    expect(badge).to_have_text("answer")
    first = page.url
    index = library.workbench.index
    try:
        index.remove([document.id for document in index.documents()])
        ask(page, QUESTION)
        expect(answer(page)).to_contain_text("Tom")
        expect(badge).to_have_text("defer: ask a person")
        expect(evidence(page).get_by_role("link", name="Add documents")).to_be_visible()
        expect(page.get_by_role("link", name="add documents", exact=True)).to_be_visible()
        # As after a restart: of the passages only their places were kept.
        library.workbench.traces._recent.clear()
        page.goto(first)
        page.locator(".cx-asked button").first.click()
        panel = evidence(page)
        expect(panel.locator(".cx-stance")).to_have_text("supported")
        expect(panel).to_contain_text("The text of this passage was not saved")
    finally:
        index_documents(library.workbench, library.workbench.settings.home)


def test_an_index_that_cannot_be_reached_is_said_beside_the_answer(
    page: Page, library: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise RetrievalError("No Chroma server answers at http://localhost:9.")

    monkeypatch.setattr(library.workbench.index, "search", gone)
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, QUESTION)
    expect(answer(page)).to_contain_text("Tom")
    panel = evidence(page)
    expect(panel).to_contain_text("could not be searched: No Chroma server answers at http://localhost:9.")
    expect(panel.get_by_role("button", name="Search again")).to_be_visible()
    expect(page.get_by_role("region", name="Decision")).to_contain_text("could not search")


@pytest.mark.usefixtures("three_stances")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_evidence_can_be_read_in_both_themes(
    browser: Browser, library: Scripted, theme: Literal["light", "dark"]
) -> None:
    library.scripts["Zelm"] = THREE
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, QUESTION)
    answer(page).locator(".cx-marker").first.click()
    weak = pale(page)
    for tab in ("Samples", "Signals", "Steps", "Details"):
        page.get_by_role("tab", name=tab).click()
        weak += pale(page, [tab])
    page.close()
    assert weak == []


def test_evidence_never_scrolls_sideways_at_800_pixels(page: Page, library: Scripted) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    open_page(page, library.url)
    always_retrieve(page)
    ask(page, "When does the vault of Querk open?" + "W" * 300)
    assert width(page) == 800
    answer(page).locator(".cx-marker").first.click()
    for tab in ("Steps", "Evidence"):
        page.get_by_role("tab", name=tab).click()
        assert width(page) == 800


def test_an_unsure_answer_without_passages_offers_to_look_it_up_in_its_session(
    page: Page, library: Scripted
) -> None:
    # Nothing is retrieved by itself: no gate, and the confidence alone defers.
    library.scripts["keeper"] = replace(SPREAD, entropy=0.3)
    open_page(page, library.url)
    ask(page, QUESTION)
    offer = page.get_by_role("button", name="Look it up in my documents")
    expect(offer).to_be_visible()
    library.scripts.clear()
    offer.click()
    expect(answer(page)).to_contain_text("Ada")
    expect(page.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_have_text("answer")
    expect(offer).to_have_count(0)
    assert len(library.workbench.store.sessions.list()) == 1
    assert library.workbench.store.sessions.list()[0].questions == 2
    # What is chosen for other questions stays as it was.
    expect(page.get_by_label("only if unsure")).to_be_checked()


def test_the_search_is_limited_to_what_is_picked_and_that_outlives_a_reload(
    page: Page, library: Scripted
) -> None:
    open_page(page, library.url)
    always_retrieve(page)
    page.get_by_role("button", name="In all documents").press("Enter")
    picker = page.get_by_role("dialog", name="Documents to search")
    expect(picker.get_by_role("checkbox").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(picker.get_by_label("Filter documents and folders")).to_be_focused()
    page.keyboard.type("riv")
    tab_to(page, picker.get_by_role("checkbox"))
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(picker).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="In rivers.txt")).to_be_visible()
    ask(page, QUESTION)
    expect(evidence(page)).to_contain_text("rivers.txt")
    expect(evidence(page)).not_to_contain_text("towers.txt")
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("rivers.txt")
    page.get_by_role("button", name="In rivers.txt").click()
    picker.get_by_role("button", name="All documents").click()
    page.keyboard.press("Escape")
    ask(page, QUESTION)
    expect(answer(page)).to_contain_text("Ada")


def test_a_picked_document_that_was_removed_is_said_at_its_field(page: Page, library: Scripted) -> None:
    page.add_init_script("sessionStorage.setItem('codex.documents', '[\"gone.txt\"]')")
    open_page(page, library.url)
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="called 'gone.txt'")).to_be_visible()
    expect(page.get_by_role("button", name="In gone.txt")).to_be_focused()
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
