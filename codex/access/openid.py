"""Signing in by an OpenID Connect provider: the authorization code flow with PKCE.

OpenID Connect Core 1.0, section 3.1; RFC 7636.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from codex.errors import Unauthenticated
from codex.origins import web_address

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make: none with a shared secret."""
PENDING_SECONDS = 600.0
"""In which a user has to come back from the provider."""
MOST_PENDING = 10_000
KNOWN_SECONDS = 3600.0
"""How long what the provider says of itself is kept."""
LEEWAY = 60
"""Seconds by which clocks may differ."""
TIMEOUT = 10.0


class SignInFailed(Unauthenticated):
    """The provider could not be asked, or what it sent does not hold."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider vouches for."""

    subject: str
    """Issuer and subject: who it is, whatever they are called."""
    name: str
    """What the provider calls them."""
    next: str
    """The page that they wanted."""


@dataclass(frozen=True, slots=True)
class _Pending:
    browser: bytes
    nonce: str
    verifier: str
    next: str
    until: float


class OpenIdProvider:
    """One provider, found by its issuer. Thread-safe."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, name_claim: str) -> None:
        """client_secret: None for a public client. name_claim: of the ID token, that is the user's name."""
        self.issuer = issuer.rstrip("/")
        self._client_id, self._client_secret, self._name_claim = client_id, client_secret, name_claim
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._known: tuple[dict[str, Any], float] | None = None

    async def begin(self, redirect_uri: str, next: str) -> tuple[str, str]:
        """Where to send a browser, and what its cookie holds until it comes back. Raises SignInFailed."""
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        async with self._client(redirect_uri) as client:
            metadata = await self._metadata(client)
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        waiting = _Pending(_digest(browser), nonce, verifier, next, time.monotonic() + PENDING_SECONDS)
        with self._lock:
            self._pending[state] = waiting
            while len(self._pending) > MOST_PENDING:
                self._pending.popitem(last=False)
        return str(address), browser

    async def complete(self, redirect_uri: str, browser: str, state: str, code: str) -> Vouched:
        """Who came back. browser: of the cookie; state, code: of the address. Raises SignInFailed."""
        with self._lock:
            waiting = self._pending.pop(state, None)
        if (
            waiting is None
            or waiting.until < time.monotonic()
            or not hmac.compare_digest(waiting.browser, _digest(browser))
        ):
            raise SignInFailed("This sign-in was not begun in this browser, or took too long. Begin again.")
        try:
            async with self._client(redirect_uri) as client:
                metadata = await self._metadata(client)
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=waiting.verifier
                )
                keys = await self._keys(client, metadata)
                claims = self._claims(str(token.get("id_token") or ""), keys, waiting.nonce)
        except (AuthlibBaseError, JoseError, httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise SignInFailed(
                f"{self.issuer} did not confirm the sign-in: {type(error).__name__}. Begin again."
            ) from error
        name = claims.get(self._name_claim)
        if not isinstance(name, str) or not name:
            raise SignInFailed(
                f"{self.issuer} does not say {self._name_claim!r} of this user: set server.oidc.name_claim "
                "to a claim that it sends."
            )
        return Vouched(f"{self.issuer} {claims['sub']}", name, waiting.next)

    def _client(self, redirect_uri: str) -> Any:
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            scope="openid profile",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            timeout=TIMEOUT,
        )

    async def _metadata(self, client: Any) -> dict[str, Any]:
        """Raises SignInFailed."""
        with self._lock:
            known = self._known
        if known is not None and known[1] > time.monotonic():
            return known[0]
        address = f"{self.issuer}/.well-known/openid-configuration"
        try:
            said: dict[str, Any] = (await _get(client, address)).json()
            if str(said["issuer"]).rstrip("/") != self.issuer:
                raise ValueError("it is another issuer's")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                web_address(said[name])
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise SignInFailed(
                f"{address} cannot be used: {error}. Try again later, or set server.oidc.issuer to the "
                "address that the provider names."
            ) from error
        with self._lock:
            self._known = (said, time.monotonic() + KNOWN_SECONDS)
        return said

    async def _keys(self, client: Any, metadata: dict[str, Any]) -> KeySet:
        return KeySet.import_key_set((await _get(client, metadata["jwks_uri"])).json())

    def _claims(self, id_token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        """What an ID token says. Raises JoseError, ValueError."""
        claims = jwt.decode(id_token, keys, ALGORITHMS).claims
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "values": [self.issuer, f"{self.issuer}/"]},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(claims)
        if claims.get("azp", self._client_id) != self._client_id:
            raise ValueError("the token is for another client")
        return claims


async def _get(client: Any, address: str) -> httpx2.Response:
    response: httpx2.Response = await client.request("GET", address, withhold_token=True)
    return response.raise_for_status()


def _digest(browser: str) -> bytes:
    return hashlib.sha256(browser.encode("utf-8", "surrogatepass")).digest()
