"""A search limited to some documents: what a name means, and that nothing else is ranked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codex.errors import InvalidInput
from codex.retrieval import Document, Index
from codex.retrieval.selection import offered, selected

UPLOADS = Path("/home/ann/.codex/documents")
PATHS = {
    "a": "/srv/handbook/2024/leave.md",
    "b": "/srv/handbook/2025/leave.md",
    "c": "/srv/other/handbook.md",
    "d": "/home/ann/.codex/documents/reports/q1.txt",
}


def document(id_: str, path: str) -> Document:
    now = datetime.now(UTC)
    return Document(id_, Path(path).name, Path(path), "indexed", "", 1, None, 1, 1, now, now)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (["leave.md"], "ab"),
        (["2025/leave.md"], "b"),
        (["handbook"], "ab"),
        (["handbook/2024/"], "a"),
        (["/srv/handbook"], "ab"),
        (["/srv/handbook/2024/leave.md"], "a"),
        (["reports"], "d"),
        (["c", "q1.txt"], "cd"),
    ],
)
def test_a_name_a_folder_or_a_path_means_documents(wanted: list[str], meant: str) -> None:
    assert selected([document(*each) for each in PATHS.items()], wanted, UPLOADS) == frozenset(meant)


@pytest.mark.parametrize("wanted", ["nope.md", "/srv/hand", "2024/2025", "ann", "documents", "", "."])
def test_a_name_that_means_nothing_is_refused_with_what_there_is(wanted: str) -> None:
    with pytest.raises(InvalidInput, match=r"handbook\.md, leave\.md, q1\.txt") as refused:
        selected([document(*each) for each in PATHS.items()], [wanted], UPLOADS)
    assert refused.value.fields == ("documents",)


def test_both_rankings_see_the_chosen_documents_alone(
    make_index: Callable[..., Index], tmp_path: Path
) -> None:
    # The best eight of all chunks, by words and by meaning, are of the other documents.
    folder = tmp_path / "many"
    (folder / "chosen").mkdir(parents=True)
    for n in range(8):
        (folder / f"other{n}.txt").write_text(f"Bees make honey in hive number {n}.")
    (folder / "chosen" / "rivers.txt").write_text("The Nile is a long river; no bees live in it.")
    index = make_index(candidates=8)
    index.add([folder])
    index.run()
    assert "rivers.txt" not in {it.document for it in index.search("Where do bees make honey?", 8)}
    found = index.search("Where do bees make honey?", 8, among=index.select(["many/chosen"]))
    assert [it.document for it in found] == ["rivers.txt"]
    assert {"dense", "bm25"} <= found[0].scores.keys()


def test_what_is_offered_means_what_it_says() -> None:
    documents = [document(*each) for each in PATHS.items()]
    assert offered(documents, UPLOADS) == [
        "/srv/handbook/2024",
        "/srv/handbook/2025",
        "/srv/other",
        "reports",
        "/srv/handbook/2024/leave.md",
        "/srv/handbook/2025/leave.md",
        "handbook.md",
        "q1.txt",
    ]
    for name in offered(documents, UPLOADS):
        assert len(selected(documents, [name], UPLOADS)) == 1
