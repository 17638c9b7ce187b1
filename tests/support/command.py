"""The command line, as a user types it, in the process of the test."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from codex.cli import main as cli


@dataclass
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Codex = Callable[..., Said]


def command(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    """The program with that home, in this process, so that what it imports is imported once."""
    monkeypatch.setenv("CODEX_HOME", str(home))

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["codex", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    return run
