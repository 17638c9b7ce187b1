"""Documents in the browser: brought in, indexed, searched, read and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.documents import (
    BEES,
    FISH,
    INDEXED,
    done,
    drop,
    forget_all,
    held,
    indexed,
    open_documents,
    row,
)
from tests.support.browsing import Scripted
from tests.support.serving import eventually

HOSTILE = "<img src=x onerror=window.hacked=1>${window.hacked=1}{{value}}.txt"
HOSTILE_TEXT = f"<script>window.hacked=1</script> `x` ${{window.hacked=1}} \u202ereversed. {BEES}"


@pytest.fixture
def served(scripted: Scripted) -> Iterator[Scripted]:
    forget_all(scripted)
    yield scripted
    forget_all(scripted)


def test_files_are_dropped_indexed_searched_read_and_removed(page: Page, served: Scripted) -> None:
    open_documents(page, served)
    expect(page.get_by_role("heading", name="your own documents")).to_be_visible()
    drop(page, {"bees.txt": f"{FISH}\n\n" * 40 + BEES, "fish.md": f"# Herring\n\n{FISH}"})
    done(page, "2 documents")
    expect(row(page, "bees.txt")).to_contain_text("indexed")

    search = page.get_by_role("searchbox", name="Search the documents")
    search.fill("how do bees tell where flowers are")
    search.press("Enter")
    found = page.get_by_role("region", name="Passages found").get_by_role("listitem")
    expect(found.first).to_contain_text("bees.txt", timeout=INDEXED)
    expect(page.get_by_text("Drop files or folders here")).to_be_hidden()
    expect(found.first.locator("mark").first).to_have_text("Bees")
    expect(found.first.locator("[title*='cosine' i]")).to_be_visible()
    found.first.get_by_role("link").click()
    reader = page.get_by_role("dialog", name="Text of bees.txt")
    expect(reader.locator("mark")).to_contain_text("waggle dance")
    expect(reader.locator("mark")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"open=\w+&start=\d+&end=\d+"))

    page.get_by_role("button", name="Back to the documents").click()
    row(page, "bees.txt").get_by_role("button", name="Remove bees.txt").click()
    asked = page.get_by_role("alertdialog", name="Remove documents")
    expect(asked).to_contain_text("The uploaded copy is deleted. This cannot be undone.")
    asked.get_by_role("button", name="Remove", exact=True).click()
    expect(row(page, "bees.txt")).to_have_count(0)
    expect(reader).to_be_hidden()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Remove 1 selected").click()
    asked.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("heading", name="your own documents")).to_be_visible()
    assert served.workbench.index.is_empty
    # The page may look between the moment that the index forgets a file and the one that it is deleted.
    assert eventually(lambda: not any(served.workbench.settings.documents.glob("*")), 10)


def test_a_folder_keeps_its_structure_and_every_file_that_is_not_read_says_why(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    (folder / "sea").mkdir(parents=True)
    (folder / "bees.txt").write_text(BEES)
    (folder / "sea" / "fish.md").write_text(FISH)
    (folder / "broken.pdf").write_text("no PDF")
    (folder / "photo.png").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    open_documents(page, served)
    page.locator("input[webkitdirectory]").set_input_files(folder)
    done(page, "3 documents · 1 skipped")
    expect(row(page, "fish.md")).to_contain_text("papers/sea")
    expect(row(page, "broken.pdf")).to_contain_text("skipped")
    expect(row(page, "broken.pdf")).to_contain_text("is not a PDF")
    upload = page.get_by_role("region", name="Upload")
    expect(upload).to_contain_text("1 file was skipped.")
    expect(upload).to_contain_text("papers/photo.png is not read; Codex reads csv, docx")
    upload.get_by_role("button", name="Dismiss").click()
    expect(upload).to_be_hidden()


def test_an_interrupted_indexing_is_seen_in_every_tab_and_goes_on(
    context: BrowserContext, served: Scripted
) -> None:
    first, second = context.new_page(), context.new_page()
    open_documents(first, served)
    # More than one batch of 32 passages, so that the first cannot take them all.
    files = {f"bees {i}.txt": f"{i}. {BEES}" for i in range(40)}
    with held(served) as leave:
        drop(first, files)
        bar = first.get_by_role("region", name="Indexing")
        expect(bar.get_by_role("progressbar", name="Indexing")).to_be_visible()
        first.close()
        open_documents(second, served)
        bar = second.get_by_role("region", name="Indexing")
        expect(bar).to_contain_text("of 40 files")
        bar.get_by_role("button", name="Cancel").click()
        expect(bar).to_contain_text("Stopping")
        leave.set()
        expect(bar).to_contain_text(re.compile(r"\d+ files are waiting to be indexed"), timeout=INDEXED)
        expect(bar).not_to_contain_text("false")
    expect(second.get_by_role("row").filter(has_text="waiting")).not_to_have_count(0)
    second.reload()
    bar.get_by_role("button", name="Index now").click()
    done(second, "40 documents")


def test_text_and_names_of_documents_are_shown_as_they_are_and_never_run(
    page: Page, served: Scripted
) -> None:
    open_documents(page, served)
    drop(page, {HOSTILE: HOSTILE_TEXT, "<b>.png": "x"})
    done(page, "1 document")
    expect(row(page, HOSTILE)).to_contain_text("indexed")
    expect(page.get_by_role("region", name="Upload")).to_contain_text("<b>.png")
    page.get_by_role("searchbox", name="Search the documents").fill("<script> waggle")
    page.keyboard.press("Enter")
    found = page.get_by_role("region", name="Passages found")
    found.get_by_role("link", name=HOSTILE).click()
    reader = page.get_by_role("dialog")
    expect(reader.locator("mark")).to_contain_text("<script>window.hacked=1</script> `x` ${window.hacked=1}")
    expect(reader.locator("[title*='U+202E']")).to_be_visible()
    page.get_by_role("button", name="Back to the documents").click()
    row(page, HOSTILE).get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alertdialog")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".documents img, .documents script").count() == 0


def test_each_paragraph_is_read_in_the_direction_of_its_script(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    arabic, greek = "النحل يرقص رقصة الاهتزاز (12 bees).", "Οι μέλισσες χορεύουν."
    indexed(served, tmp_path, {"نحل.txt": f"{arabic}\n\n{greek}"})
    [document] = served.workbench.index.documents()
    open_documents(page, served, f"?open={document.id}&start=5&end=9")
    reader = page.get_by_role("dialog", name="Text of نحل.txt")
    expect(reader.locator("mark")).to_have_text(arabic[5:9])
    sides = reader.locator(".cx-doctext").evaluate(
        """(text) => {
            const box = text.getBoundingClientRect();
            const edges = (node) => {
                const range = document.createRange();
                range.selectNodeContents(node);
                const lines = [...range.getClientRects()];
                return [lines[0].right - box.right, lines.at(-1).left - box.left].map(Math.round);
            };
            return [edges(text.firstElementChild)[0], edges(text.lastElementChild)[1]];
        }"""
    )
    assert sides == [0, 0]  # Arabic begins at the right edge, Greek at the left


def test_everything_can_be_done_with_the_keyboard_alone(page: Page, served: Scripted, tmp_path: Path) -> None:
    (tmp_path / "bees.txt").write_text(BEES)
    open_documents(page, served)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").press("Enter")
    chooser.value.set_files(tmp_path / "bees.txt")
    expect(row(page, "bees.txt")).to_contain_text("indexed", timeout=INDEXED)
    page.get_by_role("searchbox", name="Search the documents").focus()
    page.keyboard.type("waggle dance")
    page.keyboard.press("Enter")
    link = page.get_by_role("region", name="Passages found").get_by_role("link")
    expect(link).to_have_count(1, timeout=INDEXED)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Back to the documents").press("Enter")
    expect(page.get_by_role("searchbox", name="Search the documents")).to_be_focused()
    remove = page.get_by_role("button", name="Remove bees.txt")
    remove.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(remove).to_be_focused()
    expect(page.get_by_role("alertdialog")).to_be_hidden()


def test_a_link_opens_a_document_at_its_passage(page: Page, served: Scripted, tmp_path: Path) -> None:
    indexed(served, tmp_path, {"long.txt": f"{FISH}\n\n" * 60 + f"\N{HONEYBEE} {BEES}"})
    [document] = served.workbench.index.documents()
    start = served.workbench.index.text(document.id).text.index("waggle")
    open_documents(page, served, f"?open={document.id}&start={start}&end={start + 12}")
    reader = page.get_by_role("dialog", name="Text of long.txt")
    expect(reader.locator("mark")).to_have_text("waggle dance")
    expect(reader.locator("mark")).to_be_in_viewport()
    page.set_viewport_size({"width": 800, "height": 900})
    expect(reader.locator("mark")).to_be_visible()
    reader.get_by_role("button", name="Close the document").click()
    expect(page).not_to_have_url(re.compile("open="))


def test_a_document_that_is_gone_is_said_where_it_would_stand(page: Page, served: Scripted) -> None:
    open_documents(page, served, "?open=nowhere&start=0&end=5")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("nowhere")


def test_a_file_of_the_same_name_is_replaced_only_when_the_user_says_so(
    browser: Browser, served: Scripted
) -> None:
    page = browser.new_page()  # of no context that fails on the console's line about the conflict
    open_documents(page, served)
    drop(page, {"bees.txt": BEES})
    expect(row(page, "bees.txt")).to_contain_text("indexed", timeout=INDEXED)
    drop(page, {"bees.txt": FISH})
    upload = page.get_by_role("region", name="Upload")
    expect(upload).to_contain_text("1 file with the same name but other content is already here.")
    kept = served.workbench.settings.documents / "bees.txt"
    assert kept.read_text() == BEES
    upload.get_by_role("button", name="Replace it").click()
    expect(upload).to_be_hidden()
    expect(row(page, "bees.txt")).to_contain_text(f"{len(FISH)} B", timeout=INDEXED)
    assert kept.read_text() == FISH
    page.close()


def test_a_folder_of_this_machine_is_added_by_its_path(page: Page, served: Scripted, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text(BEES)
    open_documents(page, served)
    field = page.get_by_role("textbox", name="A folder on this machine")
    field.fill("/no/such/folder")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="no file or folder '/no/such/folder'")).to_be_visible()
    expect(field).to_have_value("/no/such/folder")
    field.fill(str(tmp_path))
    field.press("Enter")
    done(page, "1 document")
    expect(row(page, "own.txt")).to_contain_text("indexed")
    (tmp_path / "own.txt").write_text(FISH)
    page.get_by_role("button", name="Check for changes").click()
    expect(row(page, "own.txt")).to_contain_text(f"{len(FISH)} B", timeout=INDEXED)
    row(page, "own.txt").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Files in your own folders stay")


def test_a_thousand_documents_stay_quick_to_list_and_filter(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    for i in range(1000):
        (tmp_path / f"paper-{i}.txt").write_text(f"Paper {i}.")
    served.workbench.index.add([tmp_path])
    open_documents(page, served)
    expect(page.get_by_role("heading", name="1,000 documents · 1000 waiting")).to_be_visible()
    pages = page.get_by_role("navigation", name="Pages of the table")
    expect(pages).to_contain_text("1–50 of 1,000")
    pages.get_by_role("button", name="Next page").click()
    expect(pages).to_contain_text("51–100 of 1,000")
    box = page.get_by_role("searchbox", name="Filter by name")
    took = box.evaluate(
        """(box) => {
            const start = performance.now();
            box.value = "paper-99";
            box.dispatchEvent(new Event("input"));
            return performance.now() - start;
        }"""
    )
    expect(page.get_by_role("rowheader")).to_have_count(11)  # 99 and 990 to 999
    expect(pages).to_be_hidden()
    # A keystroke feels immediate under 100 ms; three times that on a machine that is busy.
    assert took < 300
    page.get_by_role("checkbox", name="Select all").check()
    expect(page.get_by_role("button", name="Remove 11 selected")).to_be_visible()
