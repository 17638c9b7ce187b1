"""Results that outlive the process."""

from __future__ import annotations

import json
from pathlib import Path

from codex.pages import kept
from codex.pages.kept import Kept


def test_what_took_long_is_computed_once_also_after_a_restart(tmp_path: Path) -> None:
    computed: list[str] = []

    def ask(key: str) -> list[int]:
        def compute() -> list[int]:
            computed.append(key)
            return [len(computed)]

        return Kept(tmp_path / "cache").recall(key, compute, json.dumps, json.loads)

    assert [ask("a"), ask("a"), ask("b"), ask("a")] == [[1], [1], [2], [1]]
    for path in (tmp_path / "cache").iterdir():
        path.write_text("not JSON")
    assert ask("a") == [3]
    assert ask("a") == [3]


def test_the_oldest_are_forgotten_and_a_folder_that_cannot_be_made_costs_the_time_only(
    tmp_path: Path,
) -> None:
    most, kept.MOST = kept.MOST, 2
    try:
        shelf = Kept(tmp_path / "cache")
        for key in "abc":
            shelf.recall(key, lambda: key, str, str)  # noqa: B023
        assert len(list((tmp_path / "cache").iterdir())) == 2
    finally:
        kept.MOST = most
    (tmp_path / "file").write_text("")
    assert Kept(tmp_path / "file").recall("a", lambda: "A", str, str) == "A"
