"""One order out of two rankings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.retrieval.fusion import LEXICAL_WEIGHT, prominence, reciprocal_ranks

RANKINGS = st.lists(st.tuples(st.integers(0, 30), st.floats(1e-6, 40)), unique_by=lambda hit: hit[0]).map(
    lambda hits: sorted(hits, key=lambda hit: -hit[1])
)


def test_ranks_are_summed_as_written() -> None:
    fused = reciprocal_ranks([(1, 0.9), (2, 0.8)], [(2, 4.0), (3, 3.0)])
    lexical = LEXICAL_WEIGHT + 0.25
    assert fused == pytest.approx({1: 1.0, 2: 1 / 2 + lexical, 3: lexical / 2})


def test_the_dense_order_stands_where_no_word_matches() -> None:
    dense = [(5, 0.9), (3, 0.8), (4, 0.7)]
    fused = reciprocal_ranks(dense, [])
    assert sorted(fused, key=lambda item: -fused[item]) == [5, 3, 4]


def test_a_word_that_one_passage_alone_holds_decides() -> None:
    fused = reciprocal_ranks([(1, 0.4), (2, 0.39)], [(9, 7.0)])
    assert max(fused, key=lambda item: fused[item]) == 9


@given(RANKINGS, RANKINGS)
def test_only_the_order_counts_and_how_far_the_first_word_match_stands_out(
    dense: list[tuple[int, float]], lexical: list[tuple[int, float]]
) -> None:
    fused = reciprocal_ranks(dense, lexical)
    assert fused.keys() == {item for item, _ in [*dense, *lexical]}
    rescaled = reciprocal_ranks(
        [(item, score * 0.1 - 3) for item, score in dense], [(item, 7 * score) for item, score in lexical]
    )
    assert fused == pytest.approx(rescaled)
    assert 0 <= prominence(lexical) <= 1
