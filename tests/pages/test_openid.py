"""Signing in by an OpenID Connect provider: who is let in, and every forgery that is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc.jwk import OctKey, RSAKey

from codex.access import Access
from codex.ask.workbench import Workbench
from codex.errors import SettingsError
from codex.pages.shell import mount
from codex.server import create_app
from codex.server.authentication import access_of, provider_of
from codex.settings import load_settings
from codex.store import Store
from tests.support.openid_provider import SECRET, Provider, providing
from tests.support.scripted import Script, ScriptedEngine


@dataclass
class Site:
    app: FastAPI
    access: Access

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url="http://localhost", follow_redirects=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(shared: Provider) -> Iterator[Provider]:
    key = shared.key
    yield shared
    shared.claims, shared.key, shared.algorithm = {}, key, "RS256"
    shared.published, shared.refuses = None, ""


@pytest.fixture(scope="module")
def site(shared: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEX_TEST_SECRET", SECRET)
        settings = load_settings([f"home={home}", *wanted(shared), "server.oidc.role=viewer"])
        workbench = Workbench(settings, ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db"))
        app = mount(create_app(workbench), workbench)
    with TestClient(app, base_url="http://localhost"):
        yield Site(app, app.state.access)
    workbench.close()


@pytest.fixture(autouse=True)
def nobody(site: Site) -> None:
    """Nobody is known at the start of each test."""
    for user in site.access.users.list():
        site.access.users.delete(user.name)


def wanted(provider: Provider) -> list[str]:
    return [
        "server.auth=required",
        f"server.oidc.issuer={provider.url}",
        "server.oidc.client_secret_env=CODEX_TEST_SECRET",
    ]


def sign_in(browser: TestClient, next: str = "/history") -> httpx.Response:
    """To the provider, and back."""
    return browser.get(path_back(browser, next))


def path_back(browser: TestClient, next: str = "/history") -> str:
    """The address with which the provider sends the browser back."""
    sent = browser.get("/sign-in/oidc", params={"next": next})
    assert sent.status_code == 303, sent.text
    back = httpx.get(sent.headers["location"], follow_redirects=False).headers["location"]
    assert back.startswith("http://localhost/sign-in/oidc/back?")
    return str(back)


def test_a_user_signs_in_and_sees_the_page_that_was_wanted(site: Site, provider: Provider) -> None:
    browser = site.browser()
    assert f"Sign in with {urlsplit(provider.url).hostname}" in browser.get("/sign-in").text
    opened = sign_in(browser, "/history?session=x")
    assert (opened.status_code, opened.headers["location"]) == (303, "/history?session=x")
    assert browser.get("/me").json() == {"name": "Ada", "scopes": ["ask", "read"]}
    newest = site.access.audit.page(limit=1)[0]
    assert (newest.who, newest.action, newest.outcome) == ("user ada", "sign in", 200)


def test_whoever_was_vouched_for_stays_the_same_under_another_name(site: Site, provider: Provider) -> None:
    sign_in(site.browser())
    site.access.users.set_role("Ada", "researcher")
    provider.claims = {"preferred_username": "Lovelace"}
    browser = site.browser()
    sign_in(browser)
    assert browser.get("/me").json()["name"] == "Ada"
    assert [user.name for user in site.access.users.list()] == ["Ada"]


def test_a_name_at_the_provider_takes_over_nobody_here(site: Site, provider: Provider) -> None:
    site.access.users.create("Root", "admin", "several plain words")
    sign_in(site.browser())
    for name, subject in (("root", "0002"), ("ADA", "0003"), ("a/b", "0004")):
        provider.claims = {"preferred_username": name, "sub": subject}
        browser = site.browser()
        refused = sign_in(browser)
        assert refused.status_code == 403, name
        assert "may not use this workbench" in refused.text
        assert browser.get("/me").status_code == 401
    assert sorted(user.name for user in site.access.users.list()) == ["Ada", "Root"]


def test_a_user_who_was_made_for_the_provider_keeps_their_role(site: Site, provider: Provider) -> None:
    site.access.users.create("ada", "labeller", None)
    browser = site.browser()
    sign_in(browser)
    assert browser.get("/me").json()["scopes"] == ["ask", "read", "label"]


FORGED: dict[str, Callable[[Provider], Any]] = {
    "of another issuer": lambda it: it.claims.update(iss="https://evil.test"),
    "for another client": lambda it: it.claims.update(aud="other"),
    "for several, by another": lambda it: it.claims.update(aud=["codex", "other"], azp="other"),
    "expired": lambda it: it.claims.update(exp=int(time.time()) - 120),
    "of the future": lambda it: it.claims.update(iat=int(time.time()) + 600),
    "without an end": lambda it: it.claims.update(exp=None),
    "with another nonce": lambda it: it.claims.update(nonce="other"),
    "without a subject": lambda it: it.claims.update(sub=""),
    "of a subject that is no text": lambda it: it.claims.update(sub=1),
    "without a name": lambda it: it.claims.update(preferred_username=None),
    "signed by another key": lambda it: setattr(it, "published", RSAKey.generate_key(2048, {"kid": "one"})),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_token_that_does_not_hold_lets_nobody_in(site: Site, provider: Provider, kind: str) -> None:
    provider.claims = {}
    FORGED[kind](provider)
    browser = site.browser()
    refused = sign_in(browser)
    assert refused.status_code == 401, kind
    assert 'role="alert"' in refused.text
    assert browser.get("/me").status_code == 401
    assert not site.access.users.list()


def test_a_token_signed_with_the_shared_secret_lets_nobody_in(site: Site, provider: Provider) -> None:
    real = provider.key
    assert isinstance(real, RSAKey)
    provider.published = real
    provider.key, provider.algorithm = OctKey.import_key(SECRET.encode() * 2), "HS256"
    assert sign_in(site.browser()).status_code == 401
    assert not site.access.users.list()


def test_a_sign_in_is_of_the_browser_that_began_it_and_of_one_time(site: Site, provider: Provider) -> None:
    first, other = site.browser(), site.browser()
    address = path_back(first)
    stolen = other.get(address)
    assert stolen.status_code == 401
    assert "not begun in this browser" in stolen.text
    assert first.get(address).status_code == 401  # The state is used up.
    again = path_back(first)
    assert first.get(again).status_code == 303
    assert site.browser().get(again).status_code == 401


@pytest.mark.parametrize("query", ["", "?state=x", "?code=x", "?state=x&code=y", "?error=access_denied"])
def test_an_address_that_was_made_up_lets_nobody_in(site: Site, query: str) -> None:
    refused = site.browser().get(f"/sign-in/oidc/back{query}")
    assert refused.status_code == 401
    assert not site.access.users.list()


def test_a_refusal_of_the_provider_is_told(site: Site, provider: Provider) -> None:
    provider.refuses = "access_denied<b>"
    refused = sign_in(site.browser())
    assert refused.status_code == 401
    assert "access_denied&lt;b&gt;" in refused.text


def test_a_provider_that_is_gone_or_another_one_is_told(tmp_path: Path, provider: Provider) -> None:
    for issuer in ("http://127.0.0.1:9", f"{provider.url}/other"):
        home = tmp_path / str(len(issuer))
        settings = load_settings(
            [
                f"home={home}",
                "server.auth=required",
                f"server.oidc.issuer={issuer}",
                "server.oidc.role=viewer",
            ]
        )
        workbench = Workbench(settings, ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db"))
        app = mount(create_app(workbench), workbench)
        with TestClient(app, base_url="http://localhost", follow_redirects=False) as browser:
            told = browser.get("/sign-in/oidc")
        workbench.close()
        assert told.status_code == 503
        assert "server.oidc.issuer" in told.text


def test_without_a_role_for_new_users_only_those_that_were_made_get_in(tmp_path: Path) -> None:
    access = Access(tmp_path)
    assert access.users.vouched("https://issuer 1", "Ada", None) is None
    access.users.create("Ada", "viewer", None)
    found = access.users.vouched("https://issuer 1", "ada", None)
    assert found is not None
    assert found.name == "Ada"


def test_a_secret_that_is_not_there_stops_the_start(tmp_path: Path, provider: Provider) -> None:
    settings = load_settings([f"home={tmp_path}", *wanted(provider)])
    with pytest.raises(SettingsError, match="CODEX_TEST_SECRET"):
        provider_of(settings)
    with pytest.raises(SettingsError, match="Nobody could get in"):
        access_of(settings)
