"""The folder of a training: one process at a time, one configuration for good."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codex.errors import Conflict, TrainingError
from codex.outputs import output
from codex.private import make_folder

IDENTITY = "training.json"
LOCK = ".lock"
ADAPTER = "adapter"
"""Where the adapter is."""
MODEL = "model"
"""Where the model is, when all its weights were trained."""


@contextmanager
def held(folder: Path, identity: Mapping[str, Any]) -> Iterator[None]:
    """Hold a training's folder while the block runs; it is made where it is missing.

    identity: what makes a training this one, as JSON; it is kept at the first call. Raises Conflict: another
    process trains there, it holds another training, or something else; TrainingError.
    """
    with locked(folder):
        _check(folder, json.loads(json.dumps(identity)))
        yield


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process trains in the folder while the block runs; it is made where it is missing.

    Raises Conflict: one trains there; TrainingError.
    """
    try:
        make_folder(folder)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error
    try:
        _take(lock, folder)
        yield
    finally:
        os.close(lock)  # The system lets go of it when the process ends, however it ends.


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
        raise Conflict(
            f"Process {holder} trains in {folder} already: wait for its end, or take another folder."
        ) from None
    os.pwrite(lock, f"{os.getpid():<20}".encode(), 0)


def _check(folder: Path, identity: dict[str, Any]) -> None:
    path = folder / IDENTITY
    if not path.exists():
        others = sorted(each.name for each in folder.iterdir() if each.name != LOCK)
        if others:
            raise Conflict(f"{folder} holds other files, such as {others[0]}: take an empty or a new folder.")
        with output(path) as file:
            file.write(json.dumps(identity, indent=2).encode() + b"\n")
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}. Take another folder.") from error
    if before != identity:
        raise Conflict(
            f"{folder} holds a training with {_differences(before, identity)}. "
            "Give the same settings to resume it, or take another name or folder."
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    one, other = flat(before), flat(now)
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    told = [f"{name} = {one.get(name)!r}, not {other.get(name)!r}" for name in names[:3]]
    return "; ".join(told) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings in groups by their full names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
