"""Data of others that do not ship: stored answers of models, questions with passages, people's verdicts."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

FOLDER = "CODEX_SHARED_DATA"
"""The environment variable that names the folder for tests; `tests/conftest.py` looks for it beside them."""


def shared_data(*names: str) -> Path:
    """A file or folder among them; it may not be there."""
    return Path(os.environ.get(FOLDER, os.devnull), *names)


def add_option(parser: argparse.ArgumentParser, holds: str = "the data that do not ship") -> None:
    """--data, the only folder that a benchmark reads."""
    parser.add_argument("--data", type=_given, help=f"the folder that holds {holds}")
    os.environ.pop(FOLDER, None)


def _given(folder: str) -> Path:
    os.environ[FOLDER] = folder
    return Path(folder)
