"""The sets under the home folder: what is there, and what is said of one that is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from codex.datasets.importing import import_file
from codex.datasets.library import broken, datasets, load
from codex.errors import CodexError, Conflict, InvalidInput, NotFound


def test_what_was_imported_is_listed_with_what_ships(tmp_path: Path, mine: Path) -> None:
    import_file(mine, tmp_path, "zoo")
    names = [(dataset.name, dataset.kind) for dataset in datasets(tmp_path)]
    assert names == [
        ("arithmetic", "shipped"),
        ("capitals", "shipped"),
        ("elements", "shipped"),
        ("newcomers", "shipped"),
        ("unanswerable", "shipped"),
        ("zoo", "imported"),
    ]
    assert datasets(tmp_path)[-1].about.startswith("Imported from a.csv on ")
    with pytest.raises(NotFound, match=r"no dataset 'zo'\. There are: arithmetic, capitals"):
        load("zo", tmp_path)


@pytest.mark.parametrize("damaged", ['{"id": "x"}\n', "cut o", "[]\n"])
def test_a_row_of_a_set_that_was_damaged_is_an_error_that_says_so(
    tmp_path: Path, mine: Path, damaged: str
) -> None:
    import_file(mine, tmp_path)
    (tmp_path / "datasets" / "a.jsonl").write_text(damaged)
    with pytest.raises(CodexError, match="Import the file again"):
        load("a", tmp_path)


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        ({"context": 5}, "one of its texts is int"),
        ({"question": "\ud800"}, "half a character"),
        ({"choices": ["a", "\ud800"]}, "half a character"),
        ({"grader": "best"}, "there is no grader 'best'"),
        ({"grader": ["exact"]}, "there is no grader"),
    ],
)
def test_a_row_that_was_edited_badly_is_an_error_that_says_so(
    tmp_path: Path, mine: Path, edited: dict[str, object], why: str
) -> None:
    import_file(mine, tmp_path)
    row = {"id": "1", "question": "Who?", "answers": ["Ann"]} | edited
    (tmp_path / "datasets" / "a.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(InvalidInput, match=rf"a\.jsonl, line 1, .*{why}.*Import the file again"):
        load("a", tmp_path)


@pytest.mark.parametrize("damaged", [b'{"id": "\xff"}\n', b"[" * 100_000 + b"\n"])
def test_a_set_that_is_not_utf_8_or_nested_too_deeply_is_an_error_that_says_so(
    tmp_path: Path, mine: Path, damaged: bytes
) -> None:
    import_file(mine, tmp_path)
    (tmp_path / "datasets" / "a.jsonl").write_bytes(damaged)
    with pytest.raises(
        InvalidInput, match=r"a\.jsonl, line 1, is not a question.*Import the file again"
    ) as raised:
        load("a", tmp_path)
    assert len(str(raised.value)) < 400


def break_card(folder: Path) -> None:
    (folder / "a.md").write_bytes(b"\xff")


def break_rows(folder: Path) -> None:
    (folder / "a.jsonl").unlink()
    (folder / "a.jsonl").mkdir()


def break_link(folder: Path) -> None:
    (folder / "a.jsonl").unlink()
    (folder / "a.jsonl").symlink_to(folder / "nowhere")


def break_card_by_folder(folder: Path) -> None:
    (folder / "a.md").unlink()
    (folder / "a.md").mkdir()


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        (break_card, r"its card .*a\.md is not UTF-8"),
        (break_rows, r"a\.jsonl cannot be read \(Is a directory\)"),
        (break_link, r"a\.jsonl cannot be read \(No such file"),
        (break_card_by_folder, r"a\.md cannot be read \(Is a directory\)"),
    ],
)
def test_a_set_that_is_broken_is_named_and_left_out_and_the_others_work(
    tmp_path: Path, mine: Path, breaks: Callable[[Path], None], why: str
) -> None:
    for name in ("a", "b"):
        import_file(mine, tmp_path, name)
    breaks(tmp_path / "datasets")
    assert [each.name for each in datasets(tmp_path) if each.kind == "imported"] == ["b"]
    ((name, said),) = [(each.name, each.why) for each in broken(tmp_path)]
    assert name == "a"
    assert re.search(why, said)
    assert [item.question for item in load("b", tmp_path)] == ["Who?"]
    assert len(load("capitals", tmp_path)) > 100
    with pytest.raises(InvalidInput, match=f"'a' cannot be used: .*{why}"):
        load("a", tmp_path)
    with pytest.raises(Conflict, match="There is a dataset a already"):
        import_file(mine, tmp_path)


def test_a_set_with_a_broken_card_is_whole_again_when_it_is_replaced(tmp_path: Path, mine: Path) -> None:
    import_file(mine, tmp_path)
    break_card(tmp_path / "datasets")
    assert import_file(mine, tmp_path, replace=True).dataset.rows == 1
    assert broken(tmp_path) == []


def test_a_card_that_claims_more_rows_than_there_can_be_is_not_believed(tmp_path: Path, mine: Path) -> None:
    import_file(mine, tmp_path)
    (tmp_path / "datasets" / "a.md").write_text(f"# a\n\n- rows: {'9' * 5000}\n")
    assert datasets(tmp_path)[-1].rows == 1
