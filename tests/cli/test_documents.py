"""codex index and codex search, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codex.cli.terminal import paths_and_overrides
from codex.retrieval import Index
from codex.retrieval.config import RetrievalConfig
from tests.support.command import Codex, command

BEES = "Bees dance the waggle dance to tell the others where the flowers are."
FISH = "The herring swims in shoals of thousands."


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def codex(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(home, monkeypatch, capsys)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "sea").mkdir(parents=True)
    (folder / "bees.txt").write_text(BEES)
    (folder / "sea" / "fish.md").write_text(f"# Herring\n\n{FISH}\n")
    return folder


def test_a_folder_is_indexed_and_searched(codex: Codex, papers: Path) -> None:
    (papers / "broken.pdf").write_text("no PDF")
    done = codex("index", str(papers))
    assert done.status == 0
    assert "2 indexed (2 passages)" in done.out
    assert "in total 2 indexed, 1 skipped" in done.out
    assert f"skipped  {papers}/broken.pdf: " in done.err

    found = codex("search", "where are the flowers?", "--k", "1", "--json")
    assert (found.status, found.err) == (0, "")
    [passage] = json.loads(found.out)
    assert passage["document"] == "bees.txt"
    assert passage["text"] == BEES[passage["start"] : passage["end"]]
    assert passage["page"] is None
    assert {"dense", "bm25", "fused"} <= passage["scores"].keys()

    shown = codex("search", "herring", "retrieval.k=1")
    assert shown.out.startswith("1. fish.md  Herring  ")
    assert FISH in shown.out

    listed = codex("index")
    assert [line.split()[:2] for line in listed.out.splitlines()[1:4]] == [
        ["bees.txt", "indexed"],
        ["broken.pdf", "skipped"],
        ["fish.md", "indexed"],
    ]


def test_an_encoding_that_is_named_overrides_the_guess(codex: Codex, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes("倉庫は水曜日に休みます。".encode("cp932"))
    assert f"note  {note}: not UTF-8; read as Shift_JIS, a guess (" in codex("index", str(note)).err
    told = codex("index", str(note), "--encoding", "windows-1252")
    assert "1 indexed" in told.out
    assert "note " not in told.err
    assert codex("search", "x").out.startswith("1. note.txt")
    assert "‘qŒÉ" in codex("search", "x").out
    assert "1 indexed" in codex("index", str(note), "--encoding", "auto").out
    assert "倉庫は水曜日" in codex("search", "x").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["note.txt", "--encoding", "klingon"], "no encoding 'klingon'"),
        (["--encoding", "gbk"], "needs the files"),
    ],
)
def test_an_encoding_that_cannot_be_used_is_refused(
    codex: Codex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("Text.")
    done = codex("index", *words)
    assert done.status != 0
    assert said in done.err


def test_only_what_changed_is_indexed_again_and_a_document_can_be_forgotten(
    codex: Codex, papers: Path
) -> None:
    codex("index", str(papers))
    assert "nothing new to index" in codex("index", str(papers)).out
    (papers / "bees.txt").write_text("Wasps build their nest of paper.")
    (papers / "sea" / "fish.md").unlink()
    checked = codex("index", "--check")
    assert "1 indexed" in checked.out
    assert "1 gone and removed" in checked.out
    removed = codex("index", "--remove", "bees.txt")
    assert (removed.status, removed.out) == (0, f"removed  {papers}/bees.txt\n")
    assert (papers / "bees.txt").exists()
    nothing = codex("search", "wasps", "--json")
    assert (nothing.status, json.loads(nothing.out)) == (0, [])
    assert "No documents are indexed yet" in nothing.err
    again = codex("index", "--remove", "bees.txt")
    assert again.status == 1
    assert "There is no document 'bees.txt'" in again.err


def test_rebuilding_reads_everything_again(codex: Codex, papers: Path) -> None:
    codex("index", str(papers))
    assert "2 indexed (2 passages)" in codex("index", "--rebuild").out


def test_when_nothing_could_be_read_the_exit_fails(codex: Codex, papers: Path) -> None:
    (papers / "broken.pdf").write_text("no PDF")
    failed = codex("index", str(papers / "broken.pdf"))
    assert failed.status == 1
    assert "broken.pdf" in failed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["index", "/no/such/folder"], "no file or folder '/no/such/folder'"),
        (["index", "retreival.k=3"], "did you mean 'retrieval.k'"),
        (["search", "  "], "The query is empty"),
        (["search", "bees", "--k", "0"], "--k must be from 1 to 50"),
        (["search", "bees", "--k", "51"], "--k must be from 1 to 50"),
        (["search", "\udcff"], "half a character"),
    ],
)
def test_an_error_is_one_clear_line(codex: Codex, words: list[str], said: str) -> None:
    done = codex(*words)
    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_text_of_a_document_cannot_act_on_the_terminal(codex: Codex, tmp_path: Path) -> None:
    hostile = tmp_path / "a\x1b[2J[bold].txt"
    hostile.write_text("Bees \u202edance\u202c the [red]waggle[/red] dance.")
    done = codex("index", str(hostile))
    assert done.status == 0
    listed, found = codex("index"), codex("search", "waggle dance")
    for said in (done, listed, found):
        assert "\x1b" not in said.out + said.err
        assert "\u202e" not in said.out + said.err
    assert "[bold].txt" in listed.out
    assert "[red]waggle[/red]" in found.out
    assert "\u202e" not in codex("search", "waggle dance", "--json").out


def test_a_word_with_an_equals_sign_is_a_setting_unless_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.txt").write_text("x")
    words = ["a=b.txt", "retrieval.k=3", "notes.txt", "home=/x"]
    assert paths_and_overrides(words) == (
        [Path("a=b.txt"), Path("notes.txt")],
        ["retrieval.k=3", "home=/x"],
    )


def test_ctrl_c_ends_cleanly_and_the_next_call_goes_on(home: Path, tmp_path: Path) -> None:
    # Enough batches of 4 passages that the signal comes long before the last.
    files = 120
    for i in range(files):
        (tmp_path / f"{i}.txt").write_text(f"Bee number {i} dances the waggle dance {i} times a day.")
    index = Index(RetrievalConfig(), home)
    program = subprocess.Popen(
        [sys.executable, "-m", "codex", "index", str(tmp_path), "retrieval.batch_size=4"],
        env=os.environ | {"CODEX_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def states() -> set[str]:
        return {document.state for document in index.documents()}

    deadline = time.monotonic() + 300
    while "indexed" not in states():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=300)
    assert program.returncode == 130
    assert "`codex index` resumes with the rest" in said
    assert "Traceback" not in said
    left = sum(document.state == "waiting" for document in index.documents())
    assert 0 < left < files
    done = index.run()
    assert done.indexed == left
    index.close()
