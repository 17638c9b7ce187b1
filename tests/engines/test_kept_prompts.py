"""Which states of earlier prompts a prompt continues."""

from __future__ import annotations

import torch
from transformers import DynamicCache

from codex.engines.huggingface.cells import Cells
from codex.engines.huggingface.kept import PROMPTS, KeptPrompts


def cache_of(ids: list[int]) -> DynamicCache:
    cells = Cells()
    states = torch.tensor(ids, dtype=torch.float32).reshape(1, 1, -1, 1)
    cells.begin(states, states)
    cache = DynamicCache()
    cache.layers = [cells]
    return cache


def kept(*prompts: list[int], tokens: int = 1000, exact: int = 1000) -> KeptPrompts:
    found = KeptPrompts(tokens)
    for ids in prompts:
        found.keep(ids, cache_of(ids), exact)
    return found


def test_the_longest_beginning_is_found_without_the_last_token() -> None:
    prompts = kept([1, 2, 3, 4, 5], [1, 2, 9], [7])
    found = prompts.beginning([1, 2, 3, 4, 8, 8])
    assert found is not None
    assert found.ids == [1, 2, 3, 4]
    assert found.states[0][0].flatten().tolist() == [1, 2, 3, 4]
    whole = prompts.beginning([1, 2, 3, 4, 5])
    assert whole is not None
    assert whole.ids == [1, 2, 3, 4]
    assert prompts.beginning([8, 1]) is None


def test_only_whole_pieces_that_were_read_as_such_are_taken_where_it_must_be_exact() -> None:
    ids = list(range(20))
    assert kept(ids).beginning([*ids, 5], 6).ids == ids[:18]  # type: ignore[union-attr]
    assert kept(ids, exact=17).beginning([*ids, 5], 6).ids == ids[:12]  # type: ignore[union-attr]
    assert kept(ids, exact=5).beginning([*ids, 5], 6) is None
    assert kept(ids, exact=5).beginning([*ids, 5]).ids == ids  # type: ignore[union-attr]


def test_the_oldest_are_let_go_of() -> None:
    many = kept(*([at, at, at] for at in range(PROMPTS + 1)))
    assert many.beginning([0, 0, 0, 0]) is None
    assert many.beginning([1, 1, 1, 1]) is not None
    few = kept([1] * 6, [2] * 6, tokens=10)
    assert few.beginning([1, 1, 1]) is None
    assert few.beginning([2, 2, 2]) is not None
    assert kept([1] * 11, tokens=10).beginning([1, 1]) is None, "larger than all that is kept"


def test_a_prompt_that_goes_on_takes_the_place_of_its_beginning() -> None:
    grown = kept([1, 2], [1, 2, 3], [1, 2, 3, 4], tokens=4)
    found = grown.beginning([1, 2, 3, 4, 5])
    assert found is not None
    assert found.ids == [1, 2, 3, 4]
