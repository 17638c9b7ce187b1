"""Files of stored generations."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.engines.entropy import entropy_bounds
from codex.errors import InvalidInput
from codex.evaluation.generations import Generated, generated_of, read, write
from codex.items import Item
from codex.types import Alternative, Generation, Observation, Token, Verdict
from tests.support.records import make_record

LINE: dict[str, Any] = {
    "id": "q1",
    "set": "countries",
    "question": "What is the capital of Oman?",
    "context": "Muscat is the capital of Oman.",
    "answers": ["Muscat"],
    "greedy": {
        "text": "Muscat.",
        "finish": "stop",
        "tokens": [
            [7, "Mus", -0.5, [[7, "Mus", -0.5], [8, "Mas", -1.5]]],
            [9, "cat.", -0.1, [[9, "cat.", -0.1]]],
            [2, "", -0.01, [[2, "", -0.01]]],
        ],
    },
    "samples": [{"text": "Muscat", "finish": "length", "tokens": [[7, "Mus", -0.5], [9, "cat", -0.2]]}],
    "p_true_top": [["True", -0.1], [" False", -2.5]],
}


def file_of(tmp_path: Path, *lines: Any, name: str = "set.jsonl") -> Path:
    path = tmp_path / name
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return path


def test_a_line_is_an_observation_with_its_context_as_passage_and_a_verdict(tmp_path: Path) -> None:
    (found,) = read(file_of(tmp_path, LINE))
    assert (found.id, found.group, found.answers, found.answerable) == ("q1", "countries", ("Muscat",), True)
    assert found.observation.question == "What is the capital of Oman?"
    assert [passage.text for passage in found.observation.passages] == [LINE["context"]]
    assert found.observation.verdict is not None
    assert [(it.text, it.logprob) for it in found.observation.verdict.alternatives] == [
        ("True", -0.1), (" False", -2.5),
    ]  # fmt: skip
    answer, (sample,) = found.observation.generation, found.observation.samples
    assert [(it.id, it.text, it.logprob) for it in answer.tokens] == [(7, "Mus", -0.5), (9, "cat.", -0.1)]
    assert [it.text for it in answer.tokens[0].alternatives] == ["Mus", "Mas"]
    assert [it.rank for it in (*answer.tokens, *sample.tokens)] == [1, 1, None, None]
    assert (sample.text, sample.finish_reason, len(sample.tokens)) == ("Muscat", "length", 2)


def test_how_likely_the_end_was_is_said_by_a_last_token_without_text_or_by_its_own_key(
    tmp_path: Path,
) -> None:
    end, begin = [2, "", -0.01], [3, "", -7.0]
    word = [7, "Muscat", -0.5]
    rows: list[tuple[dict[str, Any], float | None]] = [
        ({"finish": "stop", "tokens": [word, end]}, -0.01),
        ({"finish": "stop", "tokens": [begin, word, end]}, -0.01),
        ({"finish": "stop", "tokens": [begin, word]}, None),
        ({"finish": "length", "tokens": [word, begin]}, None),
        ({"finish": "stop", "tokens": []}, None),
        ({"finish": "stop", "tokens": [word], "end_logprob": -0.25}, -0.25),
        ({"finish": "stop", "tokens": [word, end], "end_logprob": None}, None),
    ]
    stored = [{"text": "Muscat"} | row for row, _ in rows]
    (found,) = read(file_of(tmp_path, LINE | {"samples": stored}))
    assert found.observation.generation.end_logprob == -0.01
    assert [sample.end_logprob for sample in found.observation.samples] == [wanted for _, wanted in rows]


def test_entropies_that_were_not_stored_come_from_the_alternatives(tmp_path: Path) -> None:
    (found,) = read(file_of(tmp_path, LINE))
    first, second = found.observation.generation.tokens
    # The largest number of a token is 9: there are ten at least.
    low, high = entropy_bounds([-0.5, -1.5], 10)
    assert first.entropy == pytest.approx((low + high) / 2)
    assert not first.entropy_exact
    assert (second.entropy, [it.entropy for it in found.observation.samples[0].tokens]) == (
        pytest.approx(sum(entropy_bounds([-0.1], 10)) / 2),
        [None, None],
    )


def test_the_rank_of_a_token_is_its_place_among_the_alternatives(tmp_path: Path) -> None:
    word = [8, "Mas", -1.5, [[7, "Mus", -0.5], [8, "Mas", -1.5]]]
    beyond = [9, "Zan", -9.0, [[7, "Mus", -0.5], [8, "Mas", -1.5]]]
    greedy = {"text": "MasZan", "tokens": [word, beyond]}
    for told in ({}, {"entropy": [0.5, None]}):
        (found,) = read(file_of(tmp_path, LINE | {"greedy": greedy | told}))
        assert [token.rank for token in found.observation.generation.tokens] == [2, None]


def test_entropies_that_were_stored_stay(tmp_path: Path) -> None:
    greedy = LINE["greedy"] | {"entropy": [0.25, None, None]}
    (found,) = read(file_of(tmp_path, LINE | {"greedy": greedy}))
    assert [it.entropy for it in found.observation.generation.tokens] == [0.25, None]


def test_only_id_question_and_text_must_be_there(tmp_path: Path) -> None:
    (found,) = read(file_of(tmp_path, {"id": 1, "question": "?", "greedy": {"text": "yes"}}, name="my.jsonl"))
    assert found == Generated("1", "my", (), True, Observation("?", Generation("yes", (), "stop", 0, 0.0)))


def test_choices_labels_and_the_grader_make_the_question_again(tmp_path: Path) -> None:
    asked = Item("1", "Which?", ("Rome",), "s", choices=("Bern", "Rome"), labels=("1", "2"))
    line = LINE | {"question": asked.asked, "choices": ["Bern", "Rome"], "labels": ["1", "2"]}
    (found,) = read(file_of(tmp_path, line | {"grader": "exact", "answers": ["Rome"]}))
    item = found.item
    assert (item.question, item.asked, item.marks) == ("Which?", asked.asked, ("1", "2"))
    assert (item.choices, item.grader) == (("Bern", "Rome"), "exact")


def test_a_stored_verdict_of_a_judge_asks_for_none_again(tmp_path: Path) -> None:
    (found,) = read(file_of(tmp_path, LINE | {"grader": "judge"}))
    assert (found.grader, found.item.grader) == ("judge", None)


@pytest.mark.parametrize("name", ["set.jsonl", "set.jsonl.gz"])
def test_what_is_written_comes_back_whole(tmp_path: Path, name: str) -> None:
    records = [make_record(1), make_record(2), make_record(3, error="too long")]
    generations = [generated_of(record) for record in records]
    assert write(tmp_path / name, generations) == 3
    assert list(read(tmp_path / name)) == generations
    assert [it.name for it in tmp_path.iterdir()] == [name]


@given(
    pieces=st.lists(st.binary(max_size=6), max_size=4),
    logprobs=st.lists(st.none() | st.floats(max_value=0, allow_nan=False, allow_infinity=False), max_size=4),
)
def test_bytes_that_are_no_text_are_not_lost(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], logprobs: list[float | None]
) -> None:
    tokens = tuple(
        Token(at, raw, logprob, 0.5, True, 3, 0.25, (Alternative(at, raw, -0.5, is_end=at == 1),))
        for at, (raw, logprob) in enumerate(zip(pieces, logprobs, strict=False))
    )
    answer = Generation("text", tokens, "stop", 7, 0.5, "processed", prefix_tokens=1, end_logprob=-0.25)
    verdict = Verdict((Alternative(3, b"\xff", -0.25, True),), "candidates", "scripted:a", 0.5)
    stored = Generated(
        "q", "g", (), False, Observation("?", answer, (replace(answer, tokens=()),), verdict=verdict)
    )
    path = tmp_path_factory.mktemp("generations") / "set.jsonl"
    write(path, [stored])
    assert list(read(path)) == [stored]


def test_numbers_that_are_not_finite_are_missing(tmp_path: Path) -> None:
    token = [1, "a", -math.inf, [[1, "a", math.nan], [2, "b", -1.0]]]
    (found,) = read(file_of(tmp_path, LINE | {"greedy": {"text": "a", "tokens": [token]}}))
    (read_token,) = found.observation.generation.tokens
    assert read_token.logprob is None
    assert [it.text for it in read_token.alternatives] == ["b"]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in LINE.items() if name != key}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "not JSON"),
        (b"[1]", "list, not an object"),
        ('{"id": "ä"}'.encode("latin-1"), "not UTF-8"),
        (without("id"), "no key 'id'"),
        (without("question"), "no key 'question'"),
        (without("greedy"), "no key 'greedy'"),
        (LINE | {"greedy": "Muscat"}, "greedy is str"),
        (LINE | {"greedy": {"tokens": []}}, "no key 'text'"),
        (LINE | {"id": ""}, "id is empty"),
        (LINE | {"id": None}, "id is NoneType"),
        (LINE | {"answers": "Muscat"}, "answers is not a list"),
        (LINE | {"correct": "yes"}, "correct is 'yes'"),
        (LINE | {"choices": "Muscat"}, "choices is not a list"),
        (LINE | {"choices": ["a", "b"], "labels": ["1"]}, "1 labels for 2 choices"),
        (LINE | {"grader": "magic"}, "no grader 'magic'; there are: exact"),
        (LINE | {"grade": "good"}, "grade is 'good'"),
        (LINE | {"context": 3}, "context is int"),
        (LINE | {"greedy": {"text": "a", "finish": "never"}}, "finish 'never'"),
        (LINE | {"greedy": {"text": "a", "tokens": [[1, "a"]]}}, r"greedy.tokens\[0\]"),
        (LINE | {"greedy": {"text": "a", "tokens": [[1, "a", "-1"]]}}, r"greedy.tokens\[0\]"),
        (LINE | {"greedy": {"text": "a", "tokens": [[1, "a", 0.7]]}}, "0.7 is above 0"),
        (LINE | {"greedy": {"text": "a", "tokens": [[1, "a", -1, [[1, "a", 2]]]]}}, "2 is above 0"),
        (LINE | {"samples": [{"text": "a", "tokens": [[None, "a", -1]]}]}, r"samples\[0\].tokens\[0\]"),
        (LINE | {"greedy": {"text": "a", "tokens": [[1, "a", -1]], "rank": [1, 2]}}, "2 values for 1 tokens"),
        (LINE | {"greedy": {"text": "a", "end_logprob": 0.6}}, "0.6 is above 0"),
        (LINE | {"greedy": {"text": "a", "end_logprob": "-1"}}, "end_logprob is '-1', not a number"),
        (LINE | {"p_true_top": [["True"]]}, "p_true_top"),
        (LINE | {"passages": [{"id": "a"}]}, "Passage"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: Any, says: str) -> None:
    reading = read(file_of(tmp_path, LINE | {"id": "first"}, line))
    assert next(reading).id == "first"
    with pytest.raises(InvalidInput, match=rf"set\.jsonl, line 2: .*{says}"):
        next(reading)


def one(**more: Any) -> dict[str, Any]:
    """A line whose answer is one token, with more of the answer."""
    return LINE | {"greedy": {"text": "a", "tokens": [[1, "a", -1.0]]} | more}


def with_tokens(*tokens: Any) -> dict[str, Any]:
    return LINE | {"greedy": {"text": "a", "tokens": tokens}}


HUGE = 10**400
"""JSON has such numbers, and no float holds them."""
HALF = "\ud800"
"""Half a character: JSON can say it, and nothing can keep it."""
PASSAGE = {"id": "a", "document_id": "b", "document": "c", "text": "d", "start": 0, "end": 1}
VERDICT = {"alternatives": [], "form": "plain", "verifier": "", "seconds": 0}
SENTENCE = {"start": 0, "end": 1, "stance": "supported", "probability": 0.5, "quote": None}
SIMILARITY = {"method": "embedding", "matrix": [[1, 0], [0, 1]], "classes": [0, 1], "seconds": 0}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE | {"seconds": math.nan}, "seconds is nan, not a finite number"),
        (LINE | {"seconds": HUGE}, "seconds is 1000.*more than a float holds"),
        (LINE | {"seconds": "1"}, "seconds is '1', not a number"),
        (LINE | {"grade": math.inf}, "grade is inf"),
        (LINE | {"asked": {"model": "m", "temperature": HUGE}}, "asked.temperature is 1000"),
        (LINE | {"asked": {"model": "m", "sample_temperature": math.nan}}, "asked.sample_temperature is nan"),
        (with_tokens([1, "a", -HUGE]), r"greedy.tokens\[0\].*-1000.*more than a float holds"),
        (with_tokens([1, "a", HUGE]), "more than a float holds"),
        (with_tokens([1, "a", False]), "False, not a number"),
        (with_tokens([True, "a", -1]), "the id is True"),
        (with_tokens([1, "a", -1, [[1, "a", -HUGE]]]), "more than a float holds"),
        (with_tokens([1, "a", -1, [[1.0, "a", -1]]]), "the id is 1.0"),
        (with_tokens([1, "a", -1, [[1, "a", False]]]), "False, not a number"),
        (one(end_logprob=-HUGE), "greedy.end_logprob is -1000"),
        (one(entropy=[HUGE]), "greedy.entropy is 1000"),
        (one(entropy=["x"]), "greedy.entropy is 'x', not a number"),
        (one(entropy="x"), "greedy.entropy is str, not a list"),
        (one(entropy=[0.5, 0.5]), "2 values for 1 tokens"),
        (one(self_certainty=[HUGE]), "greedy.self_certainty is 1000"),
        (one(self_certainty=["x"]), "greedy.self_certainty is 'x'"),
        (one(rank=["1"]), "greedy.rank is '1', not a whole number from 1"),
        (one(rank=[0]), "greedy.rank is 0"),
        (one(rank=[HUGE]), "greedy.rank is 1000"),
        (one(entropy_exact=[1]), "greedy.entropy_exact is 1, neither true nor false"),
        (one(seconds="1"), "greedy.seconds is '1'"),
        (one(seconds=HUGE), "greedy.seconds is 1000"),
        (one(prompt_tokens="7"), "greedy.prompt_tokens is '7'"),
        (one(prompt_tokens=math.nan), "greedy.prompt_tokens is nan"),
        (one(prefix_tokens=-1), "greedy.prefix_tokens is -1"),
        (LINE | {"p_true_top": [["True", -HUGE]]}, "p_true_top.*more than a float holds"),
        (LINE | {"passages": [PASSAGE | {"text": 5}]}, r"passages\[0\].text is int"),
        (LINE | {"passages": [PASSAGE | {"start": "0"}]}, r"passages\[0\].start is '0'"),
        (LINE | {"passages": [PASSAGE | {"page": "1"}]}, r"passages\[0\].page is '1'"),
        (LINE | {"passages": [PASSAGE | {"scores": {"bm25": "1"}}]}, r"passages\[0\].scores.bm25 is '1'"),
        (LINE | {"verdict": VERDICT | {"seconds": "1"}}, "verdict.seconds is '1'"),
        (LINE | {"verdict": VERDICT | {"verifier": 1}}, "verdict.verifier is int"),
        (
            LINE | {"verdict": VERDICT | {"alternatives": [{"id": 1, "bytes": "41", "logprob": "-1"}]}},
            r"verdict.alternatives\[0\].logprob is '-1'",
        ),
        (LINE | {"grounding": {"judge": 1, "sentences": [], "seconds": 0}}, "grounding.judge is int"),
        (
            LINE
            | {"grounding": {"judge": "a", "sentences": [SENTENCE | {"probability": "1"}], "seconds": 0}},
            r"grounding.sentences\[0\].probability is '1'",
        ),
        (
            LINE | {"grounding": {"judge": "a", "sentences": [SENTENCE | {"quote": [0, "9"]}], "seconds": 0}},
            r"grounding.sentences\[0\].quote\[1\] is '9'",
        ),
        (
            LINE | {"similarity": SIMILARITY | {"matrix": [["1", 0], [0, 1]]}},
            r"similarity.matrix\[0\]\[0\] is '1'",
        ),
        (LINE | {"similarity": SIMILARITY | {"classes": ["0", 1]}}, r"similarity.classes\[0\] is '0'"),
        (LINE | {"similarity": SIMILARITY | {"classes": [0]}}, "not those of an answer and 1 samples"),
    ],
)
def test_a_number_that_is_none_is_named_with_its_line(tmp_path: Path, line: Any, says: str) -> None:
    reading = read(file_of(tmp_path, LINE | {"id": "first"}, line))
    assert next(reading).id == "first"
    with pytest.raises(InvalidInput, match=rf"set\.jsonl, line 2: .*{says}") as raised:
        next(reading)
    assert str(HUGE) not in str(raised.value), "forty of its digits are enough"


def test_entropies_that_are_not_finite_are_missing(tmp_path: Path) -> None:
    stored = one(entropy=[math.nan], self_certainty=[math.inf], rank=[None])
    (found,) = read(file_of(tmp_path, stored))
    (token,) = found.observation.generation.tokens
    assert (token.entropy, token.self_certainty, token.rank) == (None, None, None)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (LINE | {"id": HALF}, "id"),
        (LINE | {"set": HALF}, "set"),
        (LINE | {"question": HALF}, "question"),
        (LINE | {"answers": ["a", HALF]}, "answers"),
        (LINE | {"context": HALF}, "context"),
        (LINE | {"error": HALF}, "error"),
        (LINE | {"asked": {"model": HALF}}, "asked.model"),
        (LINE | {"asked": {"model": "m", "prompt": HALF}}, "asked.prompt"),
        (LINE | {"greedy": {"text": f"a{HALF}"}}, "greedy.text"),
        (LINE | {"samples": [{"text": "a"}, {"text": HALF}]}, r"samples\[1\].text"),
        (LINE | {"passages": [PASSAGE | {"heading": HALF}]}, r"passages\[0\].heading"),
    ],
)
def test_half_a_character_is_named_with_its_line(tmp_path: Path, line: Any, name: str) -> None:
    reading = read(file_of(tmp_path, LINE | {"id": "first"}, line))
    assert next(reading).id == "first"
    with pytest.raises(InvalidInput, match=rf"set\.jsonl, line 2: {name} holds half a character"):
        next(reading)


def test_half_a_character_may_be_a_token(tmp_path: Path) -> None:
    (found,) = read(file_of(tmp_path, with_tokens([1, HALF, -0.5], [2, "a", -0.5])))
    assert [token.bytes for token in found.observation.generation.tokens] == [b"\xed\xa0\x80", b"a"]


def test_an_id_that_comes_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    path = file_of(tmp_path, LINE, b"", LINE | {"id": "other"}, LINE)
    with pytest.raises(InvalidInput, match=r"line 4: the id 'q1' is that of line 1"):
        list(read(path))


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.jsonl").write_bytes(content)
    with pytest.raises(InvalidInput, match="empty"):
        list(read(tmp_path / "set.jsonl"))


def test_a_file_that_is_cut_off_missing_or_no_lines_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(json.dumps(LINE).encode() * 50)[:-40])
    with pytest.raises(InvalidInput, match=r"cut\.jsonl\.gz is cut off or damaged"):
        list(read(cut))
    with pytest.raises(InvalidInput, match="nowhere"):
        list(read(tmp_path / "nowhere.jsonl"))
    monkeypatch.setattr("codex.evaluation.generations.LONGEST_LINE", 2**20)
    with pytest.raises(InvalidInput, match="more than 1 MB"):
        list(read(file_of(tmp_path, b"x" * 2**20)))


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InvalidInput, match="cannot be written"):
        write(tmp_path / "taken", [generated_of(make_record(1))])
    with pytest.raises(InvalidInput, match="cannot be written"):
        write(tmp_path / "no folder" / "set.jsonl", [])
    assert [it.name for it in tmp_path.iterdir()] == ["taken"]
