"""Hidden states in a file beside the database: kept as they were, gone with their run, never in the way."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from codex.errors import StoreError
from codex.store.evaluation.states import Kept, KeptStates

VECTORS = np.linspace(-1, 1, 24, dtype=np.float16).reshape(3, 2, 4)


@pytest.fixture
def states(tmp_path: Path) -> KeptStates:
    return KeptStates(tmp_path / "codex.duckdb", keeps=True)


def test_they_are_read_as_they_were_kept(states: KeptStates) -> None:
    assert states.read("run", "q", "layers") is None
    states.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    read = states.read("run", "q", "layers")
    assert read is not None
    assert read.layers == (2, 30)
    assert read.vectors.dtype == np.float16
    np.testing.assert_array_equal(read.vectors, VECTORS)
    assert states.read("run", "q", "other layers") is None
    assert states.read("run", "other", "layers") is None
    assert states.size > VECTORS.nbytes


def test_those_of_another_answer_take_their_place(states: KeptStates) -> None:
    states.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    states.keep("run", "q", "layers", Kept((2, 30), -VECTORS))
    read = states.read("run", "q", "layers")
    assert read is not None
    np.testing.assert_array_equal(read.vectors, -VECTORS)


def test_those_of_a_run_are_deleted_to_their_last_byte(states: KeptStates) -> None:
    for number in range(50):
        states.keep("run", str(number), "layers", Kept((1,), np.full((3, 1, 100), 1.5, np.float16)))
    states.keep("other", "q", "layers", Kept((2, 30), VECTORS))
    before = states.size
    states.forget("run")
    assert states.read("run", "0", "layers") is None
    assert states.read("other", "q", "layers") is not None
    assert states.size < before / 2
    assert np.full(20, 1.5, np.float16).tobytes() not in states.path.read_bytes()


def test_nothing_is_kept_or_read_where_it_is_off(states: KeptStates, tmp_path: Path) -> None:
    off = KeptStates(tmp_path / "codex.duckdb", keeps=False)
    off.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    assert (off.size, off.path.exists()) == (0, False)
    states.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    assert off.read("run", "q", "layers") is None
    off.forget("run")  # What was kept before it was switched off goes with its run all the same.
    assert states.read("run", "q", "layers") is None


def test_the_file_is_its_owners_alone(states: KeptStates) -> None:
    states.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    assert stat.S_IMODE(states.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"not a database, but text of some length" * 100, b"\0" * 4096])
def test_a_damaged_file_is_an_error_that_says_what_to_do(states: KeptStates, damage: bytes) -> None:
    states.keep("run", "q", "layers", Kept((2, 30), VECTORS))
    states.path.write_bytes(damage)
    with pytest.raises(StoreError, match="delete it: what it holds can be read from the model again"):
        states.read("run", "q", "layers")
