"""Files of questions over HTTP: previewed with other columns, imported, discarded, refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex.datasets import waiting
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, assert_error, running, workbench

FORM = {"Content-Type": "text/csv"}
ROWS = b"Frage,Antwort,Nummer\nWer?,Anna,1\nWo?,,2\nWann?,1969,3\nWie?,so,4\nWas?,das,5\n"
COLUMNS = "column=question=Frage&column=answers=Antwort&column=id=Nummer"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " 4", "."]))
    with running(workbench(tmp_path_factory.mktemp("home"), engine, "retrieval.max_file_mb=1")) as started:
        yield started


def test_a_file_is_previewed_with_other_columns_and_imported(served: Served) -> None:
    http, home = served.http, served.workbench.settings.home
    sent = http.put("/datasets/drafts/one?file=Meine Fragen.csv", content=ROWS, headers=FORM)
    assert sent.status_code == 201
    first = sent.json()
    assert (first["name"], first["names"]) == ("meine-fragen", ["Frage", "Antwort", "Nummer"])
    assert "No column holds the question" in first["error"]
    seen = http.get(f"/datasets/drafts/one?{COLUMNS}").json()
    assert seen["error"] is None
    assert seen["columns"] == {"question": ["Frage"], "answers": ["Antwort"], "id": ["Nummer"]}
    assert [(it["id"], it["asked"], it["graded_as"]) for it in seen["first"]][:2] == [
        ("1", "Wer?", "short"),
        ("3", "Wann?", "numeric"),
    ]
    assert (seen["questions"], seen["rejected"], seen["reasons"][0]["line"]) == (4, 1, 3)
    exact = http.get(f"/datasets/drafts/one?{COLUMNS}&grader=exact&column=group=").json()
    assert exact["graders"] == {"exact": 4}
    assert "no column 'Wort'" in http.get("/datasets/drafts/one?column=question=Wort").json()["error"]
    error = assert_error(http.put("/datasets/meine?draft=one"), 422)
    assert "No column holds the question" in error["message"]
    assert_error(http.put(f"/datasets/capitals?draft=one&{COLUMNS}"), 409)
    made = http.put(f"/datasets/meine?draft=one&{COLUMNS}&grader=exact")
    assert (made.status_code, made.json()["dataset"]["rows"]) == (201, 4)
    assert_error(http.get("/datasets/drafts/one"), 404)
    assert not list((home / ".partial").iterdir())


def test_a_discarded_file_is_gone(served: Served) -> None:
    http = served.http
    http.put("/datasets/drafts/two?file=a.csv", content=ROWS, headers=FORM)
    for _ in range(2):
        assert http.delete("/datasets/drafts/two").status_code == 204
    assert "Upload it again" in assert_error(http.put("/datasets/b?draft=two"), 404)["message"]


@pytest.mark.parametrize(
    ("path", "sent", "status", "said"),
    [
        ("/datasets/drafts/x?file=a.csv", b"", 422, "a.csv is empty"),
        ("/datasets/drafts/x?file=a.xlsx", b"PK\x03\x04", 422, "is no name of a file that ends in one of"),
        ("/datasets/drafts/x?file=a.csv", b"PK\x03\x04", 422, "Excel file"),
        ("/datasets/drafts/x?file=a.csv", b"x" * (2**20 + 1), 413, "larger than 1 MB"),
        ("/datasets/drafts/x?file=a.csv&column=question", ROWS, 422, "FIELD=COLUMN"),
        ("/datasets/drafts/x?file=a.csv&grader=mine", ROWS, 422, "grader"),
        ("/datasets/drafts/x?file=a.csv&encoding=mine", ROWS, 422, "There is no encoding"),
        ("/datasets/drafts/x%2Fy?file=a.csv", ROWS, 404, ""),
        ("/datasets/drafts/x_y?file=a.csv", ROWS, 422, "no name of a draft"),
    ],
)
def test_a_file_that_cannot_be_read_does_not_wait(
    served: Served, path: str, sent: bytes, status: int, said: str
) -> None:
    error = assert_error(served.http.put(path, content=sent, headers=FORM), status)
    assert said in error["message"]
    assert_error(served.http.get("/datasets/drafts/x"), 404)


def test_files_that_wait_are_few(served: Served) -> None:
    for at in range(waiting.MOST + 1):
        served.http.put(f"/datasets/drafts/many{at}?file=a.csv", content=ROWS, headers=FORM)
    there = [served.http.get(f"/datasets/drafts/many{at}").status_code for at in range(waiting.MOST + 1)]
    assert there == [404, *[200] * waiting.MOST]
    for at in range(waiting.MOST + 1):
        served.http.delete(f"/datasets/drafts/many{at}")
