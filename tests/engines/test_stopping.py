"""Where an answer ends, whatever pieces its bytes come in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.engines.stopping import StopFilter
from codex.types import Token


def run(pieces: Sequence[bytes], stop: Sequence[str]) -> tuple[StopFilter, list[list[Token]]]:
    """Push until stopped; the released tokens of each push, and of the end."""
    kept = StopFilter(stop)
    released = []
    for at, piece in enumerate(pieces):
        released.append(kept.push(Token(at, piece, -1.0)))
        if kept.stopped:
            break
    released.append(kept.finish())
    return kept, released


@pytest.mark.parametrize(
    ("pieces", "stop", "text", "tokens"),
    [
        ([b"The ", b"end", b" of"], ["end"], "The ", 1),
        ([b"The e", b"nd of"], ["end"], "The ", 1),
        ([b"The ", b"e", b"n", b"d"], ["end"], "The ", 1),
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
def test_the_text_is_cut_before_the_stop_string_and_its_tokens_counted(
    pieces: list[bytes], stop: list[str], text: str, tokens: int
) -> None:
    kept, _ = run(pieces, stop)
    assert kept.text == text
    assert len(kept.tokens) == tokens


def test_tokens_are_held_back_only_while_they_may_belong_to_a_stop_string() -> None:
    _, released = run([b"a", b"<", b"b", b"<", b"/s>", b"never"], ["</s>"])
    assert [[token.bytes for token in step] for step in released] == [[b"a"], [], [b"<", b"b"], [], [], []]


alphabet = st.text("ab€", max_size=12)


@given(alphabet, st.lists(st.integers(0, 30), max_size=8), st.lists(st.text("ab€", max_size=3), max_size=3))
def test_however_the_bytes_are_cut_the_text_ends_before_the_first_stop_string(
    text: str, cuts: list[int], stop: list[str]
) -> None:
    raw = text.encode()
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[a:b] for a, b in pairwise(edges)]
    kept, released = run(pieces, stop)
    found = [at for s in stop if s and (at := raw.find(s.encode())) >= 0]
    # A piece that completes two stop strings at once ends at the earlier one; a stop string that an
    # earlier piece completed wins over one that begins before it and is completed later.
    ends = [at + len(s.encode()) for s in stop if s and (at := raw.find(s.encode())) >= 0]
    if found:
        complete = next(edge for edge in edges if edge >= min(ends))
        seen = raw[:complete]
        first = min(at for s in stop if s and (at := seen.find(s.encode())) >= 0)
        assert kept.text == raw[:first].decode("utf-8", "replace")
        assert len(kept.tokens) == sum(edge < first for edge in edges[:-1])
    else:
        assert kept.text == text
        assert len(kept.tokens) == len(pieces)
    assert [token for step in released for token in step] == kept.tokens
