"""The workbench that runs on a home folder: commands that cannot open its database ask it over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx

from codex import errors
from codex.errors import CodexError, Conflict, NotFound, StoreInUse
from codex.private import opener
from codex.settings import Settings, load_settings
from codex.store.codec import decode
from codex.store.policies import SavedPolicy
from codex.store.runs import RunSummary
from codex.types import Run, RunParams

FILE = "server.json"
"""In the home, while a workbench serves it: its address, its process, and its settings."""
OWN = ("home", "server", "policy")
"""Settings that a request brings itself, or that do not change what it does."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@contextmanager
def announced(settings: Settings, host: str, port: int) -> Iterator[None]:
    """Say in the home where this process serves it, while the block runs. Raises OSError."""
    path = settings.home / FILE
    host = ANYWHERE.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    said = {"url": url, "pid": os.getpid(), "settings": settings.model_dump(mode="json")}
    with open(path, "w", encoding="utf-8", opener=opener) as file:
        json.dump(said, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


class Served:
    """A workbench of another process, reached over HTTP. Every method raises CodexErrors as it sent them."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=None, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What a route returns; None where it returns nothing."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise CodexError(f"The running workbench does not respond: {error}. Try again.") from error
        if response.is_error:
            _raise(response.json())
        return response.json() if response.content else None

    def ask(self, body: object) -> Iterator[tuple[str, Any]]:
        """The events of a question, by their names."""
        with self._http.stream("POST", "/infer/stream", json=body) as response:
            if response.is_error:
                _raise(json.loads(response.read()))
            name, held = "", b""
            for chunk in response.iter_bytes():
                # Only CR and LF end a line here; a text may hold others.
                *lines, held = (held + chunk).split(b"\r\n")
                for line in lines:
                    field, _, value = line.partition(b": ")
                    if field == b"event":
                        name = value.decode()
                    elif field == b"data":
                        data = json.loads(value)
                        if name == "error":
                            _raise(data)
                        yield name, data

    def runs(self) -> list[RunSummary]:
        """Every run, the newest first."""
        return [_summary(row) for row in self.call("GET", "/evaluations")]

    def policies(self) -> list[SavedPolicy]:
        """Every saved policy, the newest first."""
        return [_policy(row) for row in self.call("GET", "/policies")]

    def policy(self, version: str) -> SavedPolicy:
        """A saved policy. Raises NotFound."""
        for policy in self.policies():
            if policy.version == version:
                return policy
        raise NotFound(f"No policy {version!r} is stored; `codex policies` lists them.")


def served(home: Path, in_use: StoreInUse, overrides: Sequence[str] = ()) -> Served:
    """The workbench that has the database open.

    Raises `in_use` where that process serves nothing; Conflict where a setting is another one there.
    """
    said: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        said = json.loads((home / FILE).read_text(encoding="utf-8"))
    # Left by a process that was killed, it names another one than has the database open.
    if said.get("pid") != in_use.pid:
        raise in_use
    _check_settings(said["settings"], overrides, in_use)
    return Served(said["url"])


def _check_settings(theirs: dict[str, Any], overrides: Sequence[str], in_use: StoreInUse) -> None:
    ours = load_settings(overrides).model_dump(mode="json")
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0].strip()
        if key.split(".")[0] in OWN:
            continue
        wanted, there = _at(ours, key), _at(theirs, key)
        if wanted != there:
            raise Conflict(
                f"The running workbench (process {in_use.pid}) has another {key}: {_shown(there)}, not "
                f"{_shown(wanted)}. Leave it out, restart the workbench with it, or give the command a home "
                "of its own (CODEX_HOME)."
            )


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


def _shown(value: Any) -> str:
    return str(value.get("name", value)) if isinstance(value, dict) else json.dumps(value)


def _raise(body: dict[str, Any]) -> NoReturn:
    """Raise the error that a response holds, as the kind that it names."""
    error = body["error"]
    kind = getattr(errors, error["type"], CodexError)
    made = CodexError(error["message"])
    if isinstance(kind, type) and issubclass(kind, CodexError):
        with suppress(TypeError):
            made = kind(error["message"])
    raise made


def _summary(row: dict[str, Any]) -> RunSummary:
    run = Run(
        id=row["id"],
        name=row["name"],
        dataset=row["dataset"],
        created_at=datetime.fromisoformat(row["created_at"]),
        model=row["model"],
        prompt=row["prompt"],
        params=decode(RunParams, row["params"], "params"),
        total=row["total"],
        state=row["state"],
    )
    return RunSummary(
        run,
        row["done"],
        row["correct"],
        row["incorrect"],
        row["failed"],
        row["graders"],
        row["by_person"],
        row["corrected"],
    )


def _policy(row: dict[str, Any]) -> SavedPolicy:
    return SavedPolicy(
        row["version"],
        row["name"],
        datetime.fromisoformat(row["created_at"]),
        row["active"],
        json.dumps(row["policy"]),
    )
