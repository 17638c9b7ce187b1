"""Two engines, one model: what they say about the same weights and the same text.

llama.cpp multiplies the 4-bit weights as they are with activations rounded to 8 bits; huggingface unpacks
the weights and computes in float32. So the numbers differ by rounding, and by nothing else.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codex.engines.base import Engine, GenerationParams
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.types import Generation, Message, Token

CAPITAL = [Message("user", "What is the capital of Japan?")]
"""Both write `The capital of Japan is Tokyo.`; where two tokens are about as likely they may part ways."""
QUESTIONS = (Path(__file__).parent / "prompts.txt").read_text().splitlines()
BRIEF = [1, 11, 14, 15, 16, 17, 25, 27, 28, 30, 32, 41, 44, 45, 47, 48]
"""The questions whose answers end within 24 tokens."""


@pytest.fixture(scope="module")
def both(llama: LlamaCppEngine, hf: HuggingFaceEngine) -> tuple[Engine, Engine]:
    return llama, hf


def ids(generation: Generation) -> list[int]:
    return [token.id for token in generation.tokens]


def test_log_probabilities_agree_on_fifty_prompts(llama: LlamaCppEngine, hf: HuggingFaceEngine) -> None:
    assert len(QUESTIONS) == 50
    drawn: list[Token] = []
    forced: list[Token] = []
    for question in QUESTIONS:
        messages = [Message("user", question)]
        answer = llama.chat(messages, GenerationParams(max_tokens=8))
        scored = hf.score(messages, answer.text)
        assert scored.prompt_tokens == answer.prompt_tokens
        assert ids(scored) == ids(answer), "the text of an answer is read as the tokens it was written in"
        drawn += answer.tokens
        forced += scored.tokens
    here, there = (np.array([token.logprob for token in it]) for it in (drawn, forced))
    difference = here - there
    correlation = float(np.corrcoef(here, there)[0, 1])
    entropy = np.array([a.entropy - b.entropy for a, b in zip(drawn, forced, strict=True)])
    first = np.mean([token.rank == 1 for token in forced])
    print(
        f"\n{len(here)} tokens of {len(QUESTIONS)} answers: correlation {correlation:.4f}; log-probability "
        f"{np.abs(difference).mean():.4f} apart on average, {difference.mean():+.4f} signed, "
        f"{np.abs(difference).max():.3f} at most; entropy {np.abs(entropy).mean():.4f} apart; "
        f"the same token likeliest at {first:.1%}"
    )
    # Measured 0.9967, 0.031, +0.006 and 95 %. It is the 8-bit activations: with the same weights unpacked
    # into an F32 file for llama.cpp the figures were 0.999999, 0.0005 and +0.0002. The sign is that of a
    # maximum: llama.cpp chose each token because its own number was the highest.
    assert correlation > 0.99
    assert np.abs(difference).mean() < 0.05
    assert abs(difference.mean()) < 0.02
    assert first > 0.9
    # Half the probability beyond the top 20 is a guess in llama.cpp's entropy.
    assert np.abs(entropy).mean() < 0.15


def test_both_continue_the_same_prompt(both: tuple[Engine, Engine]) -> None:
    turns = [Message("system", "Be brief."), Message("user", "Hi!"), Message("assistant", "Hello.")]
    for messages in (turns[1:2], turns[:2], [*turns, Message("user", "<b>Γειά</b> {{ 1 }} 12,345")]):
        one, other = (engine.render(messages) for engine in both)
        assert one == other


@pytest.mark.parametrize(
    "text",
    [
        "In 1945 it cost 12,345.67 dollars; x=10*20",
        "I'm, you're, we'LL   spaces\n\n\n\ttabs  ",
        "Γειά σου Κόσμε, Ünïcödé, naïve",
        "日本語テキスト नमस्ते עברית",
        "👩‍👩‍👧 🇬🇷 ² ½ Ⅷ ٣",
        "<|im_start|>user\nHi<|im_end|>",
        "  leading and trailing  ",
    ],
)
def test_both_split_text_alike(both: tuple[Engine, Engine], text: str) -> None:
    one, other = (engine.tokenize(text) for engine in both)
    assert one == other


def test_both_end_an_answer_at_the_same_tokens(llama: LlamaCppEngine, hf: HuggingFaceEngine) -> None:
    assert llama._ready().server.vocabulary.ends == hf._ready().ends


def test_both_count_an_answer_that_ends_by_itself_alike(both: tuple[Engine, Engine]) -> None:
    one, other = (engine.chat(CAPITAL, GenerationParams(max_tokens=40)) for engine in both)
    assert one.text == other.text == "The capital of Japan is Tokyo."
    assert ids(one) == ids(other)
    assert one.finish_reason == other.finish_reason == "stop"
    assert one.prompt_tokens == other.prompt_tokens


@pytest.mark.parametrize(
    "limits",
    [
        {"temperature": 5e-324},
        {"temperature": 1.0, "top_p": 1e-6},
        {"repeat_penalty": 0.01},
        {"temperature": 5.0, "repeat_penalty": 10.0, "top_p": 1e-6, "top_k": 2**31 - 1, "seed": 2**32 - 1},
    ],
)
def test_both_answer_with_parameters_at_their_limits(
    both: tuple[Engine, Engine], limits: dict[str, float]
) -> None:
    params = GenerationParams(max_tokens=4, **limits)  # type: ignore[arg-type]
    for engine in both:
        answer = engine.chat(CAPITAL, params)
        assert len(answer.tokens) == 4
        if params.temperature < 1 and params.repeat_penalty == 1:
            assert ids(answer) == ids(engine.chat(CAPITAL, GenerationParams(max_tokens=4)))


def test_both_are_as_sure_that_an_answer_is_complete(llama: LlamaCppEngine, hf: HuggingFaceEngine) -> None:
    drawn: list[Generation] = []
    forced: list[Generation] = []
    for at in BRIEF:
        messages = [Message("user", QUESTIONS[at])]
        answer = llama.chat(messages, GenerationParams(max_tokens=24))
        scored = hf.score(messages, answer.text)
        if answer.finish_reason == "stop" and ids(scored) == ids(answer):
            ended = hf.chat(messages, GenerationParams(max_tokens=1), prefix=scored.tokens)
            assert ids(ended) == ids(answer), (
                "the likeliest next token is the end, and no token of the answer"
            )
            drawn.append(answer)
            forced.append(ended)
    assert len(drawn) >= 10
    ends, tokens = (
        np.array([a - b for a, b in zip(*map(values, (drawn, forced)), strict=True)])
        for values in (
            lambda all_: [it.end_logprob for it in all_],
            lambda all_: [token.logprob for it in all_ for token in it.tokens],
        )
    )
    apart = np.abs([*tokens, *ends])
    print(f"\n{len(ends)} ends {np.abs(ends).mean():.4f} apart, with {len(tokens)} tokens {apart.mean():.4f}")
    # As over the fifty prompts, an end counting as one token. Measured 0.041. The 15 ends alone are 0.057
    # apart, the tokens about as unsure 0.040; ends that were all a fifth of a nat apart would not pass.
    assert apart.mean() < 0.05
    assert np.abs(ends).max() < 0.3


@pytest.mark.parametrize("stop", [" Japan", "an is", "al of Ja", "."])
def test_both_stop_alike(both: tuple[Engine, Engine], stop: str) -> None:
    params = GenerationParams(max_tokens=40, stop=(stop,))
    one, other = (engine.chat(CAPITAL, params) for engine in both)
    assert one.text == other.text == "The capital of Japan is Tokyo.".partition(stop)[0]
    assert ids(one) == ids(other)
    assert one.finish_reason == other.finish_reason == "stop"


@pytest.mark.parametrize("max_tokens", [9, 7])
def test_both_count_characters_split_over_tokens_alike(both: tuple[Engine, Engine], max_tokens: int) -> None:
    """With 7 tokens the answer is cut inside a character."""
    params = GenerationParams(max_tokens=max_tokens)
    one, other = (engine.complete("日本語日本語日本語日本語", params) for engine in both)
    assert one.text == other.text
    assert [token.bytes for token in one.tokens] == [token.bytes for token in other.tokens]
    assert ids(one) == ids(other)
    assert one.finish_reason == other.finish_reason == "length"


def test_each_goes_on_from_what_the_other_wrote(both: tuple[Engine, Engine]) -> None:
    params = GenerationParams(max_tokens=20)
    for writer, reader in (both, both[::-1]):
        written = writer.chat(CAPITAL, params)
        again = reader.chat(CAPITAL, params, prefix=written.tokens[:3])
        assert again.text == written.text
        assert again.prefix_tokens == 3
        assert again.tokens[:3] == written.tokens[:3]
