"""A workbench as users run it, in a process of its own that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from codex.engines.models import Models, default_home
from tests.soak import serve

ENGINE = "engine=tests.soak.engine:SoakEngine"
BOUND = 180.0
"""Seconds in which a start has to have succeeded, on a busy machine."""


class Process:
    """`codex serve` on a home. What it prints goes into `log` beside the home."""

    def __init__(
        self,
        home: Path,
        *settings: str,
        engine: str = ENGINE,
        environment: dict[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.home = home
        self._settings = (engine, "server.port=0", "server.requests_per_minute=null", *settings)
        self._environment = {"CODEX_HOME": str(home), **(environment or {})}
        self.log = log or home.with_suffix(".log")
        self.started = 0
        """How often."""
        self.seconds: list[float] = []
        """From each start to its first response."""
        self._served: dict[str, Any] = {}
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "models").exists():
            (home / "models").symlink_to(Models(default_home()).folder, target_is_directory=True)

    def begin(self) -> None:
        """Start it without waiting."""
        self._process = serve.started(self._settings, self._environment, self.log)
        self.started += 1

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError where it does not."""
        began = time.monotonic()
        self.begin()
        while not self._answers():
            if not self._process.is_alive() or time.monotonic() - began > BOUND:
                raise RuntimeError(f"The workbench does not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.02)
        self.seconds.append(time.monotonic() - began)

    @property
    def http(self) -> httpx.Client:
        """A client of the process that runs now."""
        key = {"Authorization": f"Bearer {self._served['key']}"}
        return httpx.Client(
            base_url=self._served["url"], timeout=BOUND, trust_env=False, headers=key, verify=False
        )

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def kill(self) -> None:
        """As when the system kills it: it can finish nothing. Its own processes go with it."""
        # Before it has a group of its own, it is the only one.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.is_alive:
            os.kill(self.pid, signal.SIGTERM)
            self._process.join(BOUND)
        self.kill()

    def usage(self) -> dict[str, float]:
        """Resident bytes, open descriptors and threads."""
        process = psutil.Process(self.pid)
        with process.oneshot():
            return {
                "bytes": process.memory_info().rss,
                "descriptors": process.num_fds(),
                "threads": process.num_threads(),
            }

    def _answers(self) -> bool:
        try:
            self._served = json.loads((self.home / "server.json").read_text())
            if self._served["pid"] != self.pid:
                return False
            with self.http as http:
                return http.get("/healthz").status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False
