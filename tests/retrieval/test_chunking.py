"""Chunks: they follow the document, cover every word once, and stay within the tokens."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.retrieval.chunking import CHARACTERS_PER_TOKEN, Chunk, chunks
from codex.retrieval.readers.reading import Heading, Reading
from codex.retrieval.readers.text import markdown_headings

SENTENCES = [f"Sentence {number} has six words." for number in range(40)]


def words(text: str) -> int:
    """A count that is easy to check by hand."""
    return len(text.split())


def characters_and_two(text: str) -> int:
    """A count as an embedding's: a token a character, and one at each end."""
    return len(re.sub(r"\s", "", text)) + 2


def document(text: str, *headings: Heading, page_starts: tuple[int, ...] = ()) -> Reading:
    return Reading(text, page_starts, headings)


def texts(reading: Reading, found: list[Chunk]) -> list[str]:
    return [reading.text[chunk.start : chunk.end] for chunk in found]


def check_cover(reading: Reading, found: list[Chunk]) -> None:
    """In order, apart, without spaces at their ends, and nothing but spaces between."""
    end = 0
    for chunk in found:
        assert end <= chunk.start < chunk.end
        assert not reading.text[end : chunk.start].strip()
        text = reading.text[chunk.start : chunk.end]
        assert text == text.strip()
        end = chunk.end
    assert not reading.text[end:].strip()


def test_a_part_of_a_long_word_does_not_end_with_a_space() -> None:
    reading = document("aaaaaaa\u00a0aaaaaaaaaaaa")
    for most in range(3, 14):
        check_cover(reading, chunks(reading, most, characters_and_two))


def test_a_short_document_is_one_chunk() -> None:
    reading = document("  One sentence.\n\nAnother paragraph. \n")
    assert chunks(reading, 50, words) == [Chunk(2, 35, None, "")]


def test_chunks_end_where_paragraphs_end_and_else_where_sentences_end() -> None:
    paragraphs = [" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:5]), " ".join(SENTENCES[5:12])]
    reading = document("\n\n".join(paragraphs))
    found = chunks(reading, 20, words)
    check_cover(reading, found)
    # 15 and 10 words do not fit together; 35 are cut after four sentences of five words.
    assert texts(reading, found) == [
        paragraphs[0],
        paragraphs[1],
        " ".join(SENTENCES[5:9]),
        " ".join(SENTENCES[9:12]),
    ]


def test_a_tiny_rest_takes_sentences_from_the_chunk_before() -> None:
    reading = document(" ".join(SENTENCES[:9]))
    found = chunks(reading, 40, words)
    check_cover(reading, found)
    # Eight sentences of five words fit; the ninth alone would be tiny, so it gets company.
    assert [words(text) for text in texts(reading, found)] == [35, 10]


def test_no_chunk_crosses_a_heading_and_each_knows_its_path() -> None:
    text = "Before.\n\n# A\n\n## B\n\nUnder B.\n\n## C\n\nUnder C.\n\n# D\n\nUnder D."
    reading = document(text, *markdown_headings(text))
    found = chunks(reading, 50, words)
    check_cover(reading, found)
    # A has no text of its own, so its line goes with B.
    assert list(zip([chunk.heading for chunk in found], texts(reading, found), strict=True)) == [
        ("", "Before."),
        ("A > B", "# A\n\n## B\n\nUnder B."),
        ("A > C", "## C\n\nUnder C."),
        ("D", "# D\n\nUnder D."),
    ]


def test_a_heading_at_the_very_end_is_not_lost() -> None:
    text = "Text.\n\n# End"
    reading = document(text, *markdown_headings(text))
    assert texts(reading, chunks(reading, 50, words)) == ["Text.", "# End"]


def test_a_chunk_is_on_the_page_it_begins_on() -> None:
    pages = [" ".join(SENTENCES[:3]), "", " ".join(SENTENCES[3:6]), " ".join(SENTENCES[6:9])]
    text = "\n\n".join(page for page in pages if page)
    third, fourth = text.index(SENTENCES[3]), text.index(SENTENCES[6])
    reading = document(text, page_starts=(0, third, third, fourth))
    assert [chunk.page for chunk in chunks(reading, 15, words)] == [1, 3, 4]
    assert [chunk.page for chunk in chunks(reading, 100, words)] == [1]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith met J. R. Jones at St. Olav in the U.S. Army.",
        "It grew by 3.5 points (see Fig. 3) etc. and fell.",
        'He said "Stop!" and went.',
        "Wait... what?",
    ],
)
def test_a_stop_within_a_sentence_does_not_end_it(sentence: str) -> None:
    reading = document(f"{sentence} {sentence}")
    assert texts(reading, chunks(reading, words(sentence), words)) == [sentence, sentence]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Η Αθήνα είναι η πρωτεύουσα.", "Πού βρίσκεται;", "Στην Ελλάδα."],
        ["ירושלים היא עיר גדולה.", "איפה היא?", "בישראל."],
        ["القاهرة مدينة كبيرة.", "أين تقع؟", "في مصر."],
        ["दिल्ली राजधानी है।", "यह बड़ी है।"],
    ],
)
def test_sentences_of_other_scripts_keep_their_places(sentences: list[str]) -> None:
    reading = document(" ".join(sentences * 20))
    found = chunks(reading, 40, characters_and_two)
    check_cover(reading, found)
    assert all(text[-1] in ".?؟।;" for text in texts(reading, found))


def test_chinese_is_cut_between_its_sentences() -> None:
    reading = document("北京是中国的首都。它很大！你去过吗？" * 10)
    found = chunks(reading, 12, characters_and_two)
    check_cover(reading, found)
    assert set(texts(reading, found)) == {"北京是中国的首都。", "它很大！你去过吗？"}


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    reading = document(" ".join(f"word{number}" for number in range(1000)))
    found = chunks(reading, 50, words)
    check_cover(reading, found)
    assert all(re.fullmatch(r"(word\d+ ?)+", text) and words(text) <= 50 for text in texts(reading, found))
    assert len(found) <= 25  # 20 would be full


def test_a_count_that_is_no_sum_is_held_all_the_same() -> None:
    reading = document(" ".join(SENTENCES * 20))
    found = chunks(reading, 90, len)  # three sentences of 25 to 26 characters, with the spaces between them
    check_cover(reading, found)
    assert {len(text) <= 90 for text in texts(reading, found)} == {True}
    assert len(found) < 40 * 20 / 2


def test_letters_keep_their_marks_where_a_line_has_no_spaces() -> None:
    letter = unicodedata.normalize("NFC", "x\u0301\u0323")  # there is no composed form
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for whole in (letter, family):
        reading = document(whole * 400)
        found = chunks(reading, 30, characters_and_two)
        check_cover(reading, found)
        assert all(text == whole * (len(text) // len(whole)) for text in texts(reading, found))


def test_an_endless_line_is_cut_in_time_also_where_it_counts_as_one_token() -> None:
    reading = document("x" * 50_000_000)
    counted = 0

    def one(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return min(1, len(text))

    started = time.process_time()
    found = chunks(reading, 160, one)
    assert time.process_time() - started < 20  # 1 s on an idle core
    assert found[-1].end == 50_000_000
    assert max(chunk.end - chunk.start for chunk in found) <= 160 * CHARACTERS_PER_TOKEN
    assert counted <= 4 * 50_000_000


@pytest.mark.parametrize(
    "line", ["word " * 100_000, "A b. " * 100_000, "a\n" * 250_000, "\n\na" * 100_000, "( ." * 100_000]
)
def test_the_work_grows_with_the_text_and_not_faster(line: str) -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return words(text)

    reading = document(line)
    started = time.process_time()
    check_cover(reading, chunks(reading, 160, count))
    assert time.process_time() - started < 20  # 1 s on an idle core
    assert counted <= 4 * len(line)


PIECES = [
    "a",
    "Bc",
    ". ",
    "? ",
    " ",
    "\n",
    "\n\n",
    "。",
    "é",
    "\u0301",
    "\u200d",
    "\U0001f468",
    "ב",
    "x" * 90,
    "- ",
    "\u00a0",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=120).map("".join),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4)), max_size=5),
    st.integers(3, 40),
    st.sampled_from([words, characters_and_two]),
)
def test_any_text_is_covered_once_within_its_headings_and_tokens(
    text: str, places: list[tuple[int, int]], most: int, count: object
) -> None:
    assert callable(count)
    starts = [match.start() for match in re.finditer("^.", text, re.MULTILINE)]
    headings = [Heading(starts[line], level, "H") for line, level in sorted(places) if line < len(starts)]
    reading = document(text, *headings)
    found = chunks(reading, most, count)
    check_cover(reading, found)
    assert all(count(part) <= most for part in texts(reading, found))
    end = 0
    for chunk in found:
        for heading in headings:
            if chunk.start < heading.start < chunk.end:
                # Only the lines of headings that have no text of their own may stand before it.
                lines = [line for line in text[chunk.start : heading.start].split("\n") if line.strip()]
                # A long one may have begun in the chunk before.
                above = [
                    it
                    for it in headings
                    if it.start < heading.start and f"{text}\n".find("\n", it.start) > end
                ]
                assert len(lines) <= len(above)
        end = chunk.end
