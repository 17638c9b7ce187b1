"""The page behind a link to a trace: who gets it, what stands in it, and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from codex.ask.workbench import Workbench
from codex.pages.shell import mount
from codex.pages.trace.view import shared_view
from codex.server import create_app
from codex.settings import load_settings
from codex.store import Privacy, Store
from tests.support.scripted import Script, ScriptedEngine
from tests.support.traces import make_trace

SECRET = "Where did Ada bury the treasure?"
LINKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Workbench]]:
    home = tmp_path_factory.mktemp("home")
    engine = ScriptedEngine(lambda prompt: Script(["</script><b>", " berra"]))
    workbench = Workbench(load_settings([f"home={home}"]), engine, Store(home / "db"))
    workbench.model.load()
    yield TestClient(mount(create_app(workbench), workbench), base_url="http://localhost"), workbench
    workbench.close()


def link(workbench: Workbench) -> tuple[str, str, str]:
    """An answer that is shared: its session, its trace and the path of the link."""
    trace = workbench.answer(SECRET)
    _, token = workbench.store.shares.create(trace.id)
    return trace.session_id, trace.id, f"/shared/{token}"


def told(response: Response) -> dict[str, Any]:
    found = re.search(r'id="codex-shared">(.*?)</script>', response.text, re.DOTALL)
    assert found
    value: dict[str, Any] = json.loads(found[1])
    return value


def test_it_shows_what_was_kept_and_not_what_is_only_in_memory(
    served: tuple[TestClient, Workbench],
) -> None:
    http, workbench = served
    session, trace, path = link(workbench)
    assert workbench.traces.get(trace).question == SECRET  # in memory, for this process
    response = http.get(path)
    assert response.status_code == 200
    assert told(response)["question"] is None
    assert told(response)["last"]["text"] == "</script><b> berra"
    for hidden in (SECRET, "treasure", session, trace):
        assert hidden not in response.text


LONG = "Who? " * 40


@pytest.mark.parametrize(("privacy", "kept"), [("hash", None), ("preview", LONG[:127]), ("full", LONG)])
def test_the_question_is_told_as_far_as_privacy_kept_it(
    tmp_path: Path, privacy: Privacy, kept: str | None
) -> None:
    with Store(tmp_path / "db", privacy) as store:
        store.save(make_trace(1, question=LONG))
        view = shared_view(store.load("trace-1"), store.question("trace-1"))
    assert (view["question"], view["cut"]) == (kept, privacy == "preview")
    written = json.dumps(view)
    assert "<user>" not in written  # the prompt
    for passage in view["last"]["evidence"]["passages"]:
        assert "document_id" not in passage
        assert bool(passage["parts"]) == (privacy == "full")


def test_unknown_revoked_and_deleted_links_get_the_same_page(served: tuple[TestClient, Workbench]) -> None:
    http, workbench = served
    session, _, deleted = link(workbench)
    _, trace, revoked = link(workbench)
    (share,) = workbench.store.shares.list(trace)
    workbench.store.shares.revoke(share.id)
    workbench.traces.forget_session(session)
    pages = set()
    for path in (revoked, deleted, f"/shared/{'x' * 32}", "/shared/", "/shared/a/b", "/shared/%00"):
        response = http.get(path)
        assert response.status_code == 404, path
        pages.add(re.sub(r'nonce="[^"]*"', "", response.text))
    assert len(pages) == 1
    assert "This link does not work" in pages.pop()


def test_another_page_may_link_to_it_and_neither_read_nor_embed_it(
    served: tuple[TestClient, Workbench],
) -> None:
    http, workbench = served
    _, _, path = link(workbench)
    assert http.get(path, headers=LINKED).status_code == 200
    for how in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}):
        assert http.get(path, headers=LINKED | how).status_code == 403
    assert http.post(path, headers=LINKED).status_code == 403
    headers = http.get(path, headers=LINKED).headers
    assert headers.get_list("Referrer-Policy") == ["no-referrer"]
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert all("frame-ancestors 'none'" in each for each in headers.get_list("Content-Security-Policy"))


def test_the_other_pages_keep_their_referrer_policy(served: tuple[TestClient, Workbench]) -> None:
    http, _ = served
    assert http.get("/sessions").headers.get_list("Referrer-Policy") == ["same-origin"]


def test_a_follow_up_says_that_turns_before_it_are_not_shown(served: tuple[TestClient, Workbench]) -> None:
    http, workbench = served
    first = workbench.answer(SECRET)
    second = workbench.answer("And when?", follows=first.id)
    _, token = workbench.store.shares.create(second.id)
    shown = http.get(f"/shared/{token}")
    assert "Asked after 1 earlier turn, not shown here" in told(shown)["story"]
    assert first.id not in shown.text
    assert SECRET not in shown.text
