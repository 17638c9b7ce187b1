"""What the routes answer when something is wrong."""

from __future__ import annotations

import threading

import pytest

from codex.errors import CodexError, ModelError, PromptTooLong, RetrievalError, StoreError
from codex.server.errors import error_response
from tests.support.serving import SURE, Serve, Served, assert_error, eventually

GUARANTEE = {
    "risk": 0.1, "confidence_level": 0.9, "calibrator": "c", "run": "r", "questions": 9, "answered": 8,
    "incorrect": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["query"]),
        ({"query": ""}, ["query"]),
        ({"query": " \n\t\u00a0"}, ["query"]),
        ({"query": None}, ["query"]),
        ({"query": ["x"]}, ["query"]),
        ({"query": "x", "n_samples": 0}, ["n_samples"]),
        ({"query": "x", "n_samples": -1}, ["n_samples"]),
        ({"query": "x", "n_samples": 10_000}, ["n_samples"]),
        ({"query": "x", "n_samples": 2.5}, ["n_samples"]),
        ({"query": "x", "n_samples": "2"}, ["n_samples"]),
        ({"query": "x", "n_samples": True}, ["n_samples"]),
        ({"query": "x", "enable_rag": "perhaps"}, ["enable_rag"]),
        ({"query": "x", "params": {"temperature": -1}}, ["params.temperature"]),
        ({"query": "x", "params": {"max_tokens": 0, "top_p": 2}}, ["params.max_tokens", "params.top_p"]),
        ({"query": "x", "params": {"heat": 1}}, ["params.heat"]),
        ({"query": "x", "policy": {"answer_above": 0.1}}, ["policy"]),
        ({"query": "x", "policy": {"rules": [{"signal": "entropy", "gate": "reflect"}]}}, ["policy.rules.0"]),
        ({"query": "x", "params": {"max_tokens": True}}, ["params.max_tokens"]),
        ({"query": "x", "params": {"temperature": "0.5"}}, ["params.temperature"]),
        ({"query": "x", "policy": {"answer_above": "0.9"}}, ["policy.answer_above"]),
        (
            {"query": "x", "policy": {"guarantee": GUARANTEE | {"incorrect": False}}},
            ["policy.guarantee.incorrect"],
        ),
        ({"query": "x", "policy": {"guarantee": GUARANTEE | {"risk": "0.1"}}}, ["policy.guarantee.risk"]),
        ({"query": "x", "policy": {"promise": GUARANTEE | {"risk": "0.1"}}}, ["policy.promise.risk"]),
        ({"query": "x", "session_id": "../../etc"}, ["session_id"]),
        ({"query": "x", "session_id": ""}, ["session_id"]),
        ({"query": "x", "nsamples": 3}, ["nsamples"]),
        ({"query": "x", "documents": []}, ["documents"]),
        ({"query": "x", "documents": ["nope.txt"]}, ["documents"]),
    ],
)
@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_a_wrong_value_is_422_and_names_its_field(
    sure: Served, path: str, body: dict[str, object], fields: list[str]
) -> None:
    before = len(sure.scripted.decodes)
    error = assert_error(sure.http.post(path, json=body), 422, fields)
    assert error["type"] == "InvalidInput"
    assert len(sure.scripted.decodes) == before


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'"query"',
        b'{"query": "\\ud800"}',
        b'{"\\udfff": "x"}',
        b'{"query": "x", "params": {"stop": ["\\ud800"]}}',
        b'{"query": "x", "params": {"temperature": NaN}}',
        b'{"query": "x", "policy": {"answer_above": Infinity}}',
        b'{"query": "x", "n_samples": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_a_body_that_is_no_question_is_422(sure: Served, raw: bytes) -> None:
    http = sure.http
    assert_error(http.post("/infer", content=raw, headers={"Content-Type": "application/json"}), 422)


def test_a_body_without_its_type_is_422_and_says_which(sure: Served) -> None:
    error = assert_error(sure.http.post("/infer", content=b'{"query": "x"}'), 422)
    assert "application/json" in error["message"]


def test_a_body_over_the_limit_is_413_also_when_its_size_is_not_told(sure: Served) -> None:
    http = sure.http
    error = assert_error(http.post("/infer", json={"query": "x" * 2**20}), 413)
    assert "1,048,576" in error["message"]
    chunks = (b"x" * 2**16 for _ in range(64))
    assert_error(http.post("/infer", content=chunks, headers={"Content-Type": "application/json"}), 413)


def test_a_question_longer_than_the_context_is_413_and_says_by_how_much(serve: Serve) -> None:
    http = serve(failure=PromptTooLong(5000, 3968)).http
    error = assert_error(http.post("/infer", json={"query": "x"}), 413)
    assert "1032 tokens too long" in error["message"]


def test_an_answer_longer_than_the_context_is_413_and_says_how_long_it_may_be(serve: Serve) -> None:
    http = serve(failure=PromptTooLong(40, 4096 - 8000, 8000)).http
    error = assert_error(http.post("/infer", json={"query": "x"}), 413)
    assert "An answer of up to 8,000 tokens does not fit" in error["message"]
    assert "holds 4,056" in error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/traces/nowhere"),
        ("GET", "/traces/%00"),
        ("GET", "/traces/%F0%9F%92%A9"),
        ("GET", "/traces/%ED%A0%80"),
        ("GET", "/traces/'; DROP TABLE sessions; --"),
        ("GET", "/sessions/nowhere"),
        ("DELETE", "/sessions/nowhere"),
        ("POST", "/traces/nowhere/branch"),
        ("GET", "/nowhere"),
    ],
)
def test_what_is_not_there_is_404(sure: Served, method: str, path: str) -> None:
    body = {"position": 0, "token_id": 1} if method == "POST" else None
    assert_error(sure.http.request(method, path, json=body), 404)


def test_a_method_that_is_not_there_is_405(sure: Served) -> None:
    assert_error(sure.http.put("/infer", json={}), 405)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "offset=-1", "offset=9999999999999999999"]
)
def test_a_wrong_page_of_sessions_is_422(sure: Served, query: str) -> None:
    assert_error(sure.http.get(f"/sessions?{query}"), 422, [query.partition("=")[0]])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"position": 99, "token_id": 1}, ["position"]),
        ({"position": -1, "token_id": 1}, ["position"]),
        ({"position": 0, "token_id": 12345}, ["token_id"]),
        ({"position": 10**30, "token_id": 10**30}, ["position"]),
        ({"position": 0}, ["token_id"]),
    ],
)
def test_a_branch_that_cannot_be_is_422(sure: Served, body: dict[str, int], fields: list[str]) -> None:
    http = sure.http
    trace_id = http.post("/infer", json={"query": "Capital?"}).json()["trace_id"]
    assert_error(http.post(f"/traces/{trace_id}/branch", json=body), 422, fields)


def test_a_branch_of_another_models_answer_is_409(serve: Serve) -> None:
    served = serve()
    trace_id = served.http.post("/infer", json={"query": "Capital?"}).json()["trace_id"]
    served.scripted.model = "scripted:another:none"
    error = assert_error(
        served.http.post(f"/traces/{trace_id}/branch", json={"position": 0, "token_id": 1}), 409
    )
    assert "scripted:another:none" in error["message"]


def test_a_branch_of_a_question_that_was_not_kept_is_409(sure: Served) -> None:
    trace_id = sure.http.post("/infer", json={"query": "Capital?"}).json()["trace_id"]
    sure.workbench.traces._recent.clear()
    error = assert_error(
        sure.http.post(f"/traces/{trace_id}/branch", json={"position": 0, "token_id": 1}), 409
    )
    assert "store.privacy=full" in error["message"]


def test_one_question_too_many_is_503_with_retry_after(serve: Serve) -> None:
    served = serve(SURE, "ask.max_waiting=1", delay=0.2)
    first = threading.Thread(target=served.http.post, args=["/infer"], kwargs={"json": {"query": "Capital?"}})
    first.start()
    assert eventually(lambda: served.scripted.running == 1, 5)
    for path in ("/infer", "/infer/stream"):
        response = served.http.post(path, json={"query": "Capital?"})
        assert_error(response, 503)
        assert int(response.headers["Retry-After"]) > 0
    first.join()
    assert served.http.post("/infer", json={"query": "Capital?"}).status_code == 200


def test_a_model_that_is_loading_is_503_with_retry_after(serve: Serve) -> None:
    served = serve(loaded=False)
    trace_free = [("/infer", {"query": "x"}), ("/infer/stream", {"query": "x"})]
    for path, body in [*trace_free, ("/traces/x/branch", {"position": 0, "token_id": 0})]:
        response = served.http.post(path, json=body)
        assert_error(response, 503)
        assert int(response.headers["Retry-After"]) > 0
    health = served.http.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (503, "loading")
    assert int(health.headers["Retry-After"]) > 0
    served.workbench.model.load()
    assert served.http.get("/healthz").status_code == 200
    assert served.http.post("/infer", json={"query": "x"}).status_code == 200


def test_a_model_that_cannot_be_loaded_is_503_and_says_why(serve: Serve) -> None:
    served = serve(loaded=False, failure=ModelError("The file is not GGUF; fetch it again."))
    served.workbench.model.load_in_background().join()
    health = served.http.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (503, "error")
    assert health.json()["error"] == "The file is not GGUF; fetch it again."
    assert "not GGUF" in assert_error(served.http.post("/infer", json={"query": "x"}), 503)["message"]


def test_a_broken_database_is_503_and_the_server_goes_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve()

    def full(trace: object) -> None:
        raise StoreError("The disk of the database is full.")

    monkeypatch.setattr(served.workbench.store, "save", full)
    error = assert_error(served.http.post("/infer", json={"query": "Capital?"}), 503)
    assert error["type"] == "StoreError"
    monkeypatch.undo()
    assert served.http.post("/infer", json={"query": "Capital?"}).status_code == 200


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_a_fault_of_ours_is_500_with_an_id_that_stands_in_the_log(
    serve: Serve, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(failure=ZeroDivisionError("/secret/path"))
    error = assert_error(served.http.post(path, json={"query": "x"}), 500)
    assert "secret" not in str(error)
    assert "ZeroDivision" not in str(error)
    error_id = error["message"].rstrip(".").split()[-1]
    assert len(error_id) == 8
    logged = [record for record in caplog.records if error_id in record.getMessage()]
    assert len(logged) == 1
    assert "ZeroDivisionError" in (logged[0].exc_text or "")
    served.scripted.failure = None
    assert served.http.post(path, json={"query": "x"}).status_code == 200


def test_an_error_names_no_secret(serve: Serve) -> None:
    key = "ghp_" + "a1B2" * 9
    served = serve(SURE, failure=ModelError(f"The server refused the key {key}."))
    response = served.http.post("/infer", json={"query": "x"})
    assert "refused the key [secret]." in response.json()["error"]["message"]
    unknown = served.http.post("/infer", json={"query": "x", key: 1})
    assert unknown.status_code == 422
    assert "a1B2" not in response.text + unknown.text


def test_a_refusal_is_an_error_of_the_request(serve: Serve) -> None:
    served = serve(SURE, "safety.deny=[/capital of \\w+/]", "safety.block=[deny]")
    response = served.http.post("/infer", json={"query": "The Capital of France?"})
    assert_error(response, 422)
    assert response.json()["error"]["type"] == "Refused"
    assert response.json()["error"]["fields"] == ["query"]


def test_whatever_may_work_later_says_when() -> None:
    kinds, later = [CodexError], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        # Some say more than their message needs; what is read here stands in the class.
        error = Exception.__new__(kind)
        response = error_response(error)
        if response.status_code in (429, 503):
            later.add(kind)
            assert int(response.headers["Retry-After"]) > 0
        else:
            assert "Retry-After" not in response.headers
    assert {StoreError, RetrievalError, ModelError} < later
