"""The huggingface engine with several callers: rows join and leave, and each keeps its own numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
import torch

from codex.engines.base import Finished, seeded
from codex.engines.huggingface import passes
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.types import Generation, Message, Prompt
from tests.support.decoding import (
    CAPITAL,
    POEM,
    assert_tokens_match,
    decode,
    greedy,
    sampled,
    teacher_forced,
)

LONG = [Message("user", "Here is a list of words: " + "sea ship sail " * 30 + "Which one floats?")]


@pytest.fixture
def small(hf: HuggingFaceEngine) -> Iterator[HuggingFaceEngine]:
    """It reads prompts in pieces of 16 tokens."""
    engine = HuggingFaceEngine(hf.config.model_copy(update={"batch_size": 16}), hf._models)
    yield engine
    engine.unload()


def assert_all_match(hf: HuggingFaceEngine, prompt: Prompt, generations: Sequence[Generation]) -> None:
    for generation in generations:
        assert_tokens_match(
            generation.tokens, teacher_forced(hf, prompt, [it.id for it in generation.tokens])
        )


def test_rows_that_join_and_leave_keep_the_numbers_of_their_own_text(hf: HuggingFaceEngine) -> None:
    first = hf.decode(POEM, [greedy(60), *seeded(sampled(20), 2)])
    early = [next(first) for _ in range(3)]
    # A shorter prompt, and a longer one; both leave while the first goes on, and one comes again.
    for prompt, rows in (
        (CAPITAL, [greedy(5), sampled(9, repeat_penalty=1.3)]),
        (LONG, [greedy(4), *seeded(sampled(8, top_p=0.8), 3)]),
        (CAPITAL, [sampled(6, seed=5)]),
    ):
        streamed, generations = decode(hf, prompt, rows)
        assert [len(it.tokens) for it in generations] == [row.max_tokens for row in rows]
        assert tuple(streamed) == generations[0].tokens
        assert_all_match(hf, prompt, generations)
    rest = list(first)
    assert [it for it in rest if isinstance(it, Finished)], "it was still going on"
    assert len(early) == 3
    assert_all_match(hf, POEM, [it.generation for it in rest if isinstance(it, Finished)])


def test_sixteen_callers_at_once_get_what_each_gets_alone(hf: HuggingFaceEngine) -> None:
    prompts = [f"Count: {at} {at + 1} {at + 2}" * (1 + at % 5) for at in range(16)]
    rows = [greedy(8), *seeded(sampled(8), 2)]
    alone = [[it.text for it in decode(hf, prompt, rows)[1]] for prompt in prompts[:4]]
    got: dict[int, list[Generation]] = {}
    threads = [
        threading.Thread(target=lambda at=at: got.update({at: decode(hf, prompts[at], rows)[1]}))
        for at in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [[it.text for it in got[at]] for at in range(4)] == alone
    for at, prompt in enumerate(prompts):
        assert_all_match(hf, prompt, got[at])


def test_a_caller_that_cancels_leaves_the_others_alone(hf: HuggingFaceEngine) -> None:
    cancel = threading.Event()
    going = hf.decode(POEM, [greedy(200), sampled(200)], cancel=cancel)
    next(going)
    other = hf.decode(CAPITAL, [greedy(40)])
    next(other)
    cancel.set()
    assert [it.generation.finish_reason for it in going if isinstance(it, Finished)] == ["cancelled"] * 2
    (done,) = [it.generation for it in other if isinstance(it, Finished)]
    assert done.finish_reason in ("stop", "length")
    assert_all_match(hf, CAPITAL, [done])


def test_a_step_that_fails_is_told_to_every_caller_and_the_next_one_is_answered(
    hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [hf.decode(prompt, [greedy(500)]) for prompt in (POEM, CAPITAL)]
    for call in calls:
        next(call)
    with monkeypatch.context() as broken:
        broken.setattr("codex.engines.huggingface.batch.forward", lambda *_: 1 / 0)
        for call in calls:
            with pytest.raises(ZeroDivisionError):
                list(call)
    assert hf.complete("The capital of France is", greedy(1)).text == " Paris"


def test_a_prompt_that_begins_as_an_earlier_one_is_read_from_there_and_gives_the_same_bits(
    small: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    forward = passes.forward

    def counted(loaded: object, ids: torch.Tensor, *rest: object) -> torch.Tensor:
        read.append(ids.shape[-1])
        return forward(loaded, ids, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(passes, "forward", counted)
    rows = [greedy(3), sampled(3)]
    first = decode(small, LONG, rows)[1]
    n = first[0].prompt_tokens
    assert sum(read) == n
    read.clear()
    again = decode(small, LONG, rows)[1]
    assert sum(read) == n - (n - 1) // 16 * 16, "only what is not in whole pieces"
    read.clear()
    followed = [*LONG, Message("assistant", first[0].text), Message("user", "Why?")]
    after = decode(small, followed, rows)[1]
    assert sum(read) < after[0].prompt_tokens - 100
    small.unload()
    assert decode(small, followed, rows)[1][0].tokens == after[0].tokens
    assert [it.tokens for it in again] == [it.tokens for it in first]
