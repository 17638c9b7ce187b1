"""What a real model cannot be made to do on demand: hostile text, slowness, failure, closed tabs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from codex.errors import ModelError
from tests.support.browsing import PATIENCE, Scripted, ask, open_page, serving
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually, workbench

HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    " ${window.hacked=1}",
    " {{value}}",
    " \\n\\",
    " `x`",
    " <script>window.hacked=1</script>",
    " zero\u200bwidth",
    " \u202ereversed",
]


def test_text_of_the_model_is_shown_as_it_is_and_never_run(page: Page, scripted: Scripted) -> None:
    scripted.scripts["hostile"] = Script(HOSTILE, others=HOSTILE[:2], samples=["".join(HOSTILE)])
    open_page(page, scripted.url)
    ask(page, "hostile <b>bold</b> ${1+1} {{value}}")
    answer = page.get_by_role("listbox", name="Answer, token by token")
    for piece in HOSTILE[:6]:
        expect(answer).to_contain_text(piece.strip())
    expect(answer.locator("[title*='U+200B']")).to_be_visible()
    expect(answer.locator("[title*='U+202E']")).to_be_visible()
    for tab in ("Samples", "Signals", "Evidence", "Steps", "Details", "Token"):
        page.get_by_role("tab", name=tab).click()
    page.reload()
    expect(answer).to_contain_text("${window.hacked=1}")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".cx-page img, .cx-page script").count() == 0
    assert "\u202e" not in page.locator(".cx-page").inner_text()


def test_thresholds_decide_again_without_the_model_and_reset(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, "Where?")
    calls = len(scripted.engine.decodes)
    badge = page.get_by_role("region", name="Decision").locator(".cx-badge.large")
    before = badge.inner_text()
    page.get_by_role("slider", name="abstain when").press("End")
    expect(badge).to_have_text("abstain")
    page.get_by_role("slider", name="answer when").press("Home")
    expect(badge).to_have_text("answer")
    expect(page.get_by_role("region", name="Decision")).to_contain_text("at least the 0% needed to answer")
    page.get_by_role("slider", name="First token's probability").press("End")
    expect(badge).to_have_text("abstain")
    expect(page.get_by_role("region", name="Decision")).to_contain_text(
        "first token's probability 0.95, below 1.0: abstain"
    )
    page.get_by_role("button", name="Reset").click()
    expect(badge).to_have_text(before, use_inner_text=True)
    assert len(scripted.engine.decodes) == calls


def test_a_slow_answer_can_be_cancelled_and_the_question_stays(page: Page, scripted: Scripted) -> None:
    scripted.engine.delay = 0.3
    scripted.scripts["Where?"] = Script(["word "] * 200)  # a minute, in which the button is surely found
    scripted.go_on.clear()
    open_page(page, scripted.url)
    box = page.get_by_role("textbox", name="Question")
    box.fill("Where?")
    box.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Waiting for the first token")).to_be_visible()
    scripted.go_on.set()
    expect(page.get_by_role("option").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped; nothing was saved.")).to_be_visible()
    expect(box).to_have_value("Where?")
    assert eventually(lambda: scripted.engine.running == 0, PATIENCE)
    assert scripted.workbench.store.sessions.list() == []


def test_many_tabs_can_be_open_at_once(browser: Browser, scripted: Scripted) -> None:
    # A browser has six connections to a host: a tab must hold none of them for itself.
    context = browser.new_context()
    for _ in range(8):
        open_page(context.new_page(), scripted.url)
    ask(context.pages[-1], "What is the capital?")
    context.close()


def test_two_tabs_ask_at_once_and_each_gets_its_own_answer(
    context: BrowserContext, scripted: Scripted
) -> None:
    scripted.engine.delay = 0.1
    scripted.scripts |= {"first": Script(["One"] * 8), "second": Script(["Two"] * 8)}
    tabs = {name: context.new_page() for name in ("first", "second")}
    for name, tab in tabs.items():
        open_page(tab, scripted.url)
        tab.get_by_role("textbox", name="Question").fill(name)
    for tab in tabs.values():
        tab.get_by_role("textbox", name="Question").press("Enter")
    for (name, tab), word in zip(tabs.items(), ("One", "Two"), strict=True):
        expect(tab.get_by_role("heading", name=name)).to_be_visible()
        expect(tab.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_be_visible()
        expect(tab.get_by_role("option")).to_have_text([re.compile(f"^{word}")] * 8)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("Samples", "0", "Samples must be"),
        ("Temperature", "-1", "Temperature must be"),
        ("Question", " ", "empty"),
    ],
)
def test_a_wrong_field_is_pointed_at_and_nothing_typed_is_lost(
    page: Page, scripted: Scripted, field: str, value: str, words: str
) -> None:
    open_page(page, scripted.url)
    page.get_by_role("textbox", name="Question").fill("Where?")
    page.get_by_label(field, exact=True).fill(value)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    expect(page.get_by_label(field, exact=True)).to_be_focused()
    expect(page.get_by_label(field, exact=True)).to_have_value(value)
    assert scripted.engine.decodes == []


def test_adaptive_sampling_is_chosen_for_the_next_questions(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    page.get_by_label("Samples", exact=True).fill("10")
    page.get_by_label("Adaptive").press("Space")
    ask(page, "Where?")
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("3 of at most 10, which settled it")
    page.get_by_label("Adaptive").press("Space")
    ask(page, "And where else?")
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel")).not_to_contain_text("at most 10")


def test_a_model_that_fails_says_why_and_the_question_can_be_asked_again(
    page: Page, scripted: Scripted
) -> None:
    scripted.engine.failure = ModelError("The file is not a model.")
    open_page(page, scripted.url)
    box = page.get_by_role("textbox", name="Question")
    box.fill("Where?")
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="The file is not a model.")).to_be_visible()
    scripted.engine.failure = None
    box.press("Enter")
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_contain_text("capital")


def test_a_model_that_still_loads_is_shown_so_until_it_is_ready(page: Page, scripted: Scripted) -> None:
    scripted.engine.loaded = False
    open_page(page, scripted.url)
    status = page.get_by_role("banner").get_by_role("status")
    expect(status).to_contain_text("loading")
    scripted.engine.loaded = True
    expect(status).not_to_contain_text("loading")


def test_words_merge_with_their_weakest_part_and_focus_dims_the_rest(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, "What is the capital?")
    answer = page.get_by_role("listbox", name="Answer, token by token")
    expect(answer.get_by_role("option")).to_have_count(6)
    page.get_by_label("whole words").check()
    word = answer.get_by_role("option").filter(has_text="Canberra")
    # "Can" has 0.6, "berra" 0.2, which is below 0.3: the last step.
    expect(word).to_have_class(re.compile(r"\bs4\b"))
    word.click()
    expect(page.get_by_role("tabpanel")).to_contain_text("weakest part of")
    page.get_by_role("checkbox", name="focus").check()
    expect(answer.get_by_role("option").filter(has_text="capital")).to_have_class(re.compile("dim"))
    expect(word).not_to_have_class(re.compile("dim"))


def test_a_second_look_takes_the_place_of_the_first_and_the_steps_tell_both(
    page: Page, scripted: Scripted
) -> None:
    # ln 0.1 = -2.3, below the default -1.5: reflect.
    scripted.scripts |= {"Check your answer": Script(["Perth"], [0.9]), "Where?": Script(["Sydney"], [0.1])}
    open_page(page, scripted.url)
    ask(page, "Where?")
    expect(page.get_by_role("region", name="Answer", exact=True)).to_contain_text("after a second look")
    expect(page.get_by_role("option")).to_have_text([re.compile("^Perth")])
    page.get_by_role("tab", name="Steps").click()
    steps = page.get_by_role("tabpanel").get_by_role("listitem")
    expect(steps.first).to_contain_text(re.compile("Asked the model.*Sydney"))
    expect(steps.nth(1)).to_contain_text(re.compile("check its answer.*Perth"))


def test_what_is_kept_of_a_question_can_be_switched(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    page.get_by_role("group", name="Save my questions").get_by_label("yes").check(force=True)
    expect(page.get_by_text("The full question")).to_be_visible()
    assert eventually(lambda: scripted.workbench.store.privacy == "full", 20)
    ask(page, "Where is it kept?")
    expect(page.get_by_role("navigation", name="Sessions")).to_contain_text("Where is it kept?")


def test_the_description_of_the_http_interface_needs_no_network(page: Page, scripted: Scripted) -> None:
    page.goto(f"{scripted.url}docs")
    expect(page.get_by_text("Ask a question and stream the events")).to_be_visible()


def test_a_long_question_stays_whole_when_the_panels_take_room_beside_it(
    page: Page, scripted: Scripted
) -> None:
    open_page(page, scripted.url)
    scripted.engine.delay = 0.5
    box = page.get_by_role("textbox", name="Question")
    box.fill("In which year did the Titanic sink, and how many people were on board of it?")
    box.press("Enter")
    page.wait_for_function(
        "box => box.clientHeight > 50 && box.scrollHeight <= box.clientHeight", arg=box.element_handle()
    )


def test_the_end_of_the_server_is_said_in_the_page_and_keeps_what_was_typed(
    page: Page, tmp_path: Path
) -> None:
    engine = ScriptedEngine(lambda prompt: Script([" word"] * 2000), delay=0.02)
    ending = workbench(tmp_path, engine, "engine.params.max_tokens=2000")
    with serving(ending) as address:
        open_page(page, address)
        page.get_by_role("textbox", name="Question").fill("A long story?")
        page.keyboard.press("Enter")
        assert eventually(lambda: engine.running == 1, PATIENCE)
        ending.stop()
        expect(page.get_by_role("alert").filter(has_text="Codex is shutting down")).to_be_visible()
        expect(page.get_by_role("textbox", name="Question")).to_have_value("A long story?")
        assert ending.store.sessions.list() == []
        page.close()
    ending.close()


def test_another_browser_does_not_read_a_question_that_was_not_kept(
    browser: Browser, page: Page, scripted: Scripted
) -> None:
    open_page(page, scripted.url)
    ask(page, "Is my secret a plum?")
    address = page.url
    page.reload()
    expect(page.locator(".cx-page")).to_contain_text("Is my secret a plum?")
    with browser.new_context() as stranger:
        other = stranger.new_page()
        open_page(other, address)
        expect(other.get_by_role("listbox", name="Answer, token by token")).to_contain_text("berra")
        expect(other.locator(".cx-page")).not_to_contain_text("plum")


def test_a_question_too_long_to_be_sent_is_refused_at_once_and_nothing_is_lost(
    page: Page, scripted: Scripted
) -> None:
    open_page(page, scripted.url)
    box = page.get_by_role("textbox", name="Question")
    text = "\u00e9 " * 400_000
    box.fill(text)
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="too long to be sent")).to_contain_text("983 kB")
    expect(box).to_have_attribute("aria-invalid", "true")
    assert box.input_value() == text
    assert scripted.engine.decodes == []
    ask(page, "And a short one?")


def test_what_codex_says_is_copied_and_with_it_what_it_rests_on(
    context: BrowserContext, page: Page, scripted: Scripted
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=scripted.url)
    scripted.scripts["Where?"] = Script(["Perth", " it", " is"], [0.1, 0.9, 0.9], samples=["Sydney", "Perth"])
    open_page(page, scripted.url)
    ask(page, "Where?")
    expect(page.get_by_role("region", name="Decision").locator(".cx-badge.large")).to_have_text("abstain")
    read = "navigator.clipboard.readText()"
    page.get_by_role("button", name="Copy the answer").click()
    said = page.evaluate(read)
    assert said.startswith("I am not sure enough to answer")
    page.get_by_role("button", name="Copy with decision, confidence and sources").click()
    lines = page.evaluate(read).splitlines()
    assert lines[:2] == ["Question: Where?", f"Answer: {said}"]
    assert lines[2].startswith("Decision: abstain")
    assert re.match(r"Confidence: \d+%, ", lines[3])
    assert lines[4].startswith("Sources: none")


def test_a_link_to_an_answer_alone_opens_its_session(page: Page, scripted: Scripted) -> None:
    open_page(page, scripted.url)
    ask(page, "Where?")
    ask(page, "And when?")
    (session,) = scripted.workbench.store.sessions.list()
    first = scripted.workbench.store.sessions.traces(session.id)[0]
    page.goto(f"{scripted.url}?trace={first.id}")
    expect(page.get_by_role("heading", name="Where?")).to_be_visible()
    expect(page.locator(".cx-asked button")).to_have_count(2)


def test_an_unknown_address_is_a_page_with_the_way_back(browser: Browser, scripted: Scripted) -> None:
    # In a context of its own: the browser tells its console of the status.
    page = browser.new_page()
    response = page.goto(f"{scripted.url}a/b/nope")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", name="There is no page at this address")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Tune").click()
    expect(page).to_have_url(f"{scripted.url}tune")
    page.close()
