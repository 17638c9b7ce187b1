"""What the routes answer when all goes well."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from codex.server.bodies import TraceBody
from codex.types import Generation
from tests.support.reliable import CHANCE, trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import SURE, Serve, Served

UNSURE = Script(["Perth", " is", " it"], [0.1, 0.9, 0.9], samples=["Perth", "Sydney"])
"""Its first token lies under the default 0.20, and its mean log-probability above -1.5: abstain."""


def test_infer_answers_with_everything_and_null_for_what_is_not_available(sure: Served) -> None:
    reply = sure.http.post("/infer", json={"query": "Capital?", "n_samples": 2, "enable_rag": False}).json()
    assert reply["answer"] == "The capital is Canberra."
    assert reply["decision"] == "answer"
    assert reply["gate"] == "proceed"
    assert 0 <= reply["confidence"] <= 1
    assert reply["rationale"]
    assert reply["n_samples"] == 2
    breakdown = reply["confidence_breakdown"]
    # The script's entropy is 0.3 nats at each token, and its samples all say the same.
    assert breakdown["entropy"] == pytest.approx(0.3)
    assert breakdown["self_consistency_var"] == 0
    assert breakdown["verifier_score"] == pytest.approx(0.8)
    assert [breakdown[it] for it in ("calibrated", "evidence_overlap", "evidence_support")] == [None] * 3
    assert reply["answer_set"] is None
    assert (reply["steps"], reply["passages"], reply["sentences"]) == (["ask"], [], [])


def test_an_abstention_says_something_to_the_user(serve: Serve) -> None:
    reply = serve(UNSURE).http.post("/infer", json={"query": "Capital?"}).json()
    assert (reply["decision"], reply["gate"]) == ("abstain", "abstain")
    assert reply["answer"] != reply["model_answer"] == "Perth is it"


def test_a_policy_with_a_rule_on_no_signal_is_422(sure: Served) -> None:
    rules = [{"signal": "nope", "below": 1, "gate": "reflect"}]
    response = sure.http.post("/infer", json={"query": "Capital?", "policy": {"rules": rules}})
    assert response.status_code == 422
    assert "'nope', which is no signal" in response.json()["error"]["message"]


def test_a_policy_of_the_request_decides_this_request_only(sure: Served) -> None:
    http = sure.http
    impossible = {"answer_above": 1.0, "abstain_below": 1.0, "rules": []}
    asked = [http.post("/infer", json={"query": "Capital?", "policy": p}).json() for p in (impossible, None)]
    assert [reply["decision"] for reply in asked] == ["abstain", "answer"]


def test_parameters_that_are_left_out_come_from_the_settings(serve: Serve) -> None:
    http = serve(SURE, "engine.params.max_tokens=3").http
    reply = http.post("/infer", json={"query": "Capital?", "params": {"seed": 7}}).json()
    assert reply["model_answer"] == "The capital is"
    params = http.get(f"/traces/{reply['trace_id']}").json()["params"]["answer"]
    assert (params["max_tokens"], params["seed"]) == (3, 7)


def test_a_session_is_continued_listed_read_and_deleted(serve: Serve) -> None:
    http = serve(SURE, "store.privacy=full").http
    first = http.post("/infer", json={"query": "One?"}).json()
    second = http.post("/infer", json={"query": "Two?", "session_id": first["session_id"]}).json()
    http.post("/infer", json={"query": "Other?", "session_id": "other"})

    sessions = http.get("/sessions").json()
    assert [(s["id"], s["title"], s["questions"]) for s in sessions] == [
        ("other", "Other?", 1), (first["session_id"], "One?", 2),
    ]  # fmt: skip
    assert [s["id"] for s in http.get("/sessions", params={"limit": 1, "offset": 1}).json()] == [
        first["session_id"]
    ]
    session = http.get(f"/sessions/{first['session_id']}").json()
    assert [t["id"] for t in session["traces"]] == [first["trace_id"], second["trace_id"]]
    assert [t["question"] for t in session["traces"]] == ["One?", "Two?"]

    assert http.delete(f"/sessions/{first['session_id']}").status_code == 204
    assert http.get(f"/sessions/{first['session_id']}").status_code == 404
    assert http.get(f"/traces/{first['trace_id']}").status_code == 404
    assert [s["id"] for s in http.get("/sessions").json()] == ["other"]


def test_a_trace_has_every_token_and_its_alternatives(serve: Serve) -> None:
    served = serve(Script(["Zü", b"\xc3", b"\xbc", " ok"]))
    reply = served.http.post("/infer", json={"query": "Capital?", "n_samples": 2}).json()
    trace = served.http.get(f"/traces/{reply['trace_id']}").json()
    assert (
        TraceBody.model_validate(served.workbench.traces.get(reply["trace_id"])).model_dump(mode="json")
        == trace
    )
    generation = trace["steps"][-1]["generation"]
    assert generation["text"] == "Züü ok"
    # A half character is shown as U+FFFD and given exactly as bytes.
    assert [t["text"] for t in generation["tokens"]] == ["Zü", "�", "�", " ok"]
    assert bytes(b for t in generation["tokens"] for b in t["bytes"]).decode() == "Züü ok"
    for token in generation["tokens"]:
        assert token["id"] in [other["id"] for other in token["alternatives"]]
    assert len(trace["steps"][-1]["samples"]) == 2
    assert len(trace["steps"][-1]["focus"]) == 4


def test_a_trace_that_only_the_store_remembers_hides_its_question(sure: Served) -> None:
    trace_id = sure.http.post("/infer", json={"query": "Secret?"}).json()["trace_id"]
    sure.workbench.traces._recent.clear()
    stored = sure.http.get(f"/traces/{trace_id}").json()
    assert stored["question"] is None
    assert stored["steps"][0]["prompt"] is None
    assert len(stored["question_sha256"]) == 64


def test_a_branch_goes_on_from_another_token(sure: Served) -> None:
    http = sure.http
    parent = http.post("/infer", json={"query": "Capital?"}).json()["trace_id"]
    tokens = http.get(f"/traces/{parent}").json()["steps"][-1]["generation"]["tokens"]
    other = next(a for a in tokens[3]["alternatives"] if a["id"] != tokens[3]["id"])
    reply = http.post(f"/traces/{parent}/branch", json={"position": 3, "token_id": other["id"]}).json()
    assert reply["model_answer"] == "The capital is other."
    branch = http.get(f"/traces/{reply['trace_id']}").json()
    assert branch["parent_id"] == parent
    assert branch["steps"][-1]["generation"]["prefix_tokens"] == 4


def test_a_number_that_is_none_is_null_in_every_answer(serve: Serve) -> None:
    bad = [math.nan, math.inf, -math.inf, 1.0, 2.0]

    class Broken(ScriptedEngine):
        def decode(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            for item in super().decode(*args, **kwargs):
                if hasattr(item, "generation") and isinstance(item.generation, Generation):
                    tokens = tuple(
                        replace(t, self_certainty=n)
                        for t, n in zip(item.generation.tokens, bad, strict=False)
                    )
                    item = replace(item, generation=replace(item.generation, tokens=tokens))
                yield item

    served = serve(kind=Broken)
    for path in ("/infer", "/infer/stream"):
        text = served.http.post(path, json={"query": "Capital?"}).text
        assert "Canberra" in text
        assert "NaN" not in text
        assert "Infinity" not in text
    trace_id = served.http.post("/infer", json={"query": "Capital?"}).json()["trace_id"]
    trace = served.http.get(f"/traces/{trace_id}").json()
    tokens = trace["steps"][0]["generation"]["tokens"]
    assert [t["self_certainty"] for t in tokens] == [None, None, None, 1.0, 2.0]


def test_health_says_ready_with_model_and_version(sure: Served) -> None:
    response = sure.http.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "model": "scripted:test:none",
        "calibrated": False,
        "version": "0.1.0",
        "error": None,
        "events": None,
        "limits": "",
        "abilities": "",
        "larger": None,
    }


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_a_question_is_limited_to_documents(serve: Serve, tmp_path: Path, path: str) -> None:
    served = serve()
    for name in ("tide", "moon"):
        (tmp_path / f"{name}.txt").write_text(f"The {name} over Tarn harbour is high.")
    served.workbench.index.add([tmp_path / "tide.txt", tmp_path / "moon.txt"])
    served.workbench.index.run()
    body = {"query": "How high is the tide?", "enable_rag": True, "documents": ["moon.txt"]}
    text = served.http.post(path, json=body).text
    assert "moon.txt" in text
    assert "tide.txt" not in text


def test_the_response_says_who_verified_and_how_reliable_that_is(serve: Serve) -> None:
    served = serve()
    told = served.http.post("/infer", json={"query": "Why?"}).json()
    assert told["evidence_judge"] is None
    assert told["verifier"].startswith("scripted:test:none (AUROC 0.86, 95% interval 0.81 to 0.91")
    trust(served.workbench.settings.home, verifier=CHANCE)
    told = served.http.post("/infer", json={"query": "Why?"}).json()
    assert "cannot verify answers (AUROC 0.52" in told["verifier"]
    assert told["confidence_breakdown"]["verifier_score"] is None
