"""The workbench that runs on a home folder: commands that cannot open its database ask it over HTTP."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import httpx

from codex import errors
from codex.errors import CodexError, Conflict, InvalidInput, NotFound, StoreInUse
from codex.jobs import JobProgress
from codex.private import SERVED, opener
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.store.codec.nouns import decode
from codex.store.evaluation.records import record_of_line
from codex.store.evaluation.runs import RunSummary
from codex.store.versions.activations import Activation
from codex.store.versions.policies import SavedPolicy
from codex.store.versions.versions import SavedVersion
from codex.types import Run, RunParams

OWN = ("home", "server", "policy")
"""Settings that a request brings itself, or that do not change what it does."""
LOOK = 0.2
"""Seconds between two looks at a job."""
PROGRESS = ("done", "total", "unit", "rate", "seconds_left", "text")
"""What is sent of the progress of a job."""
BATCH = 64
"""Records of a copy kept at once."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told from others, not bound


@contextmanager
def announced(
    settings: Settings, host: str, port: int, key: str = ""
) -> Iterator[Callable[[Settings], None]]:
    """Say in the home where this process serves it, while the block runs. Raises OSError.

    key: by which it knows commands of whoever owns the home. What is yielded says it again with other
    settings.
    """
    path = settings.home / SERVED
    host = ANYWHERE.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def say(now: Settings) -> None:
        said = {"url": url, "pid": os.getpid(), "key": key, "settings": now.model_dump(mode="json")}
        with open(path, "w", encoding="utf-8", opener=opener) as file:
            json.dump(said, file)

    say(settings)
    try:
        yield say
    finally:
        path.unlink(missing_ok=True)


class Served:
    """A workbench of another process, reached over HTTP. Every method raises CodexErrors as it sent them."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # An answer takes as long as it takes, on this machine; Ctrl-C ends it.
        self._http = httpx.Client(base_url=url, timeout=None, trust_env=False, headers=headers)  # noqa: S113

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What a route returns; None where it returns nothing."""
        with _told():
            response = self._http.request(method, path, json=body)
        if response.is_error:
            raise_sent(response.content)
        return response.json() if response.content else None

    def ended(
        self, job: dict[str, Any], progress: Callable[[JobProgress], None], cancel: threading.Event
    ) -> dict[str, Any]:
        """A job at its end, done or cancelled; `cancel` stops it. Raises the error that it failed by."""
        path, stopped = f"/jobs/{job['id']}", False
        while job["state"] == "running":
            progress(JobProgress(**{name: job[name] for name in PROGRESS}))
            if cancel.is_set() and not stopped:
                self.call("POST", f"{path}/cancel")
                stopped = True
            time.sleep(LOOK)
            job = self.call("GET", path)
        if job["state"] == "failed":
            _raise(job["error"])
        return job

    def lines(self, path: str) -> Iterator[str]:
        """The lines that a route streams, each with its end."""
        with _told(), self._http.stream("GET", path) as response:
            if response.is_error:
                raise_sent(response.read())
            for line in response.iter_lines():
                yield f"{line}\n"

    @contextmanager
    def copied(self, runs: Sequence[Run]) -> Iterator[Store]:
        """A store of its own with a copy of these runs, as they are now, while the block runs."""
        with TemporaryDirectory(prefix="codex-") as folder, Store(Path(folder) / "copy.duckdb") as store:
            for run in runs:
                store.runs.create(run)
                records = map(record_of_line, self.lines(f"/evaluations/{run.id}/records"))
                while batch := list(islice(records, BATCH)):
                    store.runs.add(run.id, batch)
            yield store

    def ask(self, body: object) -> Iterator[tuple[str, Any]]:
        """The events of a question, by their names."""
        with _told(), self._http.stream("POST", "/infer/stream", json=body) as response:
            if response.is_error:
                raise_sent(response.read())
            name, held = "", b""
            for chunk in response.iter_bytes():
                # Only CR and LF end a line here; a text may hold others.
                *lines, held = (held + chunk).split(b"\r\n")
                for line in lines:
                    field, _, value = line.partition(b": ")
                    if field == b"event":
                        name = value.decode()
                    elif field == b"data":
                        if name == "error":
                            raise_sent(value)
                        yield name, json.loads(value)

    def imported(self, file: Path, told: dict[str, str | None]) -> RunSummary:
        """A run of stored answers. Raises InvalidInput, also where the file cannot be read."""
        return summary_of(self.sent("/evaluations/import", file, told))

    def sent(self, path: str, file: Path, told: dict[str, str | None]) -> Any:
        """What a route makes of a file, which it takes under its name.

        Raises InvalidInput, also where the file cannot be read.
        """
        params = {name: value for name, value in told.items() if value}
        try:
            with _told(), file.open("rb") as body:
                to = f"{path}/{quote(file.name, safe='')}"
                response = self._http.put(to, params=params, content=body)
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror or error}.", ["file"]) from error
        if response.is_error:
            raise_sent(response.content)
        return response.json()

    def fetched(self, path: str, params: dict[str, str | None], out: BinaryIO) -> None:
        """Write what a route sends into a file."""
        told = {name: value for name, value in params.items() if value is not None}
        with _told(), self._http.stream("GET", path, params=told) as response:
            if response.is_error:
                raise_sent(response.read())
            for block in response.iter_bytes():
                out.write(block)

    def pieces(self, path: str) -> Generator[bytes, None, None]:
        """The bytes that a route makes and streams."""
        with _told(), self._http.stream("POST", path) as response:
            if response.is_error:
                raise_sent(response.read())
            yield from response.iter_bytes()

    def health(self) -> Any:
        """Whether it can answer now."""
        with _told():
            return self._http.get("/healthz").json()

    def runs(self) -> list[RunSummary]:
        """Every run, the newest first."""
        return [summary_of(row) for row in self.call("GET", "/evaluations")]

    def calibrators(self) -> list[SavedVersion]:
        """Every calibrator, the newest first."""
        return [self._calibrator(row) for row in self.call("GET", "/calibrators")]

    def calibrator(self, version: str) -> SavedVersion:
        """A calibrator by its version. Raises NotFound."""
        return self._calibrator(self.call("GET", calibrator_path(version)))

    def activations(self) -> list[Activation]:
        """What was activated in the place of a calibrator, the newest first."""
        return [
            Activation(row["version"], datetime.fromisoformat(row["activated_at"]), row["undone"])
            for row in self.call("GET", "/calibrators/history")
        ]

    def _calibrator(self, row: dict[str, Any]) -> SavedVersion:
        body = self.call("GET", f"{calibrator_path(row['version'])}/export")
        return SavedVersion(
            row["version"],
            row["name"],
            datetime.fromisoformat(row["created_at"]),
            row["active"],
            json.dumps(body),
            next(iter(row["runs"]), None),
        )

    def policies(self) -> list[SavedPolicy]:
        """Every saved policy, the newest first."""
        return [_policy(row) for row in self.call("GET", "/policies")]

    def policy(self, version: str) -> SavedPolicy:
        """A saved policy. Raises NotFound."""
        for policy in self.policies():
            if policy.version == version:
                return policy
        raise NotFound(f"No policy {version!r} is stored; `codex policies` lists them.")


def calibrator_path(version: str) -> str:
    """The route of a calibrator."""
    return f"/calibrators/{quote(version, safe='')}"


def served(
    home: Path, in_use: StoreInUse, overrides: Sequence[str] = (), carried: Sequence[str] = ()
) -> Served:
    """The workbench that has the database open.

    carried: how the keys of settings begin that the requests to come bring themselves.
    Raises `in_use` where that process serves nothing; Conflict where a setting is another one there.
    """
    said: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        said = json.loads((home / SERVED).read_text(encoding="utf-8"))
    # Left by a process that was killed, it names another one than has the database open.
    if said.get("pid") != in_use.pid:
        raise in_use
    told = [each for each in overrides if not each.lstrip("+~").startswith((*carried,))]
    _check_settings(said["settings"], told, overrides, in_use)
    return Served(said["url"], said["key"])


def refuse(home: Path, in_use: StoreInUse, why: str) -> NoReturn:
    """Raise Conflict: what a command wants cannot be done beside the running workbench, and why.

    Raises `in_use` where that process serves nothing.
    """
    with closing(served(home, in_use)) as there:
        raise Conflict(
            f"A workbench serves this home already, on {there.url} (process {in_use.pid}). {why}"
        ) from in_use


def _check_settings(
    theirs: dict[str, Any], told: Sequence[str], overrides: Sequence[str], in_use: StoreInUse
) -> None:
    ours = load_settings(overrides).model_dump(mode="json")
    for override in told:
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


@contextmanager
def _told() -> Iterator[None]:
    """Raise CodexError, in words, where the connection breaks inside the block."""
    try:
        yield
    except httpx.HTTPError as error:
        raise CodexError(
            f"The running workbench does not respond: {error}. Look whether it has stopped, and try again."
        ) from error


def raise_sent(body: bytes) -> NoReturn:
    """Raise the error that a response holds, as the kind that it names."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError) as wrong:
        shown = body[:100].decode(errors="replace")
        raise CodexError(
            f"The running workbench responds with an error in no known form: {shown!r}."
        ) from wrong
    _raise(error)


def _raise(error: dict[str, Any]) -> NoReturn:
    kind = getattr(errors, error["type"], CodexError)
    if not (isinstance(kind, type) and issubclass(kind, CodexError)):
        kind = CodexError
    # Not by its own parameters, of which only the message they make is sent.
    made = kind.__new__(kind, error["message"])
    if isinstance(made, InvalidInput):
        made.fields = tuple(error["fields"])
    raise made


def summary_of(row: dict[str, Any]) -> RunSummary:
    """A run as a route sends it."""
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
