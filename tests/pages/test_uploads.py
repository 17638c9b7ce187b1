"""A file of questions on the Evaluate page: its columns said, previewed, imported or discarded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex.datasets import waiting
from codex.datasets.library import load
from codex.errors import Cancelled, Conflict, InvalidInput, NotFound
from codex.jobs import Jobs
from codex.pages.evaluate.uploads import LISTED, Uploads
from codex.private import PARTIAL

ROWS = "Frage;Antwort;Nummer\nWer?;Anna;1\nWie viel?;12;2\nWo?;;3\nWann?;1969;4\nWas?;das;5\nWie?;so;6\n"


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    jobs = Jobs()
    yield Uploads(tmp_path / "home", jobs)
    jobs.close()


def sent(
    uploads: Uploads, content: str = ROWS, name: str = "Meine Fragen.csv", **said: Any
) -> dict[str, Any]:
    """What the page sends about a file that has arrived."""
    path = uploads.home.parent / name
    path.write_text(content)
    waiting.keep(path, "one", uploads.home)
    return {"draft": "one", "name": "", "columns": {}, **said}


def imported(uploads: Uploads, wanted: dict[str, Any]) -> dict[str, Any]:
    state = uploads.import_draft(wanted)
    while "job" in state:
        state = uploads.importing(state)
    return state


def chosen(view: dict[str, Any]) -> dict[str, list[str]]:
    return {field["name"]: field["chosen"] for field in view["fields"] if field["chosen"]}


def test_columns_are_chosen_until_the_preview_is_as_wanted(uploads: Uploads) -> None:
    wanted = sent(uploads)
    first = uploads.draft(wanted)
    assert (first["name"], first["names"]) == ("meine-fragen", ["Frage", "Antwort", "Nummer"])
    assert first["error"] == (
        "No column holds the question. There are: Frage, Antwort, Nummer. Choose it above."
    )
    wanted["columns"] = {"question": ["Frage"], "answers": ["Antwort"]}
    seen = uploads.draft(wanted)
    assert seen["error"] is None
    assert seen["words"] == "5 questions · graded as short 3, numeric 2"
    assert [(it["asked"], it["answers"], it["grader"]) for it in seen["items"]][:2] == [
        ("Wer?", ["Anna"], "short"),
        ("Wie viel?", ["12"], "numeric"),
    ]
    assert (seen["rejections"], seen["too_many"]) == ("1 row rejected", None)
    assert seen["rejected"] == [
        {"line": 4, "reason": "it has no answer, and is not marked as not answerable"}
    ]
    assert uploads.rejected(wanted).splitlines()[1].startswith("4\tit has no answer")
    exact = uploads.draft({**wanted, "grader": "exact"})
    assert {it["grader"] for it in exact["items"]} == {"exact"}
    with pytest.raises(InvalidInput, match="There is no grader"):
        uploads.draft({**wanted, "grader": "mine"})


def test_what_is_found_by_its_name_is_chosen_also_while_the_question_is_missing(uploads: Uploads) -> None:
    view = uploads.draft(sent(uploads, "Frage,answer,id,topic\nWer?,Ann,1,x\n"))
    assert chosen(view) == {"answers": ["answer"], "id": ["id"], "group": ["topic"]}
    assert "Choose it above" in view["error"]


def test_an_import_ends_the_draft(uploads: Uploads) -> None:
    wanted = sent(uploads, columns={"question": ["Frage"], "answers": ["Antwort"], "id": ["Nummer"]})
    done = imported(uploads, {**wanted, "grader": "exact"})
    assert done["name"] == "meine-fragen"
    assert done["said"].startswith("Imported 5 questions; 1 row rejected, see ")
    kept = load("meine-fragen", uploads.home)
    assert {(item.grader, item.id) for item in kept} == {("exact", str(n)) for n in (1, 2, 4, 5, 6)}
    with pytest.raises(NotFound, match="Upload it again"):
        uploads.draft(wanted)
    assert not list((uploads.home / PARTIAL).iterdir())


def test_a_name_that_is_taken_is_said_before_the_import(uploads: Uploads) -> None:
    wanted = sent(uploads, columns={"question": ["Frage"], "answers": ["Antwort"]})
    assert uploads.draft(wanted)["taken"] is None
    assert "ships with Codex" in uploads.draft({**wanted, "name": "capitals"})["taken"]
    assert "not a valid name" in uploads.draft({**wanted, "name": "Meine Fragen"})["taken"]
    imported(uploads, wanted)
    again = sent(uploads, columns=wanted["columns"])
    assert "There is a dataset meine-fragen already" in uploads.draft(again)["taken"]
    with pytest.raises(InvalidInput, match="already"):
        imported(uploads, again)
    assert uploads.draft(again)["taken"]


def test_many_rejected_rows_are_imported_around_only_where_that_is_said(uploads: Uploads) -> None:
    wanted = sent(uploads, "question,answer\n" + "Who?,Ann\n" + "".join(f"{n}?,\n" for n in range(30)))
    view = uploads.draft(wanted)
    assert (len(view["rejected"]), view["rejections"]) == (
        LISTED,
        "30 rows rejected, the first 20 of them here",
    )
    assert view["too_many"] == "More than a fifth of the rows cannot be used."
    assert len(uploads.rejected(wanted).splitlines()) == 31
    with pytest.raises(InvalidInput, match="by the box above the button"):
        imported(uploads, wanted)
    assert imported(uploads, {**wanted, "accept": True})["said"].startswith("Imported 1 question;")


def test_where_every_row_is_rejected_nothing_can_be_imported(uploads: Uploads) -> None:
    view = uploads.draft(sent(uploads, "question,answer\nWho?,\nWhen?,\n"))
    assert "has no usable question. Line 2: it has no answer" in view["error"]
    assert (view["items"], view["rejections"]) == ([], "2 rows rejected")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("question,choices,answer\nWho?,Ann or Ben,A\n", "type above what splits them"),
        ('question,choices,answer\nWho?,"[""1"", ""2""]",1\n', "choose above what correct choices are"),
        ("task,canonical_solution\nAdd.,return 1\n", "choose both columns above"),
    ],
)
def test_the_page_names_its_own_fields(uploads: Uploads, content: str, said: str) -> None:
    view = uploads.draft(sent(uploads, content))
    text = str(view["error"]) + "".join(row["reason"] for row in view["rejected"])
    assert said in text
    assert "--" not in text


def test_what_choices_are_and_what_splits_them_is_said(uploads: Uploads) -> None:
    content = "question,choices,answer\nWho?,Ann|Ben,1\n"
    wanted = sent(uploads, content, split="|", keys="1")
    view = uploads.draft(wanted)
    assert view["items"][0]["asked"] == "Who?\nA. Ann\nB. Ben"
    assert view["items"][0]["answers"] == ["Ann"]
    assert [value for value, _ in view["keys"]] == ["", "0", "1", "text"]


def test_a_draft_is_discarded_and_an_import_cancelled(uploads: Uploads) -> None:
    wanted = sent(uploads, columns={"question": ["Frage"], "answers": ["Antwort"]})
    job = uploads.jobs.start("import", "Importing", lambda job: job.cancel.wait())
    with pytest.raises(Conflict, match="under way"):
        uploads.import_draft(wanted)
    uploads.cancel_import({"job": job.id})
    with pytest.raises(Cancelled, match="nothing was changed"):
        uploads.importing({"job": job.id})
    uploads.discard(wanted)
    with pytest.raises(NotFound):
        uploads.draft(wanted)
