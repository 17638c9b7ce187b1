"""Bodies: JSON that says so, within the limits, read before any parser that would take long over them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from codex.errors import BodyTooLarge, InvalidInput
from codex.server.json_body import MAX_BODY_BYTES, MAX_DEPTH, MAX_VALUES, JsonBodies, check_json
from tests.support.loops import run_async
from tests.support.serving import Served, assert_error

QUESTION = b'{"query": "x"}'
OTHER_TYPES = [
    *("text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "text/json", "json"),
    *("multipart/form-data; boundary=x", "application/octet-stream", "application/jsonp", ""),
    *("*/*", "text/plain;a=b", "text/plain; application/json", "application/vnd.api+json", "application"),
]  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_body_of_another_type_is_415_and_asks_nothing(sure: Served, kind: str) -> None:
    before = len(sure.scripted.decodes)
    for path in ("/infer", "/infer/stream", "/traces/x/branch", "/nowhere", "/sessions"):
        response = sure.http.post(path, content=QUESTION, headers={"Content-Type": kind})
        assert "application/json" in assert_error(response, 415)["message"]
    assert_error(
        sure.http.request("DELETE", "/sessions/x", content=b"x", headers={"Content-Type": kind}), 415
    )
    assert len(sure.scripted.decodes) == before


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_json_that_says_so_is_taken(sure: Served, kind: str) -> None:
    response = sure.http.post("/infer", content=QUESTION, headers={"Content-Type": kind})
    assert response.status_code == 200


def test_a_request_without_a_body_needs_no_type(sure: Served) -> None:
    assert_error(sure.http.post("/infer", headers={"Content-Type": "text/plain"}), 422)
    assert_error(sure.http.delete("/sessions/nowhere"), 404)


def test_an_upload_may_be_of_any_type(sure: Served) -> None:
    for kind in ("text/plain", "application/octet-stream", "application/pdf"):
        response = sure.http.put("/documents/a.txt", content=b"text", headers={"Content-Type": kind})
        assert response.status_code == 201
    assert_error(
        sure.http.post("/documents/a.txt", content=b"x", headers={"Content-Type": "text/plain"}), 405
    )


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 2**16
        return {"type": "http.request", "body": b"x" * 2**16, "more_body": True}

    assert run(receive, [(b"transfer-encoding", b"chunked")]) == 413
    assert received <= MAX_BODY_BYTES + 2**16


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    async def receive() -> Message:
        raise AssertionError("it was read")

    for length in (str(MAX_BODY_BYTES + 1), "9" * 5000):
        assert run(receive, [(b"content-length", length.encode())]) == 413


def test_a_sender_that_goes_away_reaches_no_route() -> None:
    parts: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(parts)

    assert run(receive, [(b"content-length", b"100")]) is None


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * MAX_VALUES + b"[]]",
        b"[" * 2**19,
        b'{"a":' * (MAX_VALUES + 1),
        b"[" + b"0," * MAX_VALUES + b"0]",
        b"[" + b'"",' * MAX_VALUES + b'""]',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_more_values_than_any_page_sends_are_413(body: bytes) -> None:
    with pytest.raises(BodyTooLarge, match=f"{MAX_VALUES:,}"):
        check_json(body)


def test_what_is_nested_too_deep_is_refused_and_what_stands_in_text_is_not_nested() -> None:
    check_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    check_json(json.dumps({"query": "[{" * 1000 + '\\"' + "[" * 1000}).encode())
    check_json(b'["' + b",[" * MAX_VALUES + b'"]')
    for body in (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), b'{"a":' * 65 + b"1" + b"}" * 65):
        with pytest.raises(InvalidInput, match="nested deeper"):
            check_json(body)


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"nul", b"'x'", b'"x', b'"\\', b"\\", b'{"a":1,}', b"NaN", b"[Infinity]", b"-Infinity"),
        *(b"\xff", b'"\xc3"', b"\xef\xbb\xbf{}", '{"query": "x"}'.encode("utf-16"), '"x"'.encode("utf-32")),
        *(b'"\\ud800"', b'{"\\uDFFF": 1}', b'"\\ude00\\ud83d"', b"9" * 5000, b'"\x00"', b"]" * 200, b" "),
        *(b"{}{}", b"[1 2]"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_json_of_whole_characters_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        check_json(body)


@pytest.mark.parametrize(
    "text", ["{}", "null", '"\\ud83d\\ude00"', '"\\u00e9"', "[1e400]", '"😀"', '"\\\\ud800"']
)
def test_json_of_whole_characters_passes(text: str) -> None:
    check_json(text.encode())


def run(receive: Receive, headers: list[tuple[bytes, bytes]]) -> int | None:
    """The status that a POST is answered with by the guard; None where it is not answered at all."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("it reached the application")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/infer",
        "headers": [(b"content-type", b"application/json"), *headers],
    }
    run_async(JsonBodies(app), scope, receive, send)
    return sent[0]["status"] if sent else None
