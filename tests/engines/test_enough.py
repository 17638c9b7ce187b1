"""A decode that ends where its rows are enough, on the models and over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from codex.engines.base import Engine, Enough, Finished, seeded
from codex.types import Generation
from tests.support.decoding import POEM, decode, greedy, sampled

ROWS = [greedy(4), *seeded(sampled(4), 6)]


@pytest.fixture(params=["llama", "hf", "served"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_rows_are_decoded_in_groups_until_they_are_enough(engine: Engine) -> None:
    asked: list[int] = []

    def is_reached(done: Sequence[Generation]) -> bool:
        asked.append(len(done))
        return len(done) == 5

    items = list(engine.decode(POEM, ROWS, enough=Enough((3, 5), is_reached)))
    done = {it.row: it.generation for it in items if isinstance(it, Finished)}
    assert asked == [3, 5]
    assert sorted(done) == [0, 1, 2, 3, 4]
    # The same seeds say the same, which no two samples do by chance; but another size of batch rounds
    # otherwise, which may turn some of them.
    whole = decode(engine, POEM, ROWS)[1]
    assert done[0].text == whole[0].text
    assert any(done[at].text == whole[at].text for at in range(1, 5))


def test_every_row_is_decoded_where_they_never_are(engine: Engine) -> None:
    items = list(engine.decode(POEM, ROWS, enough=Enough((1, 3, 7, 9), lambda done: False)))
    assert sorted(it.row for it in items if isinstance(it, Finished)) == [*range(7)]


def test_cancelled_meanwhile_the_others_are_told_cancelled(engine: Engine) -> None:
    cancel = threading.Event()

    def is_reached(done: Sequence[Generation]) -> bool:
        cancel.set()
        return False

    items = list(engine.decode(POEM, ROWS, cancel=cancel, enough=Enough((3,), is_reached)))
    reasons = {it.row: it.generation.finish_reason for it in items if isinstance(it, Finished)}
    assert [reasons[row] == "cancelled" for row in range(7)] == [False] * 3 + [True] * 4
