"""Server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from codex.engines.base import Finished
from codex.errors import ModelError
from codex.server import bodies
from codex.types import Token
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Serve, Served, events_of


def test_the_events_come_in_order_with_the_documented_bodies(sure: Served) -> None:
    http = sure.http
    events = events_of(http, "Capital?", n_samples=2)
    assert [name for name, _ in events] == [
        *["token"] * 5, "generation", "samples", "checked", "signals", "decision", "trace",
    ]  # fmt: skip
    for name, body in events:
        assert set(body) == set(bodies.EVENTS[name].model_fields)
    answer = "".join(body["token"]["text"] for name, body in events if name == "token")
    assert answer == dict(events)["generation"]["generation"]["text"] == "The capital is Canberra."
    last = events[-1][1]
    assert last["reply"]["trace_id"] == last["trace"]["id"]
    assert http.get(f"/traces/{last['trace']['id']}").json() == last["trace"]


def test_the_stream_ends_with_the_same_reply_as_infer(sure: Served) -> None:
    http = sure.http
    streamed = events_of(http, "Capital?", n_samples=2)[-1][1]["reply"]
    plain = http.post("/infer", json={"query": "Capital?", "n_samples": 2}).json()
    differs = {"trace_id", "session_id", "seconds"}
    assert {k: v for k, v in streamed.items() if k not in differs} == {
        k: v for k, v in plain.items() if k not in differs
    }


def test_text_that_looks_like_an_event_stays_text(serve: Serve) -> None:
    pieces = [
        "a\n\nevent: decision\ndata: {}",
        "\r\n",
        "\u2028",
        "\x00",
        "\u202e",
        "${1+1}",
        "<img onerror=x>",
    ]
    events = events_of(serve(Script(pieces)).http, "Capital?")
    assert [body["token"]["text"] for name, body in events if name == "token"] == pieces
    assert [name for name, _ in events].count("decision") == 1


def test_an_error_before_the_first_event_is_an_ordinary_response(serve: Serve) -> None:
    http = serve(failure=ModelError("The model file is broken; fetch it again.")).http
    response = http.post("/infer/stream", json={"query": "Capital?"})
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "ModelError"
    assert http.post("/infer/stream", json={"query": " "}).status_code == 422


@pytest.mark.parametrize(
    ("failure", "told", "hidden"),
    [
        (ModelError("The model ran out of memory."), "The model ran out of memory.", "InternalError"),
        (RuntimeError("/secret/path"), "InternalError", "/secret/path"),
    ],
)
def test_an_error_in_mid_stream_is_the_last_event(
    serve: Serve, failure: Exception, told: str, hidden: str
) -> None:
    class Breaking(ScriptedEngine):
        def decode(self, *args, **kwargs) -> Iterator[Token | Finished]:  # type: ignore[no-untyped-def]
            for index, item in enumerate(super().decode(*args, **kwargs)):
                if index == 2:
                    raise failure
                yield item

    served = serve(kind=Breaking)
    events = events_of(served.http, "Capital?")
    # The second word had not ended: it might have become a secret.
    assert [name for name, _ in events] == ["token", "error"]
    assert told in json.dumps(events[-1])
    assert hidden not in json.dumps(events[-1])
    assert served.http.get("/sessions").json() == []
