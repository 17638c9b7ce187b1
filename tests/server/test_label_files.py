"""Labels leave over HTTP as a file, and come in from one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex.labelling.formats import FORMATS
from codex.store.labelling.labels import Label
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, assert_error, running, workbench


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    bench = workbench(
        tmp_path_factory.mktemp("home"), ScriptedEngine(lambda _: Script(["A"])), "retrieval.max_file_mb=1"
    )
    put_run(bench.store, "run-1", graded=6)
    bench.store.labels.put(Label("run-1", "q0", "incorrect", "Ada", "=Rome", tags=("date",), spans=((0, 1),)))
    with running(bench) as started:
        yield started


@pytest.mark.parametrize("name", list(FORMATS))
def test_what_is_exported_is_imported(served: Served, name: str) -> None:
    sent = served.http.get("/labels/records", params={"format": name})
    form = FORMATS[name]  # type: ignore[index]
    assert sent.headers["content-type"].partition(";")[0] == form.media_type
    assert sent.headers["content-disposition"] == f'attachment; filename="labels{form.suffix}"'
    before = served.workbench.store.labels.of_run("run-1")
    served.workbench.store.labels.take_back("run-1", "q0", "Ada")
    came = served.http.put(f"/labels/records/labels{form.suffix}", content=sent.content)
    assert (came.status_code, came.json()) == (201, {"new": 1, "replaced": 0, "older": 0})
    assert served.workbench.store.labels.of_run("run-1") == before


def test_what_cannot_be_used_is_named_and_nothing_changes(served: Served) -> None:
    before = served.workbench.store.labels.of_run("run-1")
    for file, content, fields in (
        ("a.csv", b"question_id,verdict,run_id\ngone,correct,run-1\n", ["question_id"]),
        ("a.csv", b"question_id,verdict,colour\nq0,correct,red\n", ["colour"]),
        ("a.csv", b"question_id,verdict,run_id\nq0,good,run-1\n", ["verdict"]),
        ("a.txt", b"x", ["format"]),
        ("a.parquet", b"x", ["any"]),
    ):
        error = assert_error(served.http.put(f"/labels/records/{file}", content=content), 422, fields)
        assert "/" not in error["message"].replace("and/or", "")
    assert_error(served.http.put("/labels/records/a.csv", content=b"x" * 2**21), 413)
    assert_error(served.http.get("/labels/records", params={"queue": "gone"}), 404)
    assert_error(served.http.get("/labels/records", params={"run": "gone"}), 404)
    assert_error(served.http.get("/labels/records", params={"format": "xml"}), 422)
    assert served.workbench.store.labels.of_run("run-1") == before


def test_a_note_of_50_megabytes_does_not_get_in(served: Served) -> None:
    queue = served.http.post("/label-queues", json={"name": "n", "source": "run", "run_id": "run-1"}).json()
    label = {"run_id": "run-1", "question_id": "q1", "verdict": "correct", "note": "x" * (50 * 2**20)}
    refused = served.http.post(f"/label-queues/{queue['id']}/labels", json=label)
    assert refused.status_code in (413, 422)
    assert len(refused.content) < 2_000
    assert served.workbench.store.labels.of("run-1", "q1") == []
