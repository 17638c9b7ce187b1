"""A small OpenID Connect provider over real HTTP, with one user, who is always signed in there."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from fastapi import FastAPI, Request, Response
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.responses import JSONResponse, RedirectResponse

CLIENT, SECRET = "codex", "the client's secret"


@dataclass
class Provider:
    """What it does can be changed between requests."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    """Beside those that every ID token has, or in their place."""
    key: RSAKey | OctKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    """Signs the tokens."""
    algorithm: str = "RS256"
    published: RSAKey | None = None
    """In place of the key that signs."""
    refuses: str = ""
    """The error with which browsers are sent back."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def metadata() -> dict[str, str]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            sent = dict(request.query_params)
            assert sent["client_id"] == CLIENT
            assert sent["response_type"] == "code"
            assert "openid" in sent["scope"].split()
            assert sent["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            self.codes[code] = sent
            back = {"error": self.refuses} if self.refuses else {"code": code}
            return RedirectResponse(
                f"{sent['redirect_uri']}?{urlencode({**back, 'state': sent['state']})}", 303
            )

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            asked = self.codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if (
                asked is None
                or asked["code_challenge"] != challenge
                or asked["redirect_uri"] != form.get("redirect_uri")
                or request.headers.get("authorization") not in (f"Basic {basic}", f"Basic {quoted()}")
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time.time())
            claims = {
                **{"iss": self.url, "aud": CLIENT, "sub": "0001", "exp": now + 300, "iat": now},
                **{"nonce": asked["nonce"], "preferred_username": "Ada", **self.claims},
            }
            header = {"alg": self.algorithm, "kid": "one"}
            signed = jwt.encode(header, claims, self.key, [self.algorithm])
            return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            key = self.published or self.key
            public = key.as_dict(private=False) if isinstance(key, RSAKey) else {"kty": "oct", "k": ""}
            return {"keys": [public]}

        return app


def quoted() -> str:
    """Name and secret as RFC 6749, 2.3.1 has them: form-encoded first."""
    pair = urlencode({CLIENT: SECRET}).replace("=", ":", 1)
    return base64.b64encode(pair.encode()).decode()


@contextmanager
def providing() -> Iterator[Provider]:
    """Serve a provider until the block ends."""
    provider = Provider()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join(10)
