"""From files and runs to rows of tokens."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from codex.datasets.splits import split
from codex.errors import InvalidInput, NotFound
from codex.grading.wording import refuses
from codex.store import Store
from codex.training.config import DataConfig
from codex.training.data import prepare
from codex.training.examples import REFUSAL, Example, FileSource, RunSource
from codex.training.filters import filtered, redacted
from codex.training.token_cache import Prepared, Rows
from tests.support.kept_run import keep_run
from tests.support.tiny_llama import END, random_questions, tiny_tokenizer

ALL = ("secrets", "emails", "phones")


def prepared(path: Path, cache: Path, config: DataConfig | None = None, most: int = 512) -> Prepared:
    return prepare(
        FileSource(path), tiny_tokenizer(), [END], most, config or DataConfig(), cache, "the tiny model"
    )


def texts(rows: Rows) -> list[str]:
    tokenizer = tiny_tokenizer()
    return [tokenizer.decode(rows.ids(at).tolist()) for at in range(len(rows.lengths))]


def trained_on(rows: Rows) -> list[str]:
    tokenizer = tiny_tokenizer()
    return [tokenizer.decode(rows.ids(at)[rows.start(at) :].tolist()) for at in range(len(rows.lengths))]


def jsonl(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_answer_alone_is_trained_on_with_its_end(tmp_path: Path) -> None:
    rows = random_questions(40)
    found = prepared(jsonl(tmp_path / "sums.jsonl", rows), tmp_path / "cache")
    answers = {row["answer"] for row in rows}
    assert {text.removesuffix("<|im_end|>") for text in trained_on(found.train)} <= answers
    assert all(text.endswith("<|im_end|>") for text in trained_on(found.train))
    assert all(text.startswith("<|im_start|>system\n") for text in texts(found.train))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_rows_of_every_format_are_the_same(tmp_path: Path, suffix: str) -> None:
    rows = random_questions(20)
    path = tmp_path / f"sums.{suffix}"
    if suffix == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["question", "answer"])
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == "jsonl":
        jsonl(path, rows)
    else:
        source = jsonl(tmp_path / "rows.jsonl", rows)
        duckdb.sql(f"COPY (SELECT * FROM read_json('{source}')) TO '{path}'")
    expected = prepared(jsonl(tmp_path / "same.jsonl", rows), tmp_path / "cache")
    assert texts(prepared(path, tmp_path / "cache").train) == texts(expected.train)


def test_what_evaluation_tests_is_never_trained_on(tmp_path: Path) -> None:
    rows = random_questions(200)
    found = prepared(jsonl(tmp_path / "sums.jsonl", rows), tmp_path / "cache")
    on_test = [row["question"] for row in rows if split(row["question"]) == "test"]
    whole = " ".join(texts(found.train) + texts(found.validation))
    assert on_test
    assert not any(question in whole for question in on_test)
    assert found.counts["on the test side of the split"] == len(on_test)
    assert found.counts["training rows"] + found.counts["validation rows"] + len(on_test) == 200
    # A tenth of some 100; the split is by the question's text, so the same at each run.
    assert 3 <= len(found.validation.lengths) <= 20


def test_texts_are_trained_on_whole(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("\n\n".join(f"Note {at}.\nIts second line." for at in range(30)), encoding="utf-8")
    found = prepared(path, tmp_path / "cache")
    assert trained_on(found.train) == texts(found.train)
    assert all(text.endswith("Its second line.") for text in texts(found.train))


def test_a_text_longer_than_the_context_becomes_several_rows(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "texts.jsonl", [{"text": "é" * 50 + str(at)} for at in range(8)])
    found = prepared(path, tmp_path / "cache", most=40)
    # 101 bytes, so 101 tokens: 40 + 40 + 21.
    assert found.counts["texts in several rows"] * 3 == len(found.train.lengths) + len(
        found.validation.lengths
    )
    assert max(found.train.lengths) == 40


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "fragen.csv"
    lines = [f"Wie heißt die Größe {at} für Übermäßige?;größer als {at}" for at in range(20)]
    path.write_text("\n".join(["question;answer", *lines]), encoding=encoding)
    found = prepared(path, tmp_path / "cache")
    assert all("größer als" in text for text in trained_on(found.train))


def test_a_row_longer_than_the_context_is_counted_and_left_out_or_cut(tmp_path: Path) -> None:
    rows = [*random_questions(30), {"question": "What is the end?", "answer": "x" * 1000}]
    assert split(rows[-1]["question"]) == "calibration"
    path = jsonl(tmp_path / "rows.jsonl", rows)
    left_out = prepared(path, tmp_path / "cache")
    cut = prepared(path, tmp_path / "cache", DataConfig(overlong="cut"))
    assert left_out.counts["too long"] == 1
    assert cut.counts["cut"] == 1
    rows_now = len(cut.train.lengths) + len(cut.validation.lengths)
    assert rows_now == len(left_out.train.lengths) + len(left_out.validation.lengths) + 1
    assert max([*cut.train.lengths, *cut.validation.lengths]) == 512


def test_tokens_are_made_once_for_a_content_and_a_tokenizer(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "sums.jsonl", random_questions(30))
    cache = tmp_path / "cache"
    first = prepared(path, cache)
    (made,) = (cache / "tokens").iterdir()
    before = made.stat().st_mtime_ns
    moved = path.rename(tmp_path / "moved.jsonl")
    assert prepared(moved, cache).key == first.key
    assert made.stat().st_mtime_ns == before
    moved.write_text(moved.read_text() + '{"question": "One more?", "answer": "yes"}\n')
    assert prepared(moved, cache).key != first.key
    assert len(list((cache / "tokens").iterdir())) == 2


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = jsonl(tmp_path / "long.jsonl", [{"text": f"{at} " + "word " * 800} for at in range(rows)])
        source, tokenizer = FileSource(path), tiny_tokenizer()
        tracemalloc.start()
        try:
            found = prepare(source, tokenizer, [END], 512, DataConfig(), tmp_path / "cache", "tiny")
            assert len(found.train.lengths) > 2 * rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # 4 kB a row, of which half are on the test side: 2 and 8 groups that are tokenized together.
    assert peak(800) < 1.2 * peak(200)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    question = next(row["question"] for row in random_questions(9) if split(row["question"]) == "calibration")
    examples = [
        Example((), f"{question} It is so.", question),
        Example((), f"{question.upper()}  it is so", question),
        Example((), " ", question),
        Example((), "half a character \ud800", question),
    ]
    counts: Counter[str] = Counter()
    kept = list(filtered(examples, DataConfig(), counts))
    assert [each.answer for each, _ in kept] == [examples[0].answer]
    reasons = {"duplicates": 1, "too short": 1, "not in the encoding of the file": 1}
    assert counts == {"read": 4, **reasons}
    assert len(list(filtered(examples, DataConfig(duplicates=True), Counter()))) == 2


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("write to jo.doe+x@mail.example.org.", "write to [e-mail].", "emails"),
        ("call +49 (30) 1234-5678 now", "call [phone] now", "phones"),
        ("or (030) 123 45 67", "or [phone]", "phones"),
        ("or 555-123-4567.", "or [phone].", "phones"),
        ("the key is AKIAIOSFODNN7EXAMPLE", "the key is [secret]", "secrets"),
        ("password: hunter2hunter2", "password: [secret]", "secrets"),
        ("ghp_" + "a1" * 18, "[secret]", "secrets"),
    ],
)
def test_secrets_and_addresses_are_redacted(text: str, expected: str, kind: str) -> None:
    counts: Counter[str] = Counter()
    assert redacted(text, ALL, counts) == expected
    assert counts == {f"{kind} redacted": 1}


@pytest.mark.parametrize(
    "text",
    [
        "299 792 458 metres a second",
        "born on 1969-07-20, 12.05.1999",
        "ISBN 978-3-16-148410-0",
        "pi is 3.14159265358979",
        "user@host, a token: 7",
        "10.1.2.3:8080",
    ],
)
def test_answers_are_not_taken_for_phone_numbers_or_secrets(text: str) -> None:
    assert redacted(text, ALL, Counter()) == text


def test_a_run_trains_the_accepted_answers(tmp_path: Path) -> None:
    with Store(tmp_path / "store.duckdb") as store:
        keep_run(store, n=40)
        plain, refusing = RunSource(store, "r1"), RunSource(store, "r1", refuse=True)
        incorrect = sum(record.correct is False for record in store.runs.records("r1"))
    counts: Counter[str] = Counter()
    assert {each.answer for each in plain.examples(Counter())} == {"1"}
    answers = Counter(each.answer for each in refusing.examples(counts))
    assert answers == {"1": 40 - incorrect, REFUSAL: incorrect}
    assert counts["trained to refuse"] == incorrect
    assert refuses(REFUSAL)
    assert plain.sha256() != refusing.sha256()


def test_nothing_to_train_on_says_why(tmp_path: Path) -> None:
    question = next(row for row in random_questions(9) if split(row["question"]) == "test")
    path = jsonl(tmp_path / "one.jsonl", [question])
    with pytest.raises(InvalidInput, match=r"Nothing of .* is left .*on the test side of the split: 1"):
        prepared(path, tmp_path / "cache")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        FileSource(tmp_path / "none.jsonl")
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"rows\.xlsx is none of"):
        FileSource(tmp_path / "rows.xlsx")
