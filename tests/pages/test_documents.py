"""The Documents page's calls: files in, what the table says, search, reading, removal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex.ask.workbench import Workbench
from codex.errors import Conflict, InvalidInput, NotFound, RetrievalError
from codex.jobs import Job, Jobs
from codex.pages.documents import page as documents
from codex.pages.documents.page import KIND, DocumentsPage
from codex.pages.documents.view import indexing_view, marked, query_words, summary, text_view, together
from codex.retrieval import DocumentText, IndexingProgress, Report
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

WAIT = 180.0
"""Seconds in which a few short files are surely indexed, the embedding loaded first, on a busy machine."""
BEES = "Bees dance the waggle dance. It tells the others how far the flowers are.\n"
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> ${1+1} {{value}}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One workbench for all, because the embedding takes seconds to load."""
    home = tmp_path_factory.mktemp("documents")
    workbench = Workbench(
        load_settings([f"home={home}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db")
    )
    yield workbench
    workbench.close()


@pytest.fixture
def page(shared: Workbench) -> Iterator[DocumentsPage]:
    jobs = Jobs()
    page = DocumentsPage(shared, jobs)
    yield page
    jobs.close()
    page.remove({"ids": [line["id"] for line in page.look({})["documents"]]})


def put(page: DocumentsPage, name: str, text: str) -> Path:
    """As an upload leaves it: in the folder of documents, waiting."""
    path = page.workbench.settings.documents / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    page.workbench.index.add([path])
    return path


def ended(page: DocumentsPage, started: dict[str, Any]) -> dict[str, Any]:
    return indexing_view(page.jobs.wait(started["id"], WAIT))


def lines(page: DocumentsPage) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in page.look({})["documents"]}


def test_nothing_is_there_at_first(page: DocumentsPage) -> None:
    looked = page.look({})
    assert (looked["job"], looked["total"], looked["waiting"], looked["documents"]) == (None, 0, 0, [])
    assert page.search({"query": "bees"})["passages"] == []


def test_what_waits_is_indexed_found_and_read_at_its_place(page: DocumentsPage) -> None:
    put(page, "animals/bees.txt", BEES)
    put(page, "sea.md", "# Fish\n\nThe herring swims in shoals.\n")
    assert page.look({})["waiting"] == 2
    done = ended(page, page.index({}))
    assert (done["state"], done["summary"]) == ("done", "2 files indexed (2 passages)")
    assert (done["done"], done["total"], done["unit"]) == (2, 2, "files")
    line = lines(page)["bees.txt"]
    assert (line["state"], line["chunks"], line["folder"], line["uploaded"]) == (
        "indexed",
        1,
        "animals",
        True,
    )
    best = page.search({"query": "How do bees tell where the flowers are?"})["passages"][0]
    assert best["document"] == "bees.txt"
    assert [text for text, found in best["parts"] if found] == ["Bees", "flowers"]
    assert {score["label"] for score in best["scores"]} >= {"meaning", "fused"}
    opened = page.read({"id": best["document_id"], "start": best["start"], "end": best["end"]})
    assert "".join(p["text"] for p in opened["pieces"] if p["marked"]) == "".join(t for t, _ in best["parts"])


def test_the_table_is_sent_only_when_it_has_changed(page: DocumentsPage) -> None:
    put(page, "bees.txt", BEES)
    first = page.look({})
    assert page.look({"seen": first["version"]})["documents"] is None
    put(page, "fish.txt", "Fish swim.")
    again = page.look({"seen": first["version"]})
    assert len(again["documents"]) == again["total"] == 2
    assert page.look({"brief": True})["documents"] is None


def test_a_file_that_cannot_be_read_says_why_beside_those_that_can(page: DocumentsPage) -> None:
    put(page, "bees.txt", BEES)
    put(page, "broken.pdf", "this is no PDF")
    done = ended(page, page.index({}))
    assert done["summary"] == "1 file indexed (1 passage), 1 skipped"
    line = lines(page)["broken.pdf"]
    assert line["state"] == "skipped"
    assert "broken.pdf" in line["reason"]


def test_removing_deletes_an_uploaded_copy_and_never_a_file_of_the_user(
    page: DocumentsPage, tmp_path: Path
) -> None:
    copy = put(page, "deep/er/bees.txt", BEES)
    own = tmp_path / "own.txt"
    own.write_text("The herring swims in shoals.")
    ended(page, page.index({"folder": str(tmp_path)}))
    ids = {name: line["id"] for name, line in lines(page).items()}
    assert lines(page)["own.txt"]["uploaded"] is False
    left = page.remove({"ids": list(ids.values())})
    assert left["documents"] == []
    assert page.search({"query": "herring"})["passages"] == []
    assert own.exists()
    assert not copy.exists()
    assert not (page.workbench.settings.documents / "deep").exists()


def test_removing_what_is_gone_already_is_said_and_removes_nothing(page: DocumentsPage) -> None:
    path = put(page, "bees.txt", BEES)
    with pytest.raises(NotFound):
        page.remove({"ids": [lines(page)["bees.txt"]["id"], "nowhere"]})
    assert path.exists()
    assert "bees.txt" in lines(page)


def test_checking_finds_what_has_changed_and_what_is_gone(page: DocumentsPage) -> None:
    changed, gone = put(page, "changed.txt", BEES), put(page, "gone.txt", "Fish swim.")
    ended(page, page.index({}))
    changed.write_text("The herring swims in shoals of thousands.")
    gone.unlink()
    done = ended(page, page.index({"check": True}))
    assert done["summary"].startswith("1 file indexed (1 passage)")
    assert done["summary"].endswith("1 removed")
    assert list(lines(page)) == ["changed.txt"]
    assert page.search({"query": "herring"})["passages"][0]["document"] == "changed.txt"


def test_a_folder_of_which_nothing_can_be_read_is_no_success(page: DocumentsPage, tmp_path: Path) -> None:
    empty = ended(page, page.index({"folder": str(tmp_path)}))
    assert (empty["state"], empty["error"]) == ("failed", f"There are no files in {tmp_path}.")
    (tmp_path / "model.xyz").write_text("?")
    done = ended(page, page.index({"folder": str(tmp_path)}))
    assert "1 skipped" in done["summary"]


@pytest.mark.parametrize(
    ("folder", "words"),
    [("papers", "full path"), ("/no/such/folder", "no file or folder '/no/such/folder'")],
)
def test_a_wrong_folder_is_refused_before_anything_runs(page: DocumentsPage, folder: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        page.index({"folder": folder})
    assert page.jobs.list() == []


def test_folders_of_the_machine_are_offered_to_its_own_users_only(shared: Workbench, tmp_path: Path) -> None:
    open_to_all = load_settings([f"home={shared.settings.home}", "server.host=0.0.0.0"])
    other = Workbench(open_to_all, shared.model.engine, shared.store)
    page = DocumentsPage(other, Jobs())
    assert page.config()["local"] is False
    with pytest.raises(InvalidInput, match="from the machine that Codex runs on"):
        page.index({"folder": str(tmp_path)})
    assert DocumentsPage(shared, Jobs()).config()["local"] is True


class SlowIndex:
    """Says that it indexes one file after the other, and waits before each for leave."""

    def __init__(self, waiting: int) -> None:
        self.waiting, self.leave, self.runs = waiting, threading.Semaphore(0), 0

    def documents(self) -> list[Any]:
        return [type("Waiting", (), {"state": "waiting"})] * self.waiting

    def run(self, progress: Any, cancel: threading.Event, *, check: bool = False) -> Report:
        self.runs += 1
        total, done = self.waiting, 0
        while done < total:
            progress(IndexingProgress(f"{done}.txt", done, total, 3 * done, 2.5, None))
            assert self.leave.acquire(timeout=10)
            if cancel.is_set():
                return Report(done, 0, (), 0, 3 * done, 1.0, True)
            done, self.waiting = done + 1, self.waiting - 1
        return Report(done, 0, (), 0, 3 * done, 1.0, False)


def slow(page: DocumentsPage, monkeypatch: pytest.MonkeyPatch, waiting: int) -> SlowIndex:
    index = SlowIndex(waiting)
    monkeypatch.setattr(page, "workbench", type("Bench", (), {"index": index, "settings": None}))
    return index


def test_files_that_come_while_others_are_indexed_are_indexed_too(
    page: DocumentsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        index = slow(page, patched, 1)
        started = page.index({})
        with pytest.raises(Conflict, match="Indexing is under way"):
            page.index({})
        index.waiting = 2  # another file came in
        index.leave.release(5)
        done = ended(page, started)
    assert (done["state"], done["summary"], index.runs) == ("done", "2 files indexed (6 passages)", 2)


def test_a_cancelled_indexing_leaves_the_rest_waiting(
    page: DocumentsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        index = slow(page, patched, 3)
        started = page.index({})
        page.cancel({"job": started["id"]})
        index.leave.release(5)
        done = ended(page, started)
    assert (done["state"], index.waiting) == ("cancelled", 3)


def test_a_failure_is_told_in_its_own_words(page: DocumentsPage) -> None:
    def work(job: Job) -> None:
        raise RetrievalError("The Chroma server is gone.")

    gone = ended(page, {"id": page.jobs.start(KIND, "Indexing", work).id})
    assert (gone["state"], gone["error"], gone["rebuild"]) == ("failed", "The Chroma server is gone.", False)


def test_an_index_of_another_embedding_is_refused_and_can_be_made_anew(
    page: DocumentsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(page, "bees.txt", BEES)
    ended(page, page.index({}))
    put(page, "fish.txt", "The herring swims in shoals.")
    model = page.workbench.index._embedding
    with monkeypatch.context() as patched:
        identity = replace(model.identity, name="another", fingerprint="of another")
        patched.setattr(type(model), "identity", property(lambda self: identity))
        refused = ended(page, page.index({}))
        assert (refused["state"], refused["rebuild"]) == ("failed", True)
        assert "was built with the embedding" in refused["error"]
        unsearched = page.search({"query": "bees"})
        assert (unsearched["error"], unsearched["rebuild"]) == (refused["error"], True)
        assert ended(page, page.rebuild({}))["summary"] == "2 files indexed (2 passages)"
    assert ended(page, page.rebuild({}))["state"] == "done"


def test_rebuilding_indexes_everything_again(page: DocumentsPage) -> None:
    put(page, "bees.txt", BEES)
    ended(page, page.index({}))
    done = ended(page, page.rebuild({}))
    assert done["summary"] == "1 file indexed (1 passage)"
    assert page.search({"query": "waggle dance"})["passages"][0]["document"] == "bees.txt"


def test_an_empty_search_is_refused(page: DocumentsPage) -> None:
    with pytest.raises(InvalidInput, match="what to search for"):
        page.search({"query": "  "})


def test_hostile_text_travels_as_it_is(page: DocumentsPage) -> None:
    put(page, "<img src=x onerror=alert(1)>.txt", f"{HOSTILE}\n{BEES}")
    ended(page, page.index({}))
    best = page.search({"query": "waggle dance script"})["passages"][0]
    assert best["document"] == "<img src=x onerror=alert(1)>.txt"
    assert HOSTILE in "".join(text for text, _ in best["parts"])


def test_a_long_document_is_read_in_stretches_that_join(
    page: DocumentsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = 300
    monkeypatch.setattr(documents, "WINDOW", window)
    # Characters beyond the basic plane count as one here and as two in JavaScript.
    text = "".join(f"Line {i}: the \N{HONEYBEE} flies on.\n" for i in range(60))
    put(page, "long.txt", text)
    page.workbench.index.run()
    id_ = lines(page)["long.txt"]["id"]
    start = text.index("Line 30:")
    opened = page.read({"id": id_, "start": start, "end": start + 8})
    assert (opened["first"], opened["last"]) == (start - window, start + 8 + window)
    assert opened["length"] == len(text.rstrip("\n")) or opened["length"] == len(text)
    assert [p["text"] for p in opened["pieces"] if p["marked"]] == ["Line 30:"]
    before = page.read({"id": id_, "first": 0, "last": opened["first"]})
    joined = "".join(p["text"] for part in (before, opened) for p in part["pieces"])
    assert joined == text[: opened["last"]]
    assert page.read({"id": id_, "start": "x", "end": None})["first"] == 0


def test_a_stretch_is_cut_at_its_pages_and_at_the_marked_words() -> None:
    document = DocumentText(None, "one two three four", (0, 8))  # type: ignore[arg-type]
    seen = text_view(document, 0, 99, 4, 13)
    assert [(p["text"], p["page"], p["begins"], p["marked"]) for p in seen["pieces"]] == [
        ("one ", 1, True, False),
        ("two ", 1, False, True),
        ("three", 2, True, True),
        (" four", 2, False, False),
    ]
    assert (seen["pages"], seen["length"]) == (2, 18)


def test_the_words_of_a_query_are_marked_without_case_and_without_stop_words() -> None:
    parts = marked("The Bee is the bee of bees.", query_words("the BEE"))
    assert [text for text, found in parts if found] == ["Bee", "bee"]
    assert "".join(text for text, _ in parts) == "The Bee is the bee of bees."


def test_several_runs_are_summed_up_in_one_line() -> None:
    first, second = Report(2, 5, (), 1, 9, 1.0, False), Report(1, 7, (), 0, 1, 1.0, True)
    both = together([first, second])
    assert (both.indexed, both.unchanged, both.removed, both.chunks, both.cancelled) == (3, 7, 1, 10, True)
    assert summary(both) == "3 files indexed (10 passages), 7 unchanged, 1 removed"
    assert summary(Report(0, 0, (), 0, 0, 0.1, False)) == "nothing to do"
