"""Hidden states and attention that a decode brings along, against a plain pass that shows everything."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from codex.engines.base import Engine, Enough, Finished, GenerationParams, Internals, seeded
from codex.engines.huggingface import internals as taking
from codex.engines.huggingface.batch import Batch
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.openai_api.engine import OpenAIEngine
from codex.errors import Cancelled, CapabilityError, InvalidInput
from codex.signals import compute
from codex.signals.attention import OWN
from codex.store.codec.observations import observation_of, observation_row
from codex.types import Generation, HiddenStates, Observation, Prompt, Token
from tests.support.decoding import CAPITAL, POEM, greedy, sampled

WANTED = Internals((1, 0.5, -2, -1), attention=True)
LAYERS = (1, 15, 29, 30)


def watched(
    hf: Engine,
    prompt: Prompt,
    rows: Sequence[GenerationParams],
    prefix: Sequence[Token] = (),
    internals: Internals = WANTED,
    enough: Enough | None = None,
) -> dict[int, Generation]:
    items = hf.decode(prompt, rows, prefix=prefix, internals=internals, enough=enough)
    return {it.row: it.generation for it in items if isinstance(it, Finished)}


def assert_true(hf: HuggingFaceEngine, prompt: Prompt, answer: Generation) -> None:
    """Its hidden states are those of one pass over the prompt and the answer, without a cache."""
    opening, model, states = hf._encode(prompt), hf._ready().model, answer.hidden_states
    assert isinstance(states, HiddenStates)
    whole = torch.tensor([[*opening, *(token.id for token in answer.tokens)]])
    with torch.inference_mode():
        shown = model(input_ids=whole, use_cache=False, output_hidden_states=True).hidden_states
    truth = np.stack([shown[layer][0, len(opening) - 1 :].numpy() for layer in states.layers])
    found = np.concatenate([states.prompt[:, None], states.answer], axis=1)
    assert found.dtype == np.float16
    assert found.shape == truth.shape == (len(states.layers), 1 + len(answer.tokens), 576)
    # Float16 rounds by up to 2^-11; float32's own rounding over 30 layers is relative to a layer's size.
    scale = np.abs(truth).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found - truth) <= 2.0**-11 * np.abs(truth) + 1e-4 * np.maximum(scale, 1)).all()


class TestHiddenStates:
    def test_an_answer_that_ended_by_itself_by_its_length_or_before_a_stop_string(
        self, hf: HuggingFaceEngine
    ) -> None:
        for params, reason in (
            (greedy(40), "stop"),
            (greedy(5), "length"),
            (sampled(1, seed=3), "length"),
            (greedy(40, stop=(" Paris",)), "stop"),
            (greedy(40, stop=("is",)), "stop"),
        ):
            answer = watched(hf, CAPITAL, [params])[0]
            assert answer.finish_reason == reason
            assert answer.hidden_states
            assert answer.hidden_states.layers == LAYERS
            assert_true(hf, CAPITAL, answer)

    def test_beside_rows_of_its_own_and_of_other_calls(self, hf: HuggingFaceEngine) -> None:
        found: dict[str, Generation] = {}

        def ask(name: str, prompt: Prompt, layers: tuple[int, ...]) -> None:
            rows = [greedy(12), *seeded(sampled(9, temperature=1.3), 3)]
            done = watched(hf, prompt, rows, internals=Internals(layers))
            assert [done[row].hidden_states for row in (1, 2, 3)] == [None] * 3
            found[name] = done[0]

        prompts = {"sea": POEM, "France": CAPITAL, "text": "Once upon a time"}
        asking = [
            threading.Thread(target=ask, args=(name, prompt, layers))
            for (name, prompt), layers in zip(prompts.items(), ((2, 30), (16,), (30, 16)), strict=True)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert found["text"].hidden_states
        assert found["text"].hidden_states.layers == (30, 16)
        for name, prompt in prompts.items():
            assert_true(hf, prompt, found[name])

    def test_a_row_is_the_same_with_and_without_them(self, hf: HuggingFaceEngine) -> None:
        rows = [sampled(9, seed=5), sampled(12, seed=6)]
        with_them = watched(hf, POEM, rows)
        without = [it.generation for it in hf.decode(POEM, rows) if isinstance(it, Finished)]
        for row, bare in enumerate(without):
            assert [it.id for it in with_them[row].tokens] == [it.id for it in bare.tokens]
            # Equal up to rounding: on some processors it depends on what is computed together.
            told = [it.logprob for it in with_them[row].tokens]
            assert told == pytest.approx([it.logprob for it in bare.tokens], abs=1e-4)
        assert (without[0].hidden_states, without[0].attention) == (None, None)

    def test_a_prompt_that_is_known_in_part_or_to_its_last_token(self, hf: HuggingFaceEngine) -> None:
        pieces = HuggingFaceEngine(hf.config.model_copy(update={"batch_size": 16}), hf._models)
        story = "The old man and the sea. " * 8
        for prompt in (story + "He", story + "He", story + "She went"):
            assert_true(hf, prompt, watched(pieces, prompt, [greedy(4)])[0])
        # A prompt whose own tokens, and some of whose answer's, an earlier one holds in whole pieces.
        answer = watched(pieces, prompt, [greedy(40)])[0]
        watched(pieces, prompt, [greedy(1)], answer.tokens)
        branch = watched(pieces, prompt, [greedy(4)], answer.tokens[:36])[0]
        assert branch.prefix_tokens == 36
        assert_true(hf, prompt, branch)
        pieces.unload()

    def test_an_answer_that_goes_on_after_a_prefix(self, hf: HuggingFaceEngine) -> None:
        original = watched(hf, POEM, [greedy(10)])[0]
        branch = watched(hf, POEM, [greedy(5)], original.tokens[:6])[0]
        assert_true(hf, POEM, branch)
        ended = watched(hf, POEM, [greedy(5, stop=(original.tokens[2].text,))], original.tokens[:6])[0]
        assert len(ended.tokens) < 6
        assert_true(hf, POEM, ended)

    def test_an_answer_whose_samples_end_when_they_are_enough(self, hf: HuggingFaceEngine) -> None:
        rows = [greedy(7), *seeded(sampled(7), 4)]
        for after in ((1, 3), (3,)):
            done = watched(hf, POEM, rows, enough=Enough(after, lambda done: True))
            assert sorted(done) == list(range(after[0]))
            assert_true(hf, POEM, done[0])

    def test_a_given_answer_that_is_longer_than_one_chunk(self, hf: HuggingFaceEngine) -> None:
        text = "Paris is the capital of France, and Berlin is that of Germany. " * 4
        scored = hf.score(CAPITAL, text, internals=WANTED)
        assert len(scored.tokens) > 40, "must not fit into one chunk of 32"
        assert_true(hf, CAPITAL, scored)
        assert hf.score(CAPITAL, text).hidden_states is None

    def test_an_answer_that_is_there_already_is_read_in_one_pass(self, hf: HuggingFaceEngine) -> None:
        answer = watched(hf, POEM, [greedy(24)])[0]
        pieces = HuggingFaceEngine(hf.config.model_copy(update={"batch_size": 16}), hf._models)
        try:
            for engine, tokens in ((hf, answer.tokens), (pieces, answer.tokens), (pieces, ())):
                states = engine.read_states(POEM, tokens, WANTED.layers)
                assert states.layers == LAYERS
                assert_true(hf, POEM, replace(answer, tokens=tokens, hidden_states=states))
        finally:
            pieces.unload()

    def test_reading_one_is_cancelled_between_pieces(self, hf: HuggingFaceEngine) -> None:
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(Cancelled):
            hf.read_states("word " * 2_000, (), (1,), cancel)

    def test_the_tokens_of_another_model_are_refused(
        self, hf: HuggingFaceEngine, llama: LlamaCppEngine
    ) -> None:
        for engine in (hf, llama):
            with pytest.raises(InvalidInput, match=r"' Rome' has the number 60000, and .* 49,152 tokens"):
                engine.read_states(CAPITAL, (Token(60_000, b" Rome", None),), (-1,))

    def test_a_cancelled_answer_has_those_of_the_tokens_that_were_read(self, hf: HuggingFaceEngine) -> None:
        cancel, answer = threading.Event(), None
        for item in hf.decode(POEM, [greedy(500)], cancel=cancel, internals=Internals((-1,))):
            cancel.set()
            answer = item.generation if isinstance(item, Finished) else None
        assert answer
        assert answer.hidden_states
        assert answer.finish_reason == "cancelled"
        assert len(answer.tokens) - answer.hidden_states.answer.shape[1] in (0, 1)

    def test_no_more_is_held_than_was_asked_for(
        self, hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held: list[int] = []
        see = taking.Watched.see

        def spy(row: taking.Watched, seen: taking.Seen) -> None:
            see(row, seen)
            alive = (it for it in gc.get_objects() if issubclass(type(it), torch.Tensor))
            held.append(sum(it.numel() for it in alive if it.dtype is torch.float16))

        monkeypatch.setattr(taking.Watched, "see", spy)
        watched(hf, POEM, [greedy(8), *seeded(sampled(8), 3)], internals=Internals((5, 9)))
        # Of the prompt's last token and of each of the eight that was read then; two layers, one row. What
        # a step computes on the way is at most as much again for a token.
        assert [(it - held[0]) // (2 * 576) for it in held] == list(range(8))
        assert held[0] <= 4 * 2 * 576

    def test_nothing_stays_in_the_model(self, hf: HuggingFaceEngine) -> None:
        hooks = [module._forward_hooks for module in hf._ready().model.modules()]
        before = [list(it) for it in hooks]
        watched(hf, CAPITAL, [greedy(3)])
        assert [list(it) for it in hooks] == before

    def test_a_layer_that_is_not_there_is_refused_before_anything_is_read(
        self, hf: HuggingFaceEngine
    ) -> None:
        for layer in (0, 31, -31, 1.5, 0.0):
            with pytest.raises(InvalidInput, match=f"There is no layer {layer}: the model has 30"):
                hf.decode(CAPITAL, [greedy(1)], internals=Internals((layer,)))
        with pytest.raises(InvalidInput, match="There is no layer 31"):
            hf.score(CAPITAL, "Paris", internals=Internals((31,)))

    def test_layers_are_counted_from_both_ends_and_by_depth(self) -> None:
        assert Internals((1, -1, 0.66, 0.01, 1.0, 16, -1)).numbered(24) == (1, 24, 16)

    def test_they_are_not_stored_with_the_answer(self, hf: HuggingFaceEngine) -> None:
        answer = hf.score(CAPITAL, "Paris", internals=WANTED)
        observation = Observation("What is the capital of France?", answer)
        row = observation_row(observation)
        assert "hidden_states" not in row["greedy"]
        kept = observation_of(row).generation
        assert kept.hidden_states is None
        assert kept == answer


@contextmanager
def eager(model: PreTrainedModel) -> Iterator[None]:
    """The model with the attention that tells all of its weights."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def looks_back(hf: HuggingFaceEngine, prompt: Prompt, answer: Generation) -> NDArray[np.float64]:
    """[layers, heads, tokens - 1] of one pass that tells all of them; see `Attention`."""
    opening, model = hf._encode(prompt), hf._ready().model
    whole = torch.tensor([[*opening, *(token.id for token in answer.tokens)]])
    with eager(model), torch.inference_mode():
        shown = model(input_ids=whole, use_cache=False, output_attentions=True).attentions
    own = np.stack([layer[0].double().diagonal(dim1=-2, dim2=-1).numpy() for layer in shown])
    return own[:, :, len(opening) : -1]


def assert_looks_back(hf: HuggingFaceEngine, prompt: Prompt, answer: Generation) -> None:
    truth, found = looks_back(hf, prompt, answer), answer.attention
    assert found
    # The authors' code takes from a third of the layers, counted from 0, to two thirds and one more.
    assert found.layers == tuple(range(11, 22))
    for layer, head, weights in zip(found.layers, found.heads, found.weights, strict=True):
        own = truth[layer - 1]
        assert weights == pytest.approx(own[head], abs=1e-4)
        assert own[head].mean() == pytest.approx(own.mean(1).max(), abs=1e-4)


class TestAttention:
    def test_it_is_what_the_eager_computation_gives(self, hf: HuggingFaceEngine) -> None:
        rows = [greedy(12), *seeded(sampled(12, temperature=1.3), 3)]
        answer = watched(hf, POEM, rows)[0]
        assert_looks_back(hf, POEM, answer)
        assert_looks_back(hf, POEM, watched(hf, POEM, [greedy(6)], answer.tokens[:5])[0])
        assert_looks_back(hf, CAPITAL, hf.score(CAPITAL, "Paris is the capital. " * 12, internals=WANTED))

    def test_beside_a_longer_row_whose_cells_it_has_not(self, hf: HuggingFaceEngine) -> None:
        short, found = "Once upon a time", []
        for item in hf.decode("A long prompt. " * 20, [greedy(60)]):
            if not found and isinstance(item, Token):
                found.append(watched(hf, short, [greedy(12)])[0])
        assert_looks_back(hf, short, found[0])
        assert_true(hf, short, found[0])

    def test_rauq_is_what_the_eager_computation_gives(self, hf: HuggingFaceEngine) -> None:
        answer = watched(hf, CAPITAL, [greedy(40)])[0]
        back, logprobs = looks_back(hf, CAPITAL, answer), [token.logprob or 0.0 for token in answer.tokens]
        uncertainty = []
        for layer in range(10, 21):
            weights = back[layer][back[layer].mean(1).argmax()]
            confidences = [np.exp(logprobs[0])]
            for logprob, weight in zip(logprobs[1:], weights, strict=True):
                confidences.append(OWN * np.exp(logprob) + (1 - OWN) * weight * confidences[-1])
            uncertainty.append(-np.log(confidences).mean())
        found = compute(Observation("What is the capital of France?", answer))
        assert found["rauq"] == pytest.approx(max(uncertainty), abs=1e-3)
        assert found["rauq_focus"] is not None
        without = hf.score(CAPITAL, answer.text)
        assert compute(Observation("", without))["rauq"] is None

    def test_one_token_has_none_before_it(self, hf: HuggingFaceEngine) -> None:
        answer = watched(hf, CAPITAL, [greedy(1)])[0]
        assert answer.attention
        assert answer.attention.weights == ((),) * 11
        (token,) = answer.tokens
        assert compute(Observation("", answer))["rauq"] == pytest.approx(-token.logprob)  # type: ignore[operator]

    def test_a_model_whose_attention_is_not_pytorchs_has_none(self, hf: HuggingFaceEngine) -> None:
        with eager(hf._ready().model):
            answer = watched(hf, CAPITAL, [greedy(3)])[0]
        assert answer.attention is None
        assert_true(hf, CAPITAL, answer)

    def test_alone_it_takes_no_step_more(
        self, hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps: list[int] = []
        step = Batch.step

        def counted(batch: Batch) -> None:
            steps.append(1)
            step(batch)

        monkeypatch.setattr(Batch, "step", counted)
        for wanted, expected in ((None, 7), (Internals(attention=True), 7), (WANTED, 8)):
            steps.clear()
            assert list(hf.decode(POEM, [sampled(8)], internals=wanted))
            assert len(steps) == expected

    def test_it_is_stored_with_the_answer(self, hf: HuggingFaceEngine) -> None:
        answer = watched(hf, CAPITAL, [greedy(3)])[0]
        kept = observation_of(observation_row(Observation("", answer))).generation
        assert kept.attention == answer.attention


def test_an_engine_that_shows_nothing_says_so(served: OpenAIEngine) -> None:
    assert served.capabilities.hidden_states == "none"
    for ask in (
        lambda: served.decode(CAPITAL, [greedy(1)], internals=WANTED),
        lambda: served.score(CAPITAL, "Paris", internals=WANTED),
        lambda: served.read_states(CAPITAL, (), (-1,)),
    ):
        with pytest.raises(CapabilityError, match=r"shows (neither|no) hidden states"):
            ask()


class TestLlamaCpp:
    LAST = Internals((-1,))

    def test_the_last_layers_states_are_those_of_transformers(
        self, llama: LlamaCppEngine, hf: HuggingFaceEngine
    ) -> None:
        rows = [greedy(40), *seeded(sampled(8), 3)]
        done = watched(llama, CAPITAL, rows, internals=self.LAST)
        plain = {it.row: it.generation for it in llama.decode(CAPITAL, rows) if isinstance(it, Finished)}
        assert done[0].tokens == plain[0].tokens
        assert [done[row].hidden_states for row in (1, 2, 3)] == [None] * 3
        branch = watched(llama, CAPITAL, [greedy(4)], done[0].tokens[:3], self.LAST)[0]
        scored = llama.score(CAPITAL, "Paris is the capital.", internals=self.LAST)
        read = replace(scored, hidden_states=llama.read_states(CAPITAL, scored.tokens, (-1,)))
        for answer in (done[0], branch, scored, read):
            own, other = (
                answer.hidden_states,
                hf.score(CAPITAL, answer.text, internals=self.LAST).hidden_states,
            )
            assert own
            assert other
            assert own.layers == other.layers == (30,)
            assert own.answer.shape == other.answer.shape
            pairs = zip([own.prompt[0], *own.answer[0]], [other.prompt[0], *other.answer[0]], strict=True)
            for ours, theirs in pairs:
                ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
                # The same 4-bit weights, but llama.cpp rounds what goes into a product to 8 bits too.
                assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.99

    @pytest.mark.parametrize("internals", [Internals((1,)), Internals((0.5,)), WANTED])
    def test_other_layers_and_attention_are_refused(
        self, llama: LlamaCppEngine, internals: Internals
    ) -> None:
        assert llama.capabilities.hidden_states == "last layer"
        assert not llama.capabilities.attention
        with pytest.raises(CapabilityError, match="last layer alone"):
            llama.decode(CAPITAL, [greedy(1)], internals=internals)
        with pytest.raises(InvalidInput, match="There is no layer 31"):
            llama.score(CAPITAL, "Paris", internals=Internals((31,)))

    def test_more_tokens_than_it_shows_at_once_are_refused_before_the_answer(
        self, llama: LlamaCppEngine
    ) -> None:
        with pytest.raises(CapabilityError, match="up to 512 tokens"):
            llama.decode(CAPITAL, [greedy(500)], internals=self.LAST)
        with pytest.raises(CapabilityError, match="up to 512 tokens"):
            llama.score(CAPITAL, "word " * 600, internals=self.LAST)
        with pytest.raises(CapabilityError, match="up to 512 tokens"):
            llama.read_states("word " * 600, (), (-1,))

    def test_a_cancelled_reading_gives_nothing(self, llama: LlamaCppEngine) -> None:
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(Cancelled):
            llama.read_states(CAPITAL, (), (-1,), cancel)
