"""The pages' own files: served compressed, and under their version kept by the browser for good."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import threading
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from codex.paths import resources

ASSETS = resources("assets")
ASSETS_URL = "codex-assets"
"""Where the files are served, below the root."""
SERVED = frozenset({".js", ".css", ".svg", ".txt"})
FOREVER = "public, max-age=31536000, immutable"
ASKED_EACH_TIME = "no-cache"


@cache
def version() -> str:
    """Of all files together, so that a new one is never mixed with an old one."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(ASSETS)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def url(path: str) -> str:
    """The address of a file, relative to the root."""
    return f"{ASSETS_URL}/{version()}/{path}"


class Packed:
    """Files that stay as they are while this process runs: read and compressed once, sent from memory."""

    def __init__(self) -> None:
        self._packed: dict[Path, tuple[bytes, bytes, str]] = {}
        self._lock = threading.Lock()

    async def send(self, path: Path, cached: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file that is there. cached: how long the browser may keep it."""
        plain, packed, tag = self._bytes(path)
        headers = Headers(scope=scope)
        told = {"Cache-Control": cached, "ETag": tag, "Vary": "Accept-Encoding"}
        if headers.get("if-none-match") == tag:
            await Response(status_code=304, headers=told)(scope, receive, send)
            return
        body = plain
        if "gzip" in headers.get("accept-encoding", "") and len(packed) < len(plain):
            body, told["Content-Encoding"] = packed, "gzip"
        kind = mimetypes.guess_type(path.name)[0]
        await Response(body, headers=told, media_type=kind)(scope, receive, send)

    def _bytes(self, path: Path) -> tuple[bytes, bytes, str]:
        """A file, the same compressed, and its tag."""
        with self._lock:
            if path not in self._packed:
                plain = path.read_bytes()
                tag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
                self._packed[path] = plain, gzip.compress(plain, mtime=0), tag
            return self._packed[path]


class Assets:
    """The application that serves the files: <version>/path for good, path alone asked about each time.

    What stands under vendor/ has its version in its name.
    """

    def __init__(self) -> None:
        self._packed = Packed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file. Raises HTTPException."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        asked = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
        first, _, rest = asked.partition("/")
        current = first == version()
        path = _known().get(rest if current else asked)
        if path is None:
            raise HTTPException(404)
        cached = FOREVER if current or first == "vendor" else ASKED_EACH_TIME
        await self._packed.send(path, cached, scope, receive, send)


@cache
def _known() -> dict[str, Path]:
    return {path.relative_to(ASSETS).as_posix(): path for path in _files()}


def _files() -> list[Path]:
    return sorted(
        path for path in ASSETS.rglob("*") if path.suffix in SERVED and not path.name.endswith(".d.ts")
    )
