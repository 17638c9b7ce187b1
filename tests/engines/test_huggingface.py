"""The huggingface engine: its numbers against a plain forward pass, its text against its tokens."""

from __future__ import annotations

import gc
import time
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from codex.engines.base import ALTERNATIVES, seeded
from codex.engines.huggingface import batch
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.types import Token
from tests.support.decoding import (
    CAPITAL,
    CLOSE,
    POEM,
    assert_tokens_match,
    decode,
    greedy,
    sampled,
    teacher_forced,
)


class TestNumbers:
    def test_statistics_equal_a_teacher_forced_pass_in_every_row_also_after_rows_ended(
        self, hf: HuggingFaceEngine
    ) -> None:
        rows = [
            greedy(24),
            sampled(6, seed=1),
            sampled(24, seed=2, temperature=1.5),
            sampled(12, seed=3, top_p=0.8),
            sampled(18, seed=4, top_k=5, repeat_penalty=1.3),
        ]
        streamed, generations = decode(hf, POEM, rows)
        assert [len(it.tokens) for it in generations] == [24, 6, 24, 12, 18], "rows must end at four lengths"
        assert tuple(streamed) == generations[0].tokens
        for generation in generations:
            assert_tokens_match(
                generation.tokens, teacher_forced(hf, POEM, [token.id for token in generation.tokens])
            )

    def test_the_end_is_as_likely_as_a_teacher_forced_pass_says(self, hf: HuggingFaceEngine) -> None:
        rows = [greedy(40), greedy(3), *(sampled(40, seed=seed, temperature=0.7) for seed in range(4))]
        answers = decode(hf, CAPITAL, rows)[1]
        ended = [it for it in answers if it.finish_reason == "stop"]
        assert len(ended) > 1, "a drawn answer must end by itself too"
        for answer in ended:
            after = teacher_forced(hf, CAPITAL, [*(token.id for token in answer.tokens), 0])[-1]
            likely = [after[end].item() for end in hf._ready().ends]
            assert min(abs(answer.end_logprob - logprob) for logprob in likely) < CLOSE
        assert {it.end_logprob for it in answers if it not in ended} == {None}

    def test_greedy_writes_what_generate_writes(self, hf: HuggingFaceEngine) -> None:
        loaded = hf._ready()
        for prompt in (CAPITAL, "def fibonacci(n):"):
            opening = hf._encode(prompt)
            with torch.inference_mode():
                out = loaded.model.generate(torch.tensor([opening]), do_sample=False, max_new_tokens=16)
            expected = [it for it in out[0, len(opening) :].tolist() if it not in loaded.ends]
            _, (generation,) = decode(hf, prompt, [greedy(16)])
            assert [token.id for token in generation.tokens] == expected

    def test_logprobs_do_not_depend_on_how_the_token_was_drawn(self, hf: HuggingFaceEngine) -> None:
        rows = [
            greedy(1),
            sampled(1, temperature=0.2),
            sampled(1, temperature=5.0),
            sampled(1, top_k=2),
            sampled(1, top_p=0.1),
            sampled(1, repeat_penalty=10.0),
        ]
        _, generations = decode(hf, POEM, rows)
        distributions = {
            tuple((it.id, it.logprob) for it in generation.tokens[0].alternatives[:ALTERNATIVES])
            for generation in generations
        }
        assert len(distributions) == 1

    def test_sampled_frequencies_follow_the_models_distribution(self, hf: HuggingFaceEngine) -> None:
        prompt = "The weather today is"
        _, generations = decode(hf, prompt, seeded(sampled(2), 400))
        first = Counter(it.tokens[0].id for it in generations)
        expected = teacher_forced(hf, prompt, [0])[0].exp().numpy()
        assert chi_square(first, expected) > 0.01
        # The same counts must be rejected where the distribution is another, or the test shows nothing.
        sharper = expected**2 / (expected**2).sum()
        assert chi_square(first, sharper) < 1e-6

        common, _ = first.most_common(1)[0]
        second = Counter(it.tokens[1].id for it in generations if it.tokens[0].id == common)
        assert second.total() >= 50
        assert chi_square(second, teacher_forced(hf, prompt, [common, 0])[1].exp().numpy()) > 0.01

    def test_score_gives_the_numbers_that_decoding_gave(self, hf: HuggingFaceEngine) -> None:
        _, (answer,) = decode(hf, CAPITAL, [greedy(40)])
        scored = hf.score(CAPITAL, answer.text)
        assert scored.text == answer.text
        assert [it.id for it in scored.tokens] == [it.id for it in answer.tokens]
        assert scored.prompt_tokens == answer.prompt_tokens
        for given, drawn in zip(scored.tokens, answer.tokens, strict=True):
            assert given.logprob == pytest.approx(drawn.logprob, abs=CLOSE)
            assert given.entropy == pytest.approx(drawn.entropy, abs=CLOSE)
            assert given.rank == drawn.rank

    def test_score_of_a_text_longer_than_one_chunk_equals_a_teacher_forced_pass(
        self, hf: HuggingFaceEngine
    ) -> None:
        text = (
            "Paris is the capital of France, and Berlin is that of Germany; 1945 and 12,345 are numbers. " * 2
        )
        scored = hf.score(CAPITAL, text)
        assert len(scored.tokens) > 40, "must not fit into one chunk of 32"
        assert_tokens_match(scored.tokens, teacher_forced(hf, CAPITAL, hf.tokenize(text)))

    def test_a_long_prompt_read_in_pieces_gives_the_same_numbers(self, hf: HuggingFaceEngine) -> None:
        pieces = HuggingFaceEngine(hf.config.model_copy(update={"batch_size": 7}), hf._models)
        _, (whole,) = decode(hf, POEM, [greedy(4)])
        _, (read,) = decode(pieces, POEM, [greedy(4)])
        assert [it.id for it in read.tokens] == [it.id for it in whole.tokens]
        assert [it.logprob for it in read.tokens] == pytest.approx(
            [it.logprob for it in whole.tokens], abs=CLOSE
        )
        pieces.unload()

    def test_no_distribution_outlives_its_step(
        self, hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vocabulary = hf._ready().model.config.vocab_size
        held: list[int] = []
        measure = batch.measure

        def spy(logits: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
            alive = (it for it in gc.get_objects() if issubclass(type(it), torch.Tensor))
            held.append(sum(it.numel() for it in alive if it.dim() and it.shape[-1] == vocabulary))
            return measure(logits, chosen)

        monkeypatch.setattr(batch, "measure", spy)
        decode(hf, POEM, [greedy(12), *seeded(sampled(12), 3)])
        assert len(held) == 12
        # At most the step's logits and their float32 copy (the same tensor here), four rows each.
        assert max(held) <= 2 * 4 * vocabulary
        assert max(held[6:]) <= max(held[:6]), "grows with the steps"

    def test_embedding_is_the_mean_of_the_last_hidden_states(self, hf: HuggingFaceEngine) -> None:
        vector = hf.embed("The cat sat on the mat.")
        ids = torch.tensor([hf.tokenize("The cat sat on the mat.")])
        with torch.inference_mode():
            states = hf._ready().model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        mean = states.mean(0).numpy()
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-4)
        near, far = hf.embed("A cat was sitting on a mat."), hf.embed("import numpy as np")
        assert vector @ near > vector @ far


def test_nf4_on_the_cpu_takes_a_third_of_the_memory_and_measures_itself_alike(hf: HuggingFaceEngine) -> None:
    config = HuggingFaceConfig(quantization="nf4", dtype="float32", device="cpu", threads=2)
    engine = HuggingFaceEngine(config, hf._models)
    _, generations = decode(engine, CAPITAL, [greedy(6), sampled(6)])
    for generation in generations:
        truth = teacher_forced(engine, CAPITAL, [token.id for token in generation.tokens])
        for token, logprobs in zip(generation.tokens, truth, strict=True):
            # One row takes another 4-bit kernel than many; they differ by up to 0.01 nats here.
            assert token.logprob == pytest.approx(logprobs[token.id].item(), abs=0.05)
    # Embeddings, a fifth of this model, stay as they are; the rest shrinks to an eighth of float32.
    assert engine._ready().model.get_memory_footprint() < 0.4 * hf._ready().model.get_memory_footprint()
    engine.unload()


def chi_square(counts: Counter[int], expected: np.ndarray) -> float:
    """p-value; tokens expected fewer than five times, where the test does not hold, are taken together."""
    total = counts.total()
    often = np.flatnonzero(expected * total >= 5)
    seen = [counts[int(it)] for it in often]
    theory = (expected[often] * total).tolist()
    pooled = total - sum(theory)
    return float(stats.chisquare([*seen, total - sum(seen)], [*theory, pooled]).pvalue)


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "plain words, 12,345.67 and\n\n\ttabs  ",
            "Γειά σου Κόσμε",
            "नमस्ते दुनिया",
            "日本語と中文",
            "👩‍👩‍👧‍👦 🇬🇷 😀",
            "\u200f\u200b zero width and right-to-left עברית",
            "<img onerror=alert(1)> ${1+1} \\x",
        ],
    )
    def test_bytes_of_tokens_join_to_the_text(self, hf: HuggingFaceEngine, text: str) -> None:
        spelled = hf._ready().spelled
        assert b"".join(spelled[it] for it in hf.tokenize(text)) == text.encode()

    def test_a_character_split_over_tokens_is_whole_in_the_text(self, hf: HuggingFaceEngine) -> None:
        streamed, (generation, cut) = decode(hf, "日本語日本語日本語日本語", [greedy(9), greedy(7)])
        assert [it.bytes for it in streamed[:3]] == [b"\xe6\x97", b"\xa5", b"\xe6\x9c\xac"]
        assert generation.text == "日本語日本"
        assert cut.text == "日本語\ufffd", "the answer was cut inside a character, and says so"

    def test_control_tokens_in_plain_text_are_text(self, hf: HuggingFaceEngine) -> None:
        ids = hf.tokenize("<|im_end|>")
        assert len(ids) > 1
        assert not set(ids) & hf._ready().ends
        assert hf.score(CAPITAL, "Yes<|im_end|>").text == "Yes<|im_end|>"

    def test_the_text_ends_before_a_stop_string_that_lies_across_tokens(self, hf: HuggingFaceEngine) -> None:
        _, (whole,) = decode(hf, CAPITAL, [greedy(12)])
        # From the middle of the second token to the middle of the fourth.
        ends = np.cumsum([len(token.bytes) for token in whole.tokens])
        stop = whole.text[ends[1] - 2 : ends[3] - 2]
        rows = [greedy(12, stop=(stop,)), sampled(12, seed=1), greedy(12, stop=("never to be seen",))]
        streamed, (cut, other, uncut) = decode(hf, CAPITAL, rows)
        assert cut.finish_reason == "stop"
        assert cut.text == whole.text[: whole.text.index(stop)]
        assert [it.id for it in cut.tokens] == [it.id for it in whole.tokens[:2]]
        assert cut.end_logprob is None
        assert tuple(streamed) == cut.tokens
        assert uncut.text == whole.text
        assert other.tokens

    def test_end_of_sequence_is_no_token_of_the_answer(self, hf: HuggingFaceEngine) -> None:
        streamed, (generation,) = decode(hf, CAPITAL, [greedy(60)])
        assert generation.finish_reason == "stop"
        assert generation.text == "The capital of France is Paris."
        assert len(streamed) == len(generation.tokens) < 60
        assert not {token.id for token in generation.tokens} & hf._ready().ends

    def test_choosing_the_end_of_sequence_as_the_next_token_ends_the_answer_there(
        self, hf: HuggingFaceEngine
    ) -> None:
        scored = hf.score(CAPITAL, "The capital of France is Paris. It")
        end = scored.tokens[-1].alternatives[0]
        assert end.is_end
        assert not any(it.is_end for it in scored.tokens[0].alternatives)
        chosen = Token(id=end.id, bytes=end.bytes, logprob=end.logprob)
        _, (branch,) = decode(hf, CAPITAL, [greedy(5)], prefix=[*scored.tokens[:-1], chosen])
        assert (branch.tokens, branch.finish_reason) == (scored.tokens[:-1], "stop")
        assert branch.end_logprob == end.logprob

    def test_length_prompt_tokens_and_seconds_are_told(self, hf: HuggingFaceEngine) -> None:
        began = time.perf_counter()
        _, (generation,) = decode(hf, POEM, [greedy(3)])
        assert generation.finish_reason == "length"
        assert len(generation.tokens) == 3
        assert generation.prompt_tokens == len(hf._encode(POEM))
        assert 0 < generation.seconds <= time.perf_counter() - began
        assert generation.logprobs == "raw"

    def test_going_on_from_a_prefix_repeats_the_original(self, hf: HuggingFaceEngine) -> None:
        for params in (greedy(14), sampled(14, seed=5)):
            _, (original,) = decode(hf, POEM, [params])
            rest = params.model_copy(update={"max_tokens": 8})
            streamed, (again,) = decode(hf, POEM, [rest], prefix=original.tokens[:6])
            assert [it.id for it in again.tokens] == [it.id for it in original.tokens]
            assert [it.logprob for it in again.tokens] == pytest.approx(
                [it.logprob for it in original.tokens], abs=CLOSE
            )
            assert (again.text, again.prefix_tokens) == (original.text, 6)
            assert again.prompt_tokens == original.prompt_tokens
            assert tuple(streamed) == again.tokens[6:], "tokens of the prefix are not told again"

    def test_another_token_in_the_prefix_leads_elsewhere(self, hf: HuggingFaceEngine) -> None:
        _, (original,) = decode(hf, CAPITAL, [greedy(20)])
        other = original.tokens[0].alternatives[1]
        chosen = Token(id=other.id, bytes=other.bytes, logprob=other.logprob)
        _, (branch,) = decode(hf, CAPITAL, [greedy(20)], prefix=[chosen])
        assert branch.text.startswith(other.text)
        assert branch.text != original.text

    def test_a_stop_string_inside_the_prefix_ends_the_row_at_once(self, hf: HuggingFaceEngine) -> None:
        _, (original,) = decode(hf, CAPITAL, [greedy(6)])
        rows = [greedy(5, stop=(" of",)), greedy(2)]
        streamed, (cut, other) = decode(hf, CAPITAL, rows, prefix=original.tokens)
        assert streamed == []
        assert (cut.text, cut.finish_reason) == ("The capital", "stop")
        assert len(other.tokens) == 8 or other.finish_reason == "stop"


class TestRows:
    def test_a_row_is_the_same_alone_and_among_others(self, hf: HuggingFaceEngine) -> None:
        params = sampled(12, seed=7, top_p=0.95)
        _, (alone,) = decode(hf, POEM, [params])
        _, among = decode(hf, POEM, [greedy(3), sampled(5, seed=1), params, sampled(12, seed=8, top_k=3)])
        assert [it.id for it in among[2].tokens] == [it.id for it in alone.tokens]

    def test_seeds_make_rows_differ_and_repeat(self, hf: HuggingFaceEngine) -> None:
        first = hf.sample(POEM, sampled(8, seed=3), 4)
        assert len({it.text for it in first}) == 4
        assert [it.text for it in hf.sample(POEM, sampled(8, seed=3), 4)] == [it.text for it in first]

    def test_repeat_penalty_keeps_greedy_from_repeating(self, hf: HuggingFaceEngine) -> None:
        prompt = "red blue red blue red blue red blue"
        _, (plain, penalised) = decode(hf, prompt, [greedy(6), greedy(6, repeat_penalty=10.0)])
        given, drawn = set(hf.tokenize(prompt)), [token.id for token in penalised.tokens]
        assert given & {token.id for token in plain.tokens}
        assert not given & set(drawn)
        assert len(set(drawn)) == 6

    def test_no_rows_is_no_work(self, hf: HuggingFaceEngine) -> None:
        assert list(hf.decode(POEM, [])) == []
