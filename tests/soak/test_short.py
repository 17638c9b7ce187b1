"""The campaign in its shortest form, so that it cannot rot."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import SHORT, run


@pytest.mark.parametrize("part", SHORT)
def test_a_part_reaches_what_is_wanted(part: str) -> None:
    missed = [line for line in run(part, short=True) if not line.reached]
    assert missed == []
