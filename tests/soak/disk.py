"""A disk that is full at random moments: clear errors, nothing lost, and it works again with room."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.soak.acknowledged import Acknowledged, lost, working
from tests.soak.line import Line
from tests.soak.serve import INDEXING
from tests.soak.workbench import Process

PART, LIMITED = "full disk", "no file may grow"
SIZE_MB = 256
LEFT = 256 * 1024
"""Bytes that may be left when it is full."""
FREE, FULL = 2.0, 3.0
"""The longest times with room and without, in seconds."""
AGAIN = 60.0
"""Seconds in which it has to work again."""

Limit = Callable[[int | None], None]
"""Leaves so many bytes; None: as many as there are."""


def run(home: Path, times: int, seed: int = 0) -> Iterator[Line]:
    """Full so often, by whichever way this machine permits."""
    with _small_disk(home.parent / "disk") as fill:
        place = home.parent / "disk" / "home" if fill else home
        yield from _full(place, times, fill, seed, PART if fill else LIMITED, home.with_suffix(".log"))


def run_limited(home: Path, times: int, seed: int = 0) -> Iterator[Line]:
    """Full so often, as no file may grow, which is possible on every machine."""
    yield from _full(home, times, None, seed, LIMITED, home.with_suffix(".log"))


def _full(home: Path, times: int, fill: Limit | None, seed: int, part: str, log: Path) -> Iterator[Line]:
    chance = random.Random(seed)
    known = Acknowledged()
    settings = ("ask.n_samples=1", "grounding.verify=false")
    process = Process(home, *settings, environment={INDEXING: "1"}, log=log)
    process.start()
    try:
        died, stuck, unclear = 0, 0, 0
        for _ in range(times):
            limit = fill or _limit_of(process)
            with working(process, known, chance):
                time.sleep(chance.uniform(0, FREE))
                limit(chance.randrange(LEFT))
                time.sleep(chance.uniform(FULL / 4, FULL))
            limit(None)
            if not process.is_alive:
                died += 1
                process.start()
            elif not _works(process):
                stuck += 1
                process.stop()
                process.start()
        process.kill()
        process.start()
        with process.http as client:
            missing = lost(client, home, known)
        unclear = len(known.unclear)
    finally:
        process.stop()
    yield from known.lines(part)
    for kind, count in known.refused.items():
        yield Line.told(part, f"refused: {kind}", count)
    yield Line.at_most(part, f"lost after {times} times full", 0, len(missing))
    yield Line.at_most(part, "errors that are not clear", 0, unclear)
    yield Line.at_most(part, "requests without a response", 0, len(known.cut))
    yield Line.at_most(part, "processes that ended", 0, died)
    yield Line.at_most(part, "did not work again when there was room", 0, stuck)
    for each in [*missing, *known.unclear, *known.cut][:20]:
        print(each)


def _works(process: Process) -> bool:
    until = time.monotonic() + AGAIN
    with process.http as client:
        while time.monotonic() < until:
            asked = client.post("/infer", json={"query": "Say 1."})
            if asked.status_code == 200:
                trace = asked.json()["trace_id"]
                if client.put(f"/traces/{trace}/label", json={"correct": True}).status_code == 204:
                    return True
            time.sleep(0.2)
    return False


def _limit_of(process: Process) -> Limit:
    """Lets no file of the process become larger than its largest one is, and a little."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)

    def limit(left: int | None) -> None:
        if left is None:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            return
        sizes = [file.stat().st_size for file in process.home.glob("codex.duckdb*") if file.is_file()]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (min(sizes) + left, hard))

    return limit


@contextmanager
def _small_disk(folder: Path) -> Iterator[Limit | None]:
    """Fills a tmpfs of its own, mounted at the folder; None where it may not be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        yield None
        return
    ballast = folder / "ballast"

    def fill(left: int | None) -> None:
        if left is None:
            ballast.unlink(missing_ok=True)
            return
        disk = os.statvfs(folder)
        # Others write meanwhile: where less is free by then, it is full already.
        with suppress(OSError), ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, disk.f_bavail * disk.f_frsize - left))

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
