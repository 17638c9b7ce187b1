"""The scripts and styles of Gradio's own pages, which it would read and compress for every request."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gradio.route_utils import BUILD_PATH_LIB, STATIC_PATH_LIB
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from codex.pages.assets import ASKED_EACH_TIME, FOREVER, Packed

BUILT = "assets"
"""The folder in which each file has a hash of what is in it in its name."""
FOLDERS = {BUILT: Path(BUILD_PATH_LIB), "static": Path(STATIC_PATH_LIB)}


class GradioFiles:
    """The application that serves them, at the addresses that Gradio's pages expect."""

    def __init__(self) -> None:
        self._packed = Packed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file. Raises HTTPException."""
        asked = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
        path = _known().get(asked)
        if path is None:
            raise HTTPException(404)
        cached = FOREVER if asked.startswith(f"{BUILT}/") else ASKED_EACH_TIME
        await self._packed.send(path, cached, scope, receive, send)


@cache
def _known() -> dict[str, Path]:
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.is_file()
    }
