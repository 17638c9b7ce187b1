"""What is kept in memory is read by the client that asked, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from codex.server.callers import COOKIE
from tests.support.serving import SURE, Serve, Served

Stranger = Callable[..., httpx.Client]
SECRET = "Is my secret a plum?"


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(SURE)


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.http.base_url) as other:
        yield other


def ask(http: httpx.Client, **more: object) -> str:
    response = http.post("/infer", json={"query": SECRET, **more})
    assert response.status_code == 200
    return str(response.json()["trace_id"])


def test_a_question_is_read_whole_by_who_asked_and_by_nobody_else(
    served: Served, stranger: httpx.Client
) -> None:
    trace = ask(served.http)
    assert served.http.get(f"/traces/{trace}").json()["question"] == SECRET
    seen = stranger.get(f"/traces/{trace}")
    assert seen.status_code == 200
    assert seen.json()["question"] is None
    assert seen.json()["answer"] == "The capital is Canberra."
    assert "plum" not in seen.text
    ask(stranger)
    assert "plum" not in stranger.get(f"/traces/{trace}").text


def test_a_stream_brings_the_cookie_too(served: Served, stranger: httpx.Client) -> None:
    served.http.post("/infer/stream", json={"query": SECRET, "session_id": "s"})
    (line,) = served.http.get("/sessions/s").json()["traces"]
    assert served.http.get(f"/traces/{line['id']}").json()["question"] == SECRET
    assert "plum" not in stranger.get(f"/traces/{line['id']}").text


def test_a_branch_needs_the_text_and_so_the_client_that_asked(served: Served, stranger: httpx.Client) -> None:
    trace = ask(served.http)
    token = served.http.get(f"/traces/{trace}").json()["steps"][0]["generation"]["tokens"][3]
    body = {"position": 3, "token_id": token["alternatives"][1]["id"]}
    refused = stranger.post(f"/traces/{trace}/branch", json=body)
    assert refused.status_code == 409
    assert "plum" not in refused.text
    branch = served.http.post(f"/traces/{trace}/branch", json=body)
    assert branch.status_code == 200
    assert "plum" not in stranger.get(f"/traces/{branch.json()['trace_id']}").text


@pytest.mark.parametrize(("privacy", "kept"), [("full", SECRET), ("preview", SECRET), ("hash", None)])
def test_others_read_what_privacy_kept(serve: Serve, privacy: str, kept: str | None) -> None:
    served = serve(SURE, f"store.privacy={privacy}")
    trace = ask(served.http)
    with httpx.Client(base_url=served.http.base_url) as other:
        assert other.get(f"/traces/{trace}").json()["question"] == kept


def test_the_cookie_is_for_the_server_alone_and_given_once(served: Served) -> None:
    first = served.http.post("/infer", json={"query": SECRET})
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(first.headers["set-cookie"].split("; "))
    assert "set-cookie" not in served.http.post("/infer", json={"query": SECRET}).headers
    assert "set-cookie" not in served.http.get("/healthz").headers


@pytest.mark.parametrize("forged", ["", "x", "x.y", ".", "a" * 5000, '"', "é".encode().decode("latin-1")])
def test_a_cookie_of_ones_own_making_is_nobodys(served: Served, forged: str) -> None:
    trace = ask(served.http)
    response = httpx.get(
        f"{served.http.base_url}/traces/{trace}", headers={"Cookie": f"other=1; {COOKIE}={forged}".encode()}
    )
    assert response.json()["question"] is None


def test_what_is_no_longer_in_memory_is_read_as_it_was_kept(served: Served) -> None:
    trace = ask(served.http)
    served.workbench.traces._recent.clear()
    assert served.http.get(f"/traces/{trace}").json()["question"] is None
