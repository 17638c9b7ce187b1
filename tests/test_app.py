"""The process that serves everything: how it starts and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx

APP = Path(__file__).parents[1] / "app.py"


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, str(APP), f"home={tmp_path}", "server.port=0", "engine=llama_cpp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    address = program.stdout.readline().removeprefix("Codex is on ").strip()
    httpx.Client(transport=httpx.HTTPTransport(retries=5)).get(f"{address}/healthz", timeout=60)
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=60)
    assert said.strip() == ""
    assert program.returncode == 0
