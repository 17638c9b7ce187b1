"""A server that wants a key: who gets in, what they may do, and what is logged of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import httpx
import openai
import pytest
from fastapi.routing import APIRoute

from codex.access import ROLES, Access, Scope
from codex.errors import SettingsError
from codex.server import authentication, create_app
from codex.server.authentication import access_of
from codex.server.scopes import OPEN, every_route, needed
from codex.settings import load_settings
from tests.support.reliable import trust
from tests.support.scripted import ScriptedEngine
from tests.support.serving import SURE, Serve, Served, assert_error, running, workbench

GUARDED = ["/sessions", "/openapi.json", "/v1/models", "/metrics", "/mcp", "/traces/x", "/nowhere", "/docs"]


@dataclass
class Kept:
    """A server, and keys for it."""

    served: Served
    access: Access
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, *scopes: Scope) -> dict[str, str]:
        """What a client with such a key sends."""
        name = " ".join(scopes)
        if name not in self.keys:
            self.keys[name] = self.access.keys.create(name, scopes)[1]
        return {"Authorization": f"Bearer {self.keys[name]}"}

    def entries(self) -> list[tuple[str, str, int]]:
        return [(entry.who, entry.action, entry.outcome) for entry in self.access.audit.entries()]


@pytest.fixture(scope="module", autouse=True)
def many_strangers() -> Iterator[None]:
    """All tests come from one address, and some as strangers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authentication, "UNKNOWN_PER_MINUTE", 100_000)
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = trust(tmp_path_factory.mktemp("kept"))
    access = Access(home)
    access.keys.create("first", ["ask"])
    made = workbench(home, ScriptedEngine(lambda prompt: SURE), "server.auth=required")
    with running(made) as served:
        yield Kept(served, access)


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_without_a_key_nothing_is_answered(kept: Kept, method: str, path: str) -> None:
    response = kept.served.http.request(method, path)
    error = assert_error(response, 401)
    assert error["type"] == "Unauthenticated"
    assert "Authorization: Bearer" in error["message"]
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("sent", ["Bearer", "Bearer x", "Basic YTpi", "codex_x_y", "Bearer codex_x_y"])
def test_a_key_that_does_not_hold_is_no_key(kept: Kept, sent: str) -> None:
    for path in (*GUARDED, "/healthz"):
        assert_error(kept.served.http.get(path, headers={"Authorization": sent}), 401)


def test_a_body_is_not_read_before_the_key(kept: Kept) -> None:
    for path, body in (("/infer", b"{" * 5000), ("/documents/x.txt", b"x" * 5000)):
        response = kept.served.http.request("PUT" if "doc" in path else "POST", path, content=body)
        assert_error(response, 401)


def test_whether_it_is_up_is_told_to_everybody_and_more_only_to_readers(kept: Kept) -> None:
    told = kept.served.http.get("/healthz").json()
    assert told["status"] == "ready"
    assert (told["model"], told["version"], told["error"], told["limits"]) == ("", "", None, "")
    read = kept.served.http.get("/healthz", headers=kept.key("read")).json()
    assert read["model"]
    assert read["version"]


def test_a_key_asks_and_reads_what_it_asked(kept: Kept) -> None:
    key = kept.key("ask")
    answered = kept.served.http.post("/infer", json={"query": "x"}, headers=key)
    assert answered.status_code == 200
    assert "set-cookie" not in answered.headers
    error = assert_error(kept.served.http.get("/sessions", headers=key), 403)
    assert error["type"] == "Forbidden"
    assert "'read'" in error["message"]
    assert kept.served.http.get("/me", headers=key).json() == {"name": "ask", "scopes": ["ask"]}


def test_openais_client_sends_its_key(kept: Kept) -> None:
    key = kept.key("ask")["Authorization"].removeprefix("Bearer ")
    base = f"http://127.0.0.1:{kept.served.port}/v1"
    with openai.OpenAI(base_url=base, api_key=key, max_retries=0) as client:
        assert client.models.list().data
    with (
        openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="does not hold"),
    ):
        client.models.list()


def test_each_route_takes_its_scope_and_gives_nothing_to_the_others(kept: Kept) -> None:
    app = create_app(kept.served.workbench)
    tried = 0
    for route in every_route(app):
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            scope = needed(method, route.path, route.tags)
            if scope is None:
                assert route.path in OPEN
                continue
            others: list[Scope] = [each for each in get_args(Scope) if each not in (scope, "admin")]
            path = route.path.replace("{", "").replace("}", "").replace(":path", "")
            response = kept.served.http.request(method, path, headers=kept.key(*others))
            assert response.status_code == 403, f"{method} {route.path}"
            assert method == "HEAD" or "Forbidden" in response.text
            tried += 1
    assert tried > 120


def test_what_no_route_of_fastapis_serves_is_known(kept: Kept) -> None:
    """Of these paths the authentication decides alone; a new one has to be thought of."""
    app = create_app(kept.served.workbench)
    own = {route.path for route in every_route(app) if isinstance(route, APIRoute)}
    paths = {getattr(route, "path", repr(route)) for route in every_route(app)}
    assert paths - own == {"/openapi.json", "/mcp", "/static-offline-docs"}


def test_a_route_of_no_subject_stops_the_start(kept: Kept) -> None:
    with pytest.raises(LookupError):
        needed("GET", "/new", [])
    with pytest.raises(LookupError):
        needed("GET", "/new", ["unheard-of"])


def test_mcp_takes_a_key_that_asks_and_reads(kept: Kept) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    for scopes in (["ask"], ["read"], ["label", "train", "evaluate"]):
        assert_error(kept.served.http.post("/mcp", json=call, headers=accept | kept.key(*scopes)), 403)  # type: ignore[arg-type]
    answer = kept.served.http.post("/mcp", json=call, headers=accept | kept.key("ask", "read"))
    assert answer.status_code == 200


def test_a_revoked_and_an_expired_key_end_at_once(kept: Kept) -> None:
    key, text = kept.access.keys.create("brief", ["read"], datetime.now(UTC) + timedelta(hours=1))
    headers = {"Authorization": f"Bearer {text}"}
    assert kept.served.http.get("/sessions", headers=headers).status_code == 200
    kept.access.keys.revoke(key.id)
    assert_error(kept.served.http.get("/sessions", headers=headers), 401)


def test_what_changes_something_or_takes_data_along_is_logged_with_its_outcome(kept: Kept) -> None:
    before = len(kept.entries())
    reader = kept.key("read")
    kept.served.http.post("/infer", json={"query": "x"}, headers=kept.key("ask"))
    kept.served.http.get("/sessions", headers=reader)
    kept.served.http.get("/traces/export", params={"format": "jsonl", "table": "events"}, headers=reader)
    kept.served.http.post("/policies/rollback", headers=reader)
    ids = {key.name: f"key {key.id}" for key in kept.access.keys.list()}
    assert kept.entries()[before:] == [
        (ids["ask"], "POST /infer", 200),
        (ids["read"], "GET /traces/export", 200),
        (ids["read"], "POST /policies/rollback", 403),
    ]
    assert kept.access.audit.broken() is None


def test_the_homes_own_commands_need_no_key(serve: Serve, tmp_path: Path) -> None:
    Access(tmp_path / "0").keys.create("first", ["ask"])
    served = serve(SURE, "server.auth=required")
    assert_error(served.http.get("/sessions"), 401)
    app = create_app(served.workbench)
    key = app.state.local_key
    assert len(key) > 40
    assert key not in json.dumps(app.openapi())


def test_requests_are_limited_by_key_and_by_address(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "UNKNOWN_PER_MINUTE", 4)
    access = Access(tmp_path / "0")
    first, second = (access.keys.create(name, ["read"])[1] for name in ("first", "second"))
    served = serve(SURE, "server.auth=required", "server.requests_per_minute=5")
    headers = {"Authorization": f"Bearer {first}"}
    found = [served.http.get("/sessions", headers=headers).status_code for _ in range(7)]
    assert found == [200] * 5 + [429] * 2
    refused = served.http.get("/sessions", headers=headers)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert served.http.get("/sessions", headers={"Authorization": f"Bearer {second}"}).status_code == 200
    guessed = {"Authorization": f"Bearer {first[:-1]}"}
    strangers = [served.http.get("/sessions", headers=sent).status_code for sent in [{}, guessed] * 3]
    assert strangers == [401] * 4 + [429] * 2
    assert served.http.get("/healthz").status_code == 200


def test_another_page_is_refused_before_its_key_is_looked_at(kept: Kept) -> None:
    evil = {"Origin": "http://evil.test", **kept.key("read")}
    assert assert_error(kept.served.http.get("/sessions", headers=evil), 403)["type"] == "ForeignOrigin"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "codex.example.org"])
def test_a_server_that_others_reach_does_not_start_without_anybody_who_may(tmp_path: Path, host: str) -> None:
    settings = load_settings([f"home={tmp_path}", f"server.host='{host}'"])
    with pytest.raises(SettingsError) as refused:
        access_of(settings)
    for words in ("codex users create", "codex keys create", "server.auth=none"):
        assert words in str(refused.value)
    Access(tmp_path).keys.create("first", ["ask"])
    assert access_of(settings) is not None
    assert access_of(load_settings([f"home={tmp_path}", f"server.host='{host}'", "server.auth=none"])) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_nobody_has_to_sign_in(tmp_path: Path, host: str) -> None:
    assert access_of(load_settings([f"home={tmp_path}", f"server.host='{host}'"])) is None
    assert not (tmp_path / "access.sqlite").exists()


def test_roles_hold_more_and_more() -> None:
    assert ROLES["viewer"] < ROLES["labeller"] < ROLES["researcher"] < ROLES["admin"]
    assert ROLES["admin"] == frozenset(get_args(Scope))


def test_each_client_of_a_key_shares_its_places(kept: Kept) -> None:
    """Two connections of one key are one client, and see each other's last answers whole."""
    key = kept.key("ask", "read")
    asked = kept.served.http.post("/infer", json={"query": "kept nowhere"}, headers=key).json()
    with httpx.Client(base_url=f"http://127.0.0.1:{kept.served.port}", timeout=60) as other:
        own = other.get(f"/traces/{asked['trace_id']}", headers=key).json()
        others = other.get(f"/traces/{asked['trace_id']}", headers=kept.key("read")).json()
    assert own["question"] == "kept nowhere"
    assert others["question"] is None
