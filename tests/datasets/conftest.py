"""What the tests of datasets share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of one question."""
    path = tmp_path / "a.csv"
    path.write_text("question,answer\nWho?,Ann\n")
    return path
