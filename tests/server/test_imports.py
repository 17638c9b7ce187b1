"""What the start of a server takes: torch and what needs it are imported where they are used."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "peft", "sentence_transformers", "sklearn")
"""Seconds each, and memory that llama.cpp does without."""


def test_pages_and_http_interface_start_without_torch() -> None:
    script = "import sys, codex.pages.shell; print(sorted({*sys.argv[1:]} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
