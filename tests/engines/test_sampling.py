"""Drawing tokens: the frequencies against Transformers' own processors, at fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from codex.engines.base import GenerationParams, seeded
from codex.engines.huggingface.sampling import Draw

CPU = torch.device("cpu")
CONTEXT = [3, 5, 8]


def draw_for(rows: list[GenerationParams], vocabulary: int, first: int = 0) -> Draw:
    return Draw(rows, CONTEXT, first, vocabulary, CPU)


def logits_of(vocabulary: int, spread: float = 2.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(0, spread, (1, vocabulary))).float()


def processed(logits: torch.Tensor, params: GenerationParams) -> torch.Tensor:
    """The distribution that Transformers would draw from."""
    chain = LogitsProcessorList()
    if params.repeat_penalty != 1:
        chain.append(RepetitionPenaltyLogitsProcessor(params.repeat_penalty))
    chain.append(TemperatureLogitsWarper(params.temperature))
    if params.top_k:
        chain.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        chain.append(TopPLogitsWarper(params.top_p))
    return chain(torch.tensor([CONTEXT]), logits.clone()).softmax(-1)[0]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 3.0},
        {"top_k": 5},
        {"top_p": 0.7},
        {"top_k": 20, "top_p": 0.5, "temperature": 1.5},
        {"repeat_penalty": 2.0},
        {"repeat_penalty": 0.7, "top_p": 0.9},
        {"top_k": 1},
        {"top_p": 1e-6},
    ],
)
def test_frequencies_are_those_of_transformers(given: dict[str, float]) -> None:
    params = GenerationParams.model_validate({"temperature": 1.0, "max_tokens": 1, **given})
    logits, rows = logits_of(60), 8000
    drawn = draw_for(seeded(params, rows), 60)(logits.expand(rows, -1))
    counts = np.bincount(drawn.numpy(), minlength=60)
    expected = processed(logits, params).double().numpy() * rows
    assert not counts[expected == 0].any(), "drew a token that the filters exclude"
    often = expected >= 5
    if often.sum() > 1:
        seen = np.append(counts[often], counts[~often].sum())
        theory = np.append(expected[often], expected[~often].sum())
        kept = theory > 0
        # Ten cases at one seed each; 0.001 lets a right one fail in one of a hundred choices of seeds.
        assert stats.chisquare(seen[kept], theory[kept] * rows / theory.sum()).pvalue > 0.001


@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("top_k", [0, 3, 300, 4000, 100_000])
@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_a_nucleus_of_any_size_is_found(top_p: float, top_k: int, spread: float) -> None:
    params = GenerationParams(temperature=1.0, top_p=top_p, top_k=top_k)
    logits = logits_of(6000, spread)
    weights = (logits - logits.amax()).exp()
    floor = draw_for([params], 6000)._floor(weights)
    kept = (weights >= floor).sum().item()
    expected = (processed(logits, params) > 0).sum().item()
    # The mass up to a token is summed in another order, so the last one may fall on either side.
    assert abs(kept - expected) <= 1 + expected // 1000


def test_tokens_of_equal_weight_at_the_edge_are_kept_together() -> None:
    logits = torch.tensor([[2.0, 1.0, 1.0, 1.0, -9.0]])
    rows = seeded(GenerationParams(temperature=1.0, top_k=2, max_tokens=1), 200)
    drawn = draw_for(rows, 5)(logits.expand(200, -1))
    assert set(drawn.tolist()) == {0, 1, 2, 3}


def test_temperature_zero_takes_the_likeliest_whatever_the_seed() -> None:
    rows = seeded(GenerationParams(temperature=0.0, max_tokens=1), 20)
    logits = logits_of(60)
    assert set(draw_for(rows, 60)(logits.expand(20, -1)).tolist()) == {logits.argmax().item()}


@pytest.mark.parametrize("coldest", [5e-324, 1e-6])
def test_the_lowest_temperatures_take_the_likeliest(coldest: float) -> None:
    logits = logits_of(60)
    assert draw_for([GenerationParams(temperature=coldest)], 60)(logits).item() == logits.argmax().item()


def test_rows_of_one_batch_keep_to_their_own_parameters() -> None:
    rows = [
        GenerationParams(temperature=0.0),
        GenerationParams(temperature=5.0, seed=1),
        GenerationParams(temperature=1.0, top_k=1, seed=2),
        GenerationParams(temperature=0.0, repeat_penalty=10.0),
    ]
    logits = logits_of(60)
    logits[0, CONTEXT] += 20
    together = draw_for(rows, 60)(logits.expand(4, -1)).tolist()
    alone = [draw_for([row], 60)(logits).item() for row in rows]
    assert together == alone
    assert together[0] == together[2] == logits.argmax().item()
    assert together[3] not in CONTEXT


def test_a_row_goes_on_with_its_own_numbers_after_others_are_dropped() -> None:
    rows = seeded(GenerationParams(temperature=1.0, repeat_penalty=1.2), 5)
    logits = [logits_of(60) * (1 + step / 10) for step in range(6)]
    whole, some = draw_for(rows, 60), draw_for(rows, 60)
    expected, got = [], []
    for step in range(6):
        if step == 3:
            some.keep(torch.tensor([1, 4]), [1, 4])
        expected.append(whole(logits[step].expand(5, -1))[[1, 4]].tolist())
        drawn = some(logits[step].expand(5 if step < 3 else 2, -1))
        got.append((drawn[[1, 4]] if step < 3 else drawn).tolist())
    assert got == expected


def test_the_number_drawn_belongs_to_the_position_in_the_answer() -> None:
    params = GenerationParams(temperature=1.0, seed=9)
    logits = logits_of(60)
    whole, later = draw_for([params], 60), draw_for([params], 60, first=4)
    assert [whole(logits).item() for step in range(8)][4:] == [later(logits).item() for step in range(4)]


def test_a_token_of_probability_zero_is_never_drawn() -> None:
    logits = torch.full((1, 8), -torch.inf)
    logits[0, [0, 3, 4]] = torch.tensor([1.0, 1.0, 1.0])
    rows = seeded(GenerationParams(temperature=1.0, max_tokens=1), 500)
    assert set(draw_for(rows, 8)(logits.expand(500, -1)).tolist()) == {0, 3, 4}
