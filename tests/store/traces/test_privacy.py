"""What stays of a question in the files themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codex.errors import InvalidInput
from codex.store import Privacy, Store
from tests.support.traces import hidden, make_trace

EARLY, LATE = "zebrafinch", "quetzalwing"
QUESTION = f"Where does the {EARLY} live{'?' * 200}{LATE}"
"""Two words that stand nowhere else: one inside the first 127 characters, one behind them."""
FOUND = "umbrellabird"
"""A word of a passage."""
WORDS = (EARLY, LATE, FOUND)


def on_disk(path: Path) -> bytes:
    """Every byte of the database and of its write-ahead log."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()) if file.is_file())


@pytest.mark.parametrize(
    ("privacy", "kept"),
    [("hash", (False, False, False)), ("preview", (True, False, False)), ("full", (True, True, True))],
)
def test_the_files_hold_of_a_question_and_its_passages_what_the_setting_says(
    tmp_path: Path, privacy: Privacy, kept: tuple[bool, bool, bool]
) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path, privacy) as store:
        trace = make_trace(1, question=QUESTION)
        passage = replace(trace.last.observation.passages[0], text=f"The {FOUND} lives in Peru.")
        step = replace(trace.last, observation=replace(trace.last.observation, passages=(passage,)))
        store.save(replace(trace, steps=(step,)))
        while_open = on_disk(path)
        summary = store.sessions.traces("s")[0]
    closed = on_disk(path)
    assert tuple(word.encode() in while_open for word in WORDS) == kept
    # A closed file may be compressed, so only what must be absent can be looked for in its bytes.
    assert not any(word.encode() in closed for word, there in zip(WORDS, kept, strict=True) if not there)
    assert summary.question == {"hash": None, "preview": QUESTION[:127], "full": QUESTION}[privacy]
    assert summary.question_sha256 == make_trace(1, question=QUESTION).question_sha256


@pytest.mark.parametrize("privacy", ["hash", "preview"])
def test_a_long_question_and_its_prompt_come_back_as_none(tmp_path: Path, privacy: Privacy) -> None:
    trace = make_trace(1, question=QUESTION)
    with Store(tmp_path / "codex.duckdb", privacy) as store:
        store.save(trace)
        assert store.load(trace.id) == hidden(trace)


@pytest.mark.parametrize(("length", "comes_back"), [(127, True), (128, False)])
def test_a_preview_that_is_the_whole_question_is_the_question(
    tmp_path: Path, length: int, comes_back: bool
) -> None:
    trace = make_trace(1, question="x" * length)
    with Store(tmp_path / "codex.duckdb", "preview") as store:
        store.save(trace)
        assert store.load(trace.id).question == (trace.question if comes_back else None)
        assert store.load(trace.id).last.prompt is None


def test_the_setting_changes_while_running_for_the_next_trace(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        store.save(make_trace(1))
        store.privacy = "full"
        store.save(make_trace(2))
        assert store.load("trace-1") == hidden(make_trace(1))
        assert store.load("trace-2") == make_trace(2)


def test_a_question_that_is_hidden_already_stays_hidden(tmp_path: Path) -> None:
    trace = replace(hidden(make_trace(1)), parent_id="trace-0")
    with Store(tmp_path / "codex.duckdb", "full") as store:
        store.save(trace)
        assert store.load(trace.id) == trace


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        with pytest.raises(InvalidInput, match="none"):
            store.privacy = "none"  # type: ignore[assignment]
        assert store.privacy == "hash"
