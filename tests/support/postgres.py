"""A PostgreSQL server of the tests' own, in a folder that ends with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"


class Server:
    """Starts and stops; listens on a socket in its folder only."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        # PostgreSQL refuses to run as root.
        self._user = USER if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._do("initdb", "-D", "data", "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

    @property
    def address(self) -> str:
        return f"postgresql://{USER}:secret-word@/postgres?host={self.folder}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self._do("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._do("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def _do(self, program: str, *given: str) -> None:
        subprocess.run(
            [str(self._programs / program), *given],
            cwd=self.folder,
            user=self._user,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def running() -> Iterator[Server]:
    """A server that runs; skips the test where PostgreSQL is not installed, unless it is required."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CODEX_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    # Not below pytest's folder: another user could not enter it, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="codex-pg-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path))
    return found[-1].parent if found else None
