"""Chunks of llama.cpp's stream as tokens, above all those that it does not send."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from codex.engines.base import ALTERNATIVES, Finished, GenerationParams
from codex.engines.llama_cpp.rows import LOWEST_LOGPROB, Chunk, Entry, Row, Vocabulary
from codex.types import Alternative, Generation, Token

PIECES = [b"", b"a", b"b", b"\xf0\x9f", b"\x90", b"\x98", b"\xf0", b"\x9f\x90", b"\x98\xf0"]
"""A vocabulary: the id of a token is its place. 3 4 5 and 6 7 5 both spell an elephant."""
END = 0
VOCABULARY = Vocabulary(size=len(PIECES), ends=frozenset({END}))


def entry(at: int, logprob: float = -1.0, spelled: bytes | None = None) -> Entry:
    return {"id": at, "bytes": list(PIECES[at] if spelled is None else spelled), "logprob": logprob}


def chunk(at: int, counted: int, spelled: bytes | None = None, top: Sequence[int] | None = None) -> Chunk:
    """As llama.cpp sends it: a token that ends a character has the bytes of the whole character."""
    likeliest = [entry(other, -1.0 - place) for place, other in enumerate(top if top is not None else [at])]
    logprobs = {"content": [{**entry(at, -1.0, spelled), "top_logprobs": likeliest}]}
    return {
        "choices": [{"index": 0, "logprobs": logprobs, "finish_reason": None}],
        "timings": {"predicted_n": counted},
    }


def last(reason: str, counted: int) -> Chunk:
    return {
        "choices": [{"index": 0, "logprobs": None, "finish_reason": reason}],
        "timings": {"predicted_n": counted},
    }


class Probe:
    """Answers each call with the next of the given distributions, and keeps the contexts asked for."""

    def __init__(self, *distributions: Sequence[int]) -> None:
        self._distributions = list(distributions)
        self.contexts: list[list[int]] = []

    def __call__(self, ids: Sequence[int], wanted: int) -> list[Entry]:
        self.contexts.append(list(ids))
        return [entry(at, -0.5 - place) for place, at in enumerate(self._distributions.pop(0))]


def row(**given: object) -> Row:
    params = GenerationParams.model_validate({"max_tokens": 20, **given})
    return Row(0, params, [100, 101], [], VOCABULARY)


def ended(it: Row) -> Generation:
    (finished,) = [news for news in it.news() if isinstance(news, Finished)]
    return finished.generation


def spelled(generation: Generation) -> list[bytes]:
    return [token.bytes for token in generation.tokens]


def test_tokens_inside_a_character_are_found_by_what_the_character_needs() -> None:
    it = row()
    it.take(chunk(1, counted=1))
    it.take(chunk(5, counted=4, spelled="🐘".encode()))  # two tokens were not sent
    assert it.paused
    assert [token.id for token in it.news() if isinstance(token, Token)] == [1]
    probe = Probe([1, 4, 3], [5, 4])  # the likeliest at each place that the character can go on with
    it.mend(probe)
    it.take(last("stop", 4))
    assert probe.contexts[0] == [100, 101, 1]
    assert spelled(ended(it)) == [b"a", b"\xf0\x9f", b"\x90", b"\x98"]


def test_what_came_after_a_split_character_is_taken_after_it() -> None:
    it = row()
    it.take(chunk(5, counted=3, spelled="🐘".encode()))
    it.take(chunk(2, counted=4))
    it.take(last("length", 4))
    assert it.reason is None
    it.mend(Probe([6], [7]))
    answer = ended(it)
    assert answer.text == "🐘b"
    assert (spelled(answer), answer.finish_reason) == ([b"\xf0", b"\x9f\x90", b"\x98", b"b"], "length")


def test_a_last_token_beyond_the_alternatives_gets_the_bytes_that_are_left() -> None:
    it = row()
    it.take(chunk(5, counted=3, spelled="🐘".encode(), top=[1, 2]))
    it.mend(Probe([3, 6], [7, 4]))
    it.take(last("stop", 3))
    answer = ended(it)
    assert spelled(answer) == [b"\xf0\x9f", b"\x90", b"\x98"]
    assert answer.tokens[-1].rank is None
    assert answer.tokens[-1].alternatives[-1] == Alternative(5, b"\x98", -1.0)


def test_an_answer_that_ends_inside_a_character_keeps_its_last_tokens() -> None:
    it = row(max_tokens=3)
    it.take(chunk(1, counted=1))
    it.take(last("length", 3))
    assert it.paused
    it.mend(Probe([1, 3], [2, 4]))
    answer = ended(it)
    assert spelled(answer) == [b"a", b"\xf0\x9f", b"\x90"]
    assert (answer.text, answer.finish_reason) == ("a\ufffd", "length")


def test_where_nothing_fits_more_of_the_vocabulary_is_asked_for() -> None:
    it = row()
    it.take(chunk(5, counted=3, spelled="🐘".encode()))
    probe = Probe([1, 2], [1, 2, 3], [4])
    it.mend(probe)
    it.take(last("stop", 3))
    assert spelled(ended(it)) == [b"\xf0\x9f", b"\x90", b"\x98"]
    assert probe.contexts[:2] == [[100, 101]] * 2


def test_a_stop_string_inside_what_was_found_ends_the_row() -> None:
    it = row(stop=["🐘"])
    it.take(chunk(1, counted=1))
    it.take(chunk(5, counted=4, spelled="🐘".encode()))
    it.take(chunk(2, counted=5))
    it.mend(Probe([3], [4]))
    answer = ended(it)
    assert (answer.text, answer.finish_reason, len(answer.tokens)) == ("a", "stop", 1)


def test_the_end_is_no_token_but_stands_among_the_alternatives() -> None:
    it = row()
    it.take(chunk(1, counted=1, top=[END, 1]))
    it.take(chunk(END, counted=2))
    it.take(last("stop", 2))
    answer = ended(it)
    assert spelled(answer) == [b"a"]
    assert [other.is_end for other in answer.tokens[0].alternatives] == [True, False]
    assert answer.tokens[0].rank == 2


@pytest.mark.parametrize("stop", [["b"], []], ids=["stop string", "length"])
def test_how_likely_the_end_was_is_kept_only_where_it_ended_the_answer(stop: list[str]) -> None:
    whole, cut = row(), row(stop=stop, max_tokens=3)
    for it, chosen in ((whole, (1, 2, END)), (cut, (1, 2, 1))):
        for counted, at in enumerate(chosen, start=1):
            sent = chunk(at, counted)
            sent["choices"][0]["logprobs"]["content"][0]["logprob"] = -0.25 if at == END else -1.0
            it.take(sent)
    assert (ended(whole).end_logprob, ended(cut).end_logprob) == (-0.25, None)


def test_a_prefix_that_ends_with_the_end_is_the_whole_answer() -> None:
    given = [Token(1, b"a", -1.0), Token(END, b"", -1.0)]
    it = Row(0, GenerationParams(max_tokens=5), [100], given, VOCABULARY)
    answer = ended(it)
    assert (answer.text, answer.finish_reason, answer.tokens) == ("a", "stop", (given[0],))
    assert answer.end_logprob == -1.0


@pytest.mark.parametrize("lowest", [-3.4e38, float("-inf")])
def test_a_probability_of_zero_has_a_finite_logarithm(lowest: float) -> None:
    token = VOCABULARY.token(entry(1, lowest), [entry(2, 0.0), entry(1, lowest)])
    assert token.logprob == token.alternatives[1].logprob == LOWEST_LOGPROB
    assert token.entropy == pytest.approx(0.0, abs=1e-9)


def test_the_chosen_token_joins_the_alternatives_when_it_is_not_among_them() -> None:
    likeliest = [entry(at % 8 + 1, -at - 1.0) for at in range(ALTERNATIVES)]
    token = VOCABULARY.token({**entry(99 % 9, -40.0), "id": 1000}, likeliest)
    assert token.rank is None
    assert len(token.alternatives) == ALTERNATIVES + 1
    assert token.alternatives[-1].id == 1000
