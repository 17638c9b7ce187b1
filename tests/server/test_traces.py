"""The history over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from codex.policy import Policy
from codex.text import sha256
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, assert_error, eventually, running, workbench

SECRET = "Where do the wxqzjvkpfthglmn live?"
"""No other text of the database repeats it."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " 4", "."]))
    with running(workbench(tmp_path / "home", engine, "store.privacy=full")) as started:
        yield started


def ask(served: Served, question: str, **more: object) -> dict[str, object]:
    found: dict[str, object] = served.http.post("/infer", json={"query": question, **more}).json()
    return found


def test_traces_are_listed_in_pages_filtered_and_sorted(served: Served) -> None:
    for number in range(5):
        ask(served, f"question {number}", session_id=f"s{number // 3}")
    first = served.http.get("/traces", params={"size": 2}).json()
    assert first["total"] == 5
    assert [line["question"] for line in first["traces"]] == ["question 4", "question 3"]
    second = served.http.get("/traces", params={"size": 2, "after": first["next"]}).json()
    assert [line["question"] for line in second["traces"]] == ["question 2", "question 1"]
    found = served.http.get("/traces", params={"session": "s1", "text": "QUESTION 4"}).json()
    assert [line["question_sha256"] for line in found["traces"]] == [sha256("question 4")]
    assert found["traces"][0]["generated_tokens"] > 0
    assert found["next"] is None
    up = served.http.get("/traces", params={"sort": "confidence", "down": False}).json()
    assert up["total"] == 5


@pytest.mark.parametrize(("query", "field"), [
    ({"sort": "question"}, "sort"),
    ({"after": "yesterday"}, "after"),
    ({"size": "1000"}, "size"),
    ({"low": "2"}, "low"),
    ({"low": "0.9", "high": "0.1"}, "low"),
    ({"since": "2026-01-31T12:00:00"}, "since"),
    ({"since": "soon"}, "since"),
    ({"label": "maybe"}, "label"),
    ({"colour": "red"}, "colour"),
], ids=str)  # fmt: skip
def test_a_malformed_filter_is_refused_by_its_name(served: Served, query: dict[str, str], field: str) -> None:
    error = assert_error(served.http.get("/traces", params=query), 422)
    assert field in error["fields"]


def test_past_the_end_is_an_empty_page(served: Served) -> None:
    ask(served, "only one")
    found = served.http.get("/traces", params={"after": "0.0:0"}).json()
    assert (found["traces"], found["total"], found["next"]) == ([], 1, None)


def test_the_exports_hold_what_the_store_holds(served: Served, tmp_path: Path) -> None:
    traces = [ask(served, f"question {number}")["trace_id"] for number in range(3)]
    lines = served.http.get("/traces/export", params={"text": "question 1"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["trace_id"] for line in lines.text.splitlines()] == [traces[1]]
    parquet = served.http.get("/traces/export", params={"format": "parquet", "table": "tokens"})
    assert 'filename="codex-tokens.parquet"' in parquet.headers["content-disposition"]
    (tmp_path / "tokens.parquet").write_bytes(parquet.content)
    with duckdb.connect() as db:
        found = db.execute(
            "SELECT DISTINCT trace_id FROM read_parquet(?)", [str(tmp_path / "tokens.parquet")]
        ).fetchall()
    assert {each for (each,) in found} == set(traces)
    assert list((served.workbench.settings.home / ".partial").iterdir()) == []


def test_another_policy_decides_again_without_a_model(served: Served) -> None:
    asked = ask(served, "question")
    assert asked["decision"] != "abstain"
    strict = Policy(name="strict", rules=(), answer_above=1.0, abstain_below=1.0)
    served.workbench.store.policies.save(strict.version, "strict", strict.model_dump_json())
    path = f"/traces/{asked['trace_id']}"
    prompts = len(served.scripted.prompts) if hasattr(served.scripted, "prompts") else None
    decided = served.http.post(f"{path}/redecide", json={"policy": strict.version}).json()
    assert decided["action"] == "abstain"
    if prompts is not None:
        assert len(served.scripted.prompts) == prompts
    assert served.http.get(path).json()["policy"] == asked["policy"]
    assert served.http.get("/traces").json()["total"] == 1
    assert_error(served.http.post(f"{path}/redecide", json={"policy": "none@0"}), 404)
    assert_error(served.http.post("/traces/none/redecide", json={"policy": strict.version}), 404)


def test_a_stored_question_is_asked_again_as_it_was(served: Served) -> None:
    asked = ask(served, "question", n_samples=2, params={"max_tokens": 7, "seed": 3})
    again = served.http.post(f"/traces/{asked['trace_id']}/replay").json()
    assert again["trace_id"] != asked["trace_id"]
    assert again["session_id"] == asked["session_id"]
    first, second = (served.workbench.store.load(str(it["trace_id"])) for it in (asked, again))
    assert first.params == second.params
    assert second.question == "question"
    found = served.http.get(f"/traces/{first.id}/comparison/{second.id}").json()
    assert [found[same] for same in ("same_question", "same_answer", "same_model")] == [True] * 3
    confidence = found["differences"][0]
    assert (confidence["name"], confidence["change"]) == ("confidence", 0)
    assert_error(served.http.get(f"/traces/{first.id}/comparison/none"), 404)


def test_a_question_that_was_not_kept_cannot_be_asked_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " 4", "."]))
    with running(workbench(tmp_path / "home", engine)) as served:
        asked = ask(served, "question")
        served.http.cookies.clear()  # Another client than the one that asked.
        error = assert_error(served.http.post(f"/traces/{asked['trace_id']}/replay"), 409)
        assert "was not kept" in error["message"]


def test_a_deleted_session_is_gone_from_the_file(served: Served) -> None:
    asked = ask(served, SECRET)
    path = served.workbench.store.path
    log = path.with_name(path.name + ".wal")

    def told() -> bool:
        files = [each.read_bytes() for each in (path, log) if each.exists()]
        return any(SECRET.encode() in each or sha256(SECRET).encode() in each for each in files)

    assert told()
    assert served.http.delete(f"/sessions/{asked['session_id']}").status_code == 204
    assert eventually(lambda: served.http.get("/erasure").json()["state"] == "none", 20)
    assert not told()
    assert served.http.post("/erasure").json()["error"] == ""
    assert_error(served.http.get(f"/traces/{asked['trace_id']}"), 404)
