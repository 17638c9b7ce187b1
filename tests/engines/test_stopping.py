"""Where an answer ends: the rule of StopFilter, for any way its bytes fall into tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.engines.stopping import StopFilter
from codex.types import Token

# Few letters, so that stop strings begin, fail and overlap often; é and 🐘 have two and four bytes.
LETTERS = st.sampled_from(["a", "b", "é", "🐘"])
TEXTS = st.lists(LETTERS, max_size=12).map("".join)
STOPS = st.lists(st.lists(LETTERS, min_size=1, max_size=4).map("".join), max_size=3)
CUTS = st.lists(st.integers(0, 48), max_size=12)


def tokens_of(text: str, cuts: list[int]) -> list[Token]:
    """The text's bytes cut at the given places; two equal places make a token of no bytes."""
    data = text.encode()
    places = sorted(min(cut, len(data)) for cut in cuts)
    edges = list(zip([0, *places], [*places, len(data)], strict=True))
    return [Token(id=at, bytes=data[a:b], logprob=-1.0) for at, (a, b) in enumerate(edges)]


def run(stops: list[str], tokens: list[Token]) -> tuple[StopFilter, list[list[Token]]]:
    """The filter after all tokens that it takes, and what it released at each step and at the end."""
    filter_ = StopFilter(stops)
    released = []
    for token in tokens:
        released.append(filter_.push(token))
        if filter_.stopped:
            break
    return filter_, [*released, filter_.finish()]


def earliest_stop(stops: list[str], tokens: list[Token]) -> int | None:
    """In bytes: the first stop string in the shortest run of tokens that holds one."""
    data = b""
    for token in tokens:
        data += token.bytes
        found = [at for stop in stops if (at := data.find(stop.encode())) >= 0]
        if found:
            return min(found)
    return None


@given(text=TEXTS, cuts=CUTS, stops=STOPS)
def test_the_text_is_cut_exactly_before_the_first_stop_string(
    text: str, cuts: list[int], stops: list[str]
) -> None:
    tokens = tokens_of(text, cuts)
    filter_, _ = run(stops, tokens)
    cut = earliest_stop(stops, tokens)
    assert filter_.stopped == (cut is not None)
    assert filter_.text == text.encode()[:cut].decode("utf-8", "replace")


@given(text=TEXTS, cuts=CUTS, stops=STOPS)
def test_a_token_belongs_to_the_answer_when_its_first_byte_lies_before_the_stop_string(
    text: str, cuts: list[int], stops: list[str]
) -> None:
    tokens = tokens_of(text, cuts)
    filter_, _ = run(stops, tokens)
    cut = earliest_stop(stops, tokens)
    at, belonging = 0, []
    for token in tokens:
        # One of no bytes has no first byte; it goes with what precedes it.
        if cut is None or at < cut or (at == cut and not token.bytes):
            belonging.append(token)
        at += len(token.bytes)
    assert filter_.tokens == belonging


@given(text=TEXTS, cuts=CUTS, stops=STOPS)
def test_a_released_token_is_never_taken_back(text: str, cuts: list[int], stops: list[str]) -> None:
    filter_, released = run(stops, tokens_of(text, cuts))
    assert [token for step in released for token in step] == filter_.tokens


@given(text=TEXTS, cuts=CUTS, stops=STOPS)
def test_a_token_is_held_back_only_while_a_stop_string_may_have_begun(
    text: str, cuts: list[int], stops: list[str]
) -> None:
    filter_ = StopFilter(stops)
    seen: list[Token] = []
    for token in tokens_of(text, cuts):
        seen.append(token)
        filter_.push(token)
        if filter_.stopped:
            return
        data = b"".join(it.bytes for it in seen)
        begun = any(
            data.endswith(stop.encode()[:size]) for stop in stops for size in range(1, len(stop.encode()))
        )
        assert begun or filter_.tokens == seen


@pytest.mark.parametrize(
    ("pieces", "stop", "text", "tokens"),
    [
        ([b"The ", b"end", b" of"], ["end"], "The ", 1),
        ([b"The e", b"nd of"], ["end"], "The ", 1),
        ([b"The e", b"nough"], ["end"], "The enough", 2),
        ([b"a", b"b", b"c"], ["c", "bc"], "a", 1),
        ([b"end"], ["end"], "", 0),
        ([b"one", b" two"], [], "one two", 2),
        ([b"one", b" two"], [""], "one two", 2),
        ([b"\xe6\x97", b"\xa5", b"\xe6\x9c\xac"], ["本"], "日", 2),
        ([b"a", b"", b"b"], ["b"], "a", 2),
        ([b"a", b""], ["b"], "a", 2),
    ],
)
def test_the_cases_that_come_up(pieces: list[bytes], stop: list[str], text: str, tokens: int) -> None:
    filter_, _ = run(stop, [Token(id=at, bytes=piece, logprob=-1.0) for at, piece in enumerate(pieces)])
    assert filter_.text == text
    assert len(filter_.tokens) == tokens


def test_a_stop_string_is_found_over_three_tokens() -> None:
    filter_, released = run(["\n\nQ"], tokens_of("yes\n\nQ: more", [3, 4, 5]))
    assert filter_.text == "yes"
    assert [[token.text for token in step] for step in released] == [["yes"], [], [], [], []]


def test_a_stop_string_that_only_began_is_given_back_at_the_end() -> None:
    filter_, released = run(["\n\nQ"], tokens_of("yes\n\n", [3, 4]))
    assert filter_.text == "yes\n\n"
    assert [len(step) for step in released] == [1, 0, 0, 2]
