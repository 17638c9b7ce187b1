"""The description at /openapi.json says what the server does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from codex.cli.reference import DOCS, generated, routes
from codex.server.bodies import BranchBody, ErrorBody, HealthBody, InferBody
from tests.support.serving import Served


@pytest.fixture(scope="module")
def document(sure: Served) -> dict[str, Any]:
    document: dict[str, Any] = sure.http.get("/openapi.json").json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_is_there_with_a_summary_and_a_description(document: dict[str, Any]) -> None:
    routes = {(method, path) for method, path, _ in operations(document)}
    assert routes == {
        ("POST", "/infer"),
        ("POST", "/infer/stream"),
        ("GET", "/v1/models"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/embeddings"),
        ("POST", "/tokenize"),
        ("GET", "/models"),
        ("GET", "/models/active"),
        ("POST", "/models/active"),
        ("DELETE", "/models/active"),
        ("POST", "/models/fetch"),
        ("POST", "/score"),
        ("GET", "/traces"),
        ("GET", "/traces/export"),
        ("GET", "/traces/{trace_id}/comparison/{other_id}"),
        ("POST", "/traces/{trace_id}/redecide"),
        ("POST", "/traces/{trace_id}/replay"),
        ("GET", "/erasure"),
        ("POST", "/backup"),
        ("POST", "/erasure"),
        ("GET", "/traces/{trace_id}"),
        ("POST", "/traces/{trace_id}/branch"),
        ("GET", "/passages"),
        ("PUT", "/documents/{name}"),
        ("GET", "/sessions"),
        ("GET", "/sessions/{session_id}"),
        ("DELETE", "/sessions/{session_id}"),
        ("GET", "/healthz"),
        ("GET", "/labels"),
        ("GET", "/labels/export"),
        ("POST", "/sql"),
        ("POST", "/sql/csv"),
        ("GET", "/labels/records"),
        ("PUT", "/labels/records/{file}"),
        ("GET", "/label-queues"),
        ("POST", "/label-queues"),
        ("DELETE", "/label-queues/{queue_id}"),
        ("POST", "/label-queues/{queue_id}/renew"),
        ("POST", "/label-queues/{queue_id}/next"),
        ("POST", "/label-queues/{queue_id}/labels"),
        ("GET", "/label-queues/{queue_id}/progress"),
        ("GET", "/label-queues/{queue_id}/agreement"),
        ("POST", "/label-queues/{queue_id}/recalibrate"),
        ("GET", "/label-queues/{queue_id}/recalibration"),
        ("GET", "/answers"),
        ("GET", "/answers/open"),
        ("POST", "/answers"),
        ("PUT", "/answers/{answer_id}"),
        ("POST", "/answers/{answer_id}/withdraw"),
        ("DELETE", "/answers/{answer_id}"),
        ("PUT", "/traces/{trace_id}/label"),
        ("DELETE", "/traces/{trace_id}/label"),
        ("POST", "/traces/{trace_id}/shares"),
        ("GET", "/shares"),
        ("DELETE", "/shares/{share_id}"),
        ("GET", "/datasets"),
        ("GET", "/datasets/{name}"),
        ("GET", "/datasets/{name}/questions"),
        ("POST", "/datasets/{name}/questions"),
        ("PUT", "/datasets/{name}"),
        ("DELETE", "/datasets/{name}"),
        ("GET", "/datasets/drafts/{draft}"),
        ("PUT", "/datasets/drafts/{draft}"),
        ("DELETE", "/datasets/drafts/{draft}"),
        ("GET", "/evaluations"),
        ("POST", "/evaluations"),
        ("PUT", "/evaluations/import/{file}"),
        ("GET", "/evaluations/estimate"),
        ("GET", "/evaluations/{run_id}"),
        ("PATCH", "/evaluations/{run_id}"),
        ("DELETE", "/evaluations/{run_id}"),
        ("POST", "/evaluations/{run_id}/cancel"),
        ("POST", "/evaluations/{run_id}/resume"),
        ("PUT", "/evaluations/{run_id}/questions/{question_id}/label"),
        ("DELETE", "/evaluations/{run_id}/questions/{question_id}/label"),
        ("POST", "/evaluations/{run_id}/extend"),
        ("GET", "/evaluations/{run_id}/scores"),
        ("GET", "/evaluations/{run_id}/comparison"),
        ("GET", "/evaluations/{run_id}/export"),
        ("GET", "/evaluations/{run_id}/records"),
        ("GET", "/calibrators"),
        ("POST", "/calibrators/fit"),
        ("POST", "/calibrators/activate"),
        ("POST", "/calibrators/rollback"),
        ("POST", "/calibrators/guarantee"),
        ("GET", "/calibrators/history"),
        ("GET", "/calibrators/{version}"),
        ("GET", "/calibrators/{version}/export"),
        ("PATCH", "/calibrators/{version}"),
        ("DELETE", "/calibrators/{version}"),
        ("GET", "/probes"),
        ("POST", "/probes/train"),
        ("POST", "/probes/activate"),
        ("POST", "/probes/rollback"),
        ("GET", "/probes/{version}"),
        ("PATCH", "/probes/{version}"),
        ("DELETE", "/probes/{version}"),
        ("GET", "/verifiers"),
        ("POST", "/verifiers/train"),
        ("POST", "/verifiers/apply"),
        ("POST", "/verifiers/activate"),
        ("POST", "/verifiers/rollback"),
        ("GET", "/verifiers/{version}"),
        ("PATCH", "/verifiers/{version}"),
        ("DELETE", "/verifiers/{version}"),
        ("GET", "/adapters"),
        ("POST", "/adapters/answerer"),
        ("POST", "/adapters/reward"),
        ("POST", "/adapters/resume"),
        ("POST", "/adapters/use"),
        ("GET", "/adapters/{name}"),
        ("DELETE", "/adapters/{name}"),
        ("GET", "/policies"),
        ("POST", "/policies"),
        ("GET", "/policies/active"),
        ("POST", "/policies/activate"),
        ("POST", "/policies/rollback"),
        ("GET", "/policies/{version}"),
        ("PATCH", "/policies/{version}"),
        ("DELETE", "/policies/{version}"),
        ("GET", "/monitoring/hours"),
        ("GET", "/monitoring/signals"),
        ("GET", "/monitoring/alerts"),
        ("POST", "/monitoring/alerts/{name}/pause"),
        ("POST", "/monitoring/alerts/{name}/resume"),
        ("GET", "/monitoring/notices"),
        ("GET", "/metrics"),
        ("GET", "/me"),
        ("GET", "/audit"),
        ("GET", "/audit/export"),
        ("GET", "/jobs"),
        ("GET", "/jobs/{job_id}"),
        ("POST", "/jobs/{job_id}/cancel"),
    }
    for _, path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path


def test_every_error_is_described_by_the_body_that_is_sent(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and (path, status) != ("/healthz", "503"):
                schema = response["content"]["application/json"]["schema"]
                own = {"$ref": "#/components/schemas/ErrorBody"}
                if path.startswith("/v1/"):  # in OpenAI's shape, or from before the route
                    assert {"$ref": "#/components/schemas/OpenAIErrorBody"} in schema["anyOf"], path
                    assert own in schema["anyOf"], path
                else:
                    assert schema == own, (method, path, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(schemas)
    assert "HTTPValidationError" not in schemas


def test_the_stream_is_described_with_each_of_its_events(document: dict[str, Any]) -> None:
    content = document["paths"]["/infer/stream"]["post"]["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream"]
    names = {r.rpartition("/")[2] for r in references(content)}
    assert names == {
        "PassagesEventBody", "CheckedEventBody", "TokenEventBody", "GenerationEventBody", "SamplesEventBody",
        "SignalsEventBody", "DecisionEventBody", "TraceEventBody", "ErrorBody",
    }  # fmt: skip


BEFORE = ("/infer", "/traces/{trace_id}", "/passages", "/sessions", "/documents", "/healthz")
"""Routes from before there was an example of each."""


def test_each_route_has_an_example_of_what_is_sent_and_of_what_comes_back(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def shown(content: dict[str, Any]) -> bool:
        kind = content.get("application/json")
        if kind is None or "example" in kind:  # a file, or an example of its own
            return True
        schema = kind["schema"].get("items", kind["schema"])
        return bool(schemas[schema["$ref"].rpartition("/")[2]].get("examples"))

    for method, path, operation in operations(document):
        if path.startswith(BEFORE) and not path.endswith("/label"):
            continue
        sent = operation.get("requestBody", {}).get("content", {})
        [back] = [it for status, it in operation["responses"].items() if int(status) < 300]
        assert shown(sent), (method, path)
        assert shown(back.get("content", {})), (method, path)


def test_the_examples_are_valid(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for model in (InferBody, BranchBody, ErrorBody, HealthBody):
        examples = schemas[model.__name__]["examples"]
        assert examples
        for example in examples:
            model.model_validate(example)


def test_the_question_example_is_answered(sure: Served, document: dict[str, Any]) -> None:
    http = sure.http
    for example in document["components"]["schemas"]["InferBody"]["examples"]:
        assert http.post("/infer", json=example).status_code == 200


def test_the_page_of_the_documentation_is_served(sure: Served) -> None:
    response = sure.http.get("/docs")
    assert response.status_code == 200
    assert "/openapi.json" in response.text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/infer", "POST"),
        ("/sessions/nowhere", "DELETE, GET"),
        ("/traces/nowhere", "GET"),
        ("/documents/a.txt", "PUT"),
        ("/healthz", "GET"),
    ],
)
@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PATCH"])
def test_another_method_is_405_and_says_which_there_are(
    sure: Served, method: str, path: str, allowed: str
) -> None:
    response = sure.http.request(method, path)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    assert response.json()["error"]["type"] == "MethodNotAllowed"


def test_the_description_tells_what_is_refused(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["InferBody"]["properties"]["query"]["pattern"] == r"\S"
    assert "entropy" in schemas["Rule"]["properties"]["signal"]["enum"]
    assert [list(only["required"]) for only in schemas["Rule"]["oneOf"]] == [["below"], ["above"]]
    assert "default" not in schemas["GenerationParams"]["properties"]["max_tokens"]
    name = document["paths"]["/documents/{name}"]["put"]["parameters"][0]["schema"]["pattern"]
    for good in ("a.txt", "far/north.pdf", "ü x.md"):
        assert re.search(name, good)
    for bad in (".a.txt", "a/../b.txt", "/a.txt", "a.png", "a", ""):
        assert not re.search(name, bad)


def test_the_page_of_the_documents_lists_every_route(document: dict[str, Any]) -> None:
    written = generated((DOCS / "reference" / "http.md").read_text())["routes"]
    assert written == routes(document) + "\n", "run: python -m codex.cli.reference"
