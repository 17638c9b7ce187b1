"""Questions with the answers to train on, and texts: from files that people have, and from runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from codex import prompts
from codex.datasets import table_files, text_files
from codex.datasets.columns import Given, columns
from codex.datasets.formats.cells import squeezed
from codex.datasets.questions import Accepted, Duplicate, Options, read
from codex.datasets.text_files import Rejected
from codex.errors import InvalidInput, NotFound
from codex.evaluation.subsets import item_of
from codex.items import Item
from codex.outputs import file_sha256
from codex.retrieval.readers.encoding_guess import guess
from codex.store import Store
from codex.text import sha256
from codex.types import Message, Passage, Record

REFUSAL = "I don't know."
"""What is trained where there is no answer, or the model does not have it."""
TEXTS = (".txt", ".md")
"""Files of texts without questions, parted by empty lines; also with .gz after it."""
_TEXT_COLUMNS = ("text", "content")
"""Of a table of texts, squeezed."""
_BEGINNING = 200
"""Characters of a text by which it is split."""
_SAMPLE = 1 << 20
"""Bytes by which the encoding of a file is found out."""


@dataclass(frozen=True, slots=True)
class Example:
    """What a row of training is made from."""

    prompt: tuple[Message, ...]
    """What is only read; (): a text, trained on as it is."""
    answer: str
    """What is trained on."""
    question: str
    """By which it is split, as evaluation splits questions; of a text, its beginning."""
    item: Item | None = field(default=None, compare=False, repr=False)
    """The question with every answer that is accepted; None: it is a text."""


class Source(Protocol):
    """Where examples come from."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def sha256(self) -> str:
        """Changes with what comes from it."""
        ...

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        """Each example; what is left out is counted by the reason."""
        ...


class FileSource:
    """A file: CSV, JSON, JSONL or Parquet with questions and answers, or texts; .txt and .md with texts.

    Of several accepted answers the usual one, the first, is trained on; a question that is marked as not
    answerable is trained to a refusal.
    """

    def __init__(self, path: Path, given: Given | None = None, encoding: str | None = None) -> None:
        """given: which column holds a field, where its name does not say so. encoding: None: found out.

        Raises NotFound, InvalidInput for a file of another kind.
        """
        if not path.is_file():
            raise NotFound(f"There is no file {path}.")
        self._is_text = path.name.lower().removesuffix(".gz").endswith(TEXTS)
        if not self._is_text and not table_files.is_table(path):
            usual = ", ".join((*table_files.SUFFIXES, *TEXTS))
            raise InvalidInput(f"{path.name} is none of {usual}: rename it, or convert it.", ["data"])
        self._path, self._given = path, given
        self._encoding = encoding or _encoding(path)

    @property
    def name(self) -> str:
        return str(self._path)

    def sha256(self) -> str:
        return sha256(f"{file_sha256(self._path)} {self._given} {self._encoding}")

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        if self._is_text:
            for text in _paragraphs(self._path, self._encoding):
                yield _text(text)
        elif column := self._text_column():
            yield from self._texts(column, counts)
        else:
            yield from self._questions(counts)

    def _questions(self, counts: Counter[str]) -> Iterator[Example]:
        for row in read(self._path, self._path.stem, Options(self._given), self._encoding):
            if isinstance(row, Accepted):
                yield example_of(row.item)
            else:
                counts["duplicates" if isinstance(row, Duplicate) else "not usable"] += 1

    def _texts(self, column: str, counts: Counter[str]) -> Iterator[Example]:
        for row in table_files.rows(self._path, self._encoding, _TEXT_COLUMNS):
            text = None if isinstance(row, Rejected) else row.values.get(column)
            if isinstance(text, str):
                yield _text(text)
            else:
                counts["not usable"] += 1

    def _text_column(self) -> str | None:
        """The column of a table that holds texts and no questions; None: it holds questions."""
        for row in table_files.rows(self._path, self._encoding, _TEXT_COLUMNS):
            if isinstance(row, Rejected):
                continue
            with suppress(InvalidInput):
                columns(row.values, self._given)
                return None
            return next((name for name in row.values if squeezed(name) in _TEXT_COLUMNS), None)
        return None


class RunSource:
    """The questions of a run.

    They are read at once, so that the store is free while a training runs.
    """

    def __init__(self, store: Store, run_id: str, refuse: bool = False) -> None:
        """refuse: train "I don't know" where the model's answer was incorrect, as R-Tuning does (Zhang et al.
        2024, arXiv:2311.09677), in place of the accepted answer that it does not have.

        Raises NotFound; InvalidInput for a run of follow-ups, whose earlier turns are not in it.
        """
        run = store.runs.get(run_id).run
        if run.origin.follows:
            raise InvalidInput(
                "The questions of this run follow others, which are in its dataset alone: train on its file.",
                ["run"],
            )
        self.name = f"run {run.id}: {run.name}"
        self._counts: Counter[str] = Counter()
        self._examples = list(self._of(store.runs.records(run_id), refuse))

    def sha256(self) -> str:
        return sha256(repr(self._examples))

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        counts.update(self._counts)
        yield from self._examples

    def _of(self, records: Iterable[Record], refuse: bool) -> Iterator[Example]:
        for record in records:
            made = example_of(item_of(record))
            if not refuse or record.correct:
                yield made
            elif record.correct is None:
                self._counts["failed" if record.error else "not graded"] += 1
            else:
                self._counts["trained to refuse"] += 1
                yield replace(made, answer=REFUSAL)


class Joined:
    """Several sources, one after the other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    @property
    def name(self) -> str:
        return ", ".join(each.name for each in self._sources)

    def sha256(self) -> str:
        return sha256(" ".join(each.sha256() for each in self._sources))

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        for each in self._sources:
            yield from each.examples(counts)


def example_of(item: Item) -> Example:
    """A question as it is asked, with its usual answer."""
    passages: tuple[Passage, ...] = ()
    if item.context:
        passages = (Passage(item.id, item.group, item.group, item.context, 0, len(item.context)),)
    answer = item.answers[0] if item.answerable and item.answers else REFUSAL
    return Example(tuple(prompts.ask(item.asked, passages, item.history)), answer, item.question, item)


def _text(text: str) -> Example:
    return Example((), text, text[:_BEGINNING])


def _paragraphs(path: Path, encoding: str | None) -> Iterator[str]:
    held: list[str] = []
    with text_files.opened(path, encoding) as text:
        for _, line in text_files.lines(text):
            if line and line.strip():
                held.append(line.rstrip())
            elif held:
                yield "\n".join(held)
                held = []
    if held:
        yield "\n".join(held)


def _encoding(path: Path) -> str | None:
    """The encoding of a text file that is not in UTF-8 or UTF-16; None for one that is, and for Parquet."""
    if path.suffix.lower() in (".parquet", ".gz"):
        return None
    with path.open("rb") as file:
        data = file.read(_SAMPLE)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[1:2] == b"\0" or data[:1] == b"\0":
        return None
    # The sample may end within a character.
    whole = re.sub(rb"[\xc0-\xff][\x80-\xbf]{0,3}\Z", b"", data)
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return guess(data)[0]
    return None


def described(counts: Counter[str]) -> Sequence[str]:
    """What was left out or changed, and how often, the most frequent first."""
    return [f"{reason}: {count:,}" for reason, count in counts.most_common() if count]
