"""Stored generations: questions with the answers and samples that a model gave, one JSON object a line.

The form of a line is that of codex.store.codec.observations, with beside the observation

    "id", "set"?, "answers"?: accepted ones, "answerable"?: false where only a refusal is correct,
    "choices"?: of a multiple choice, in order, "labels"?: what its set calls them, "grader"?: by name,
    "correct"?, "grade"?, "seconds"?, "error"?,
    "by_person"?: true where "correct" is a person's verdict, "grader_correct"?: the grader's own then,
    "asked"?: {"model", "prompt", "sample_temperature", "temperature": of the answer}

Files may be compressed with gzip, and are read and written line by line, whatever their size. An answer that
has alternatives and no entropies gets those that its alternatives allow.
"""

from __future__ import annotations

import gzip
import io
import json
import reprlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from codex.engines.entropy import entropy_estimate
from codex.errors import InvalidInput
from codex.items import GraderName, Item, graders, named, without_choices
from codex.outputs import output
from codex.store import Store
from codex.store.codec.nouns import decode, encode, parts
from codex.store.codec.observations import observation_of, observation_row
from codex.store.codec.values import number, text
from codex.types import Generation, Observation, Origin, Record

LONGEST_LINE = 64 * 2**20
"""Bytes; an answer with ten samples has up to 0.2 MB."""
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Generated:
    """One line: a question, what a model answered, and what is known of that answer."""

    id: str
    group: str
    """The set it comes from; the file's name where that is not said."""
    answers: tuple[str, ...]
    """Accepted ones."""
    answerable: bool
    """False: only a refusal is correct."""
    observation: Observation
    correct: bool | None = None
    """None: not graded yet."""
    grade: float | None = None
    seconds: float = 0.0
    error: str = ""
    origin: Origin | None = None
    """None: the file does not say."""
    choices: tuple[str, ...] = ()
    """Of a multiple choice, in order."""
    labels: tuple[str, ...] = ()
    """What its set calls the choices; (): A, B, C ..."""
    grader: GraderName | None = None
    """What the verdict is from, and grades it again; None: the kind of answer decides."""
    by_person: bool = False
    """Whether the verdict is a person's; then no grader's counts."""
    grader_correct: bool | None = None
    """The grader's own verdict, where a person's counts instead."""

    @property
    def item(self) -> Item:
        """The question, for a grader."""
        return Item(
            self.id,
            without_choices(self.observation.question, self.choices, self.labels),
            self.answers,
            self.group,
            answerable=self.answerable,
            # A judge is a model, which a file has not.
            grader=None if self.grader == "judge" else self.grader,
            choices=self.choices,
            labels=self.labels,
        )


SHARED = tuple(name for name in Generated.__slots__ if name in Record.__slots__ and name != "grader")
"""What a line says of an answer as a record does."""
MORE = tuple(
    part
    for part in parts(Generated)
    if part.name
    not in (
        "id",
        "group",
        "answers",
        "answerable",
        "observation",
        "correct",
        "grade",
        "seconds",
        "error",
        "origin",
        "choices",
        "labels",
        "grader",
    )
)
"""Fields that came later: each under its name, as store/codec/nouns.py writes it."""


def read(path: Path) -> Iterator[Generated]:
    """The lines of a file, one by one; empty ones are passed over.

    Raises InvalidInput naming the file, the line and what is wrong with it: no UTF-8, no JSON, a key that
    is missing or of the wrong type, an id that came before.
    """
    seen: dict[str, int] = {}
    # A name that is not UTF-8 is no text that can be kept.
    group = path.name.encode(errors="replace").decode().removesuffix(".gz").removesuffix(".jsonl")
    for at, line in enumerate(_lines(path), start=1):
        try:
            stripped = line.decode("utf-8-sig" if at == 1 else "utf-8").strip()
            if not stripped:
                continue
            generated = _generated(json.loads(stripped), group)
        except KeyError as error:
            raise _bad(path, at, f"there is no key {error}") from error
        except UnicodeDecodeError as error:
            raise _bad(path, at, "it is not UTF-8; save the file in that encoding") from error
        except json.JSONDecodeError as error:
            raise _bad(path, at, f"it is not JSON: {error}") from error
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise _bad(path, at, str(error)) from error
        if generated.id in seen:
            known = reprlib.repr(generated.id)
            raise _bad(path, at, f"the id {known} is that of line {seen[generated.id]}")
        seen[generated.id] = at
        yield generated
    if not seen:
        raise InvalidInput(f"{path} holds no generations: it is empty.", ["generations"])


def write(path: Path, generations: Iterable[Generated]) -> int:
    """Write generations to a file, compressed when it ends in .gz; returns how many.

    Raises InvalidInput when it cannot be written.
    """
    return write_lines(path, map(line_of, generations))


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """The same of generations that are lines already."""
    written = 0
    with output(path) as raw, _packed(raw, path) as packed:
        for line in lines:
            packed.write(line.encode())
            written += 1
    return written


def line_of(generated: Generated) -> str:
    """A generation as a line of a file, with its end."""
    return json.dumps(_row(generated), allow_nan=False) + "\n"


def generated_of(record: Record, origin: Origin | None = None) -> Generated:
    """A record as it is written; its signals are computed again when it is read."""
    shared: Any = {name: getattr(record, name) for name in SHARED}
    return Generated(**shared, answerable=bool(record.answers), grader=named(record.grader), origin=origin)


def generated_of_traces(store: Store) -> Iterator[Generated]:
    """Every answer of the Ask page, the oldest first, with what a person said of it."""
    for trace, correct in store.labelled_traces():
        yield Generated(
            trace.id,
            "traces",
            (),
            True,
            trace.last.observation,
            correct,
            seconds=trace.seconds,
            origin=trace.origin,
        )


def _generated(row: Any, group: str) -> Generated:
    if not isinstance(row, dict):
        raise TypeError(f"it is {type(row).__name__}, not an object")
    answers = _texts(row, "answers")
    observation = observation_of(row)
    choices, labels = _texts(row, "choices"), _texts(row, "labels")
    if labels and len(labels) != len(choices):
        raise ValueError(f"there are {len(labels)} labels for {len(choices)} choices")
    correct, grade = row.get("correct", row.get("right")), row.get("grade")
    if not (correct is None or isinstance(correct, bool)):
        raise TypeError(f"correct is {reprlib.repr(correct)}, not true, false or null")
    return Generated(
        id=_id(row["id"]),
        group=text(row.get("set") or group, "set"),
        answers=answers,
        answerable=row.get("answerable") is not False,
        observation=replace(observation, generation=_with_entropies(observation.generation)),
        correct=correct,
        grade=None if grade is None else number(grade, "grade"),
        seconds=number(row.get("seconds") or 0.0, "seconds"),
        error=text(row.get("error") or "", "error"),
        origin=_origin(row["asked"]) if row.get("asked") else None,
        choices=choices,
        labels=labels,
        grader=_grader(row.get("grader")),
        **{part.name: part.form.read(row[part.name]) for part in MORE if row.get(part.name) is not None},
    )


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = row.get(key) or []
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise TypeError(f"{key} is not a list of texts")
    return tuple(text(each, key) for each in texts)


def _grader(name: object) -> GraderName | None:
    found = named(name)
    if name and found is None:
        raise ValueError(f"there is no grader {reprlib.repr(name)}; there are: {', '.join(graders())}")
    return found


def _with_entropies(generation: Generation) -> Generation:
    """The estimate of `engines.entropy` at each token that has alternatives, unless entropies were stored.

    How many tokens the model has is not stored: it is at least one more than the largest number of a token
    that is. A vocabulary taken at a third of its size puts the estimate lower by half of ln 3 times the mass
    that the alternatives leave.
    """
    tokens = generation.tokens
    if any(token.entropy is not None for token in tokens) or not any(it.alternatives for it in tokens):
        return generation
    least = 1 + max(max(token.id, *(it.id for it in token.alternatives)) for token in tokens)
    filled = (
        replace(
            token,
            entropy=entropy_estimate(
                (other.logprob for other in token.alternatives), max(least, len(token.alternatives) + 1)
            ),
        )
        if token.alternatives
        else token
        for token in tokens
    )
    return replace(generation, tokens=tuple(filled))


def _origin(row: Any) -> Origin:
    known = {"prompt": "", "sample_temperature": 1.0} | row if isinstance(row, dict) else row
    return decode(Origin, known, "asked")


def _id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not text(value, "id"):
        raise ValueError("the id is empty")
    return str(value)


def _row(generated: Generated) -> Mapping[str, object]:
    observed = observation_row(generated.observation)
    row: dict[str, object] = {
        "id": generated.id,
        "set": generated.group,
        "question": observed.pop("question"),
        "answers": list(generated.answers),
        "answerable": generated.answerable,
        **observed,
    }
    if generated.choices:
        row["choices"] = list(generated.choices)
    if generated.labels:
        row["labels"] = list(generated.labels)
    known = {
        "correct": generated.correct,
        "grade": generated.grade,
        "grader": generated.grader,
        "seconds": generated.seconds or None,
        "error": generated.error or None,
        "asked": encode(generated.origin) if generated.origin else None,
    }
    for part in MORE:
        if (value := getattr(generated, part.name)) != part.default:
            known[part.name] = part.form.write(value)
    return row | {name: value for name, value in known.items() if value is not None}


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            lines: BinaryIO = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
            while line := lines.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise InvalidInput(
                        f"{path} has a line of more than {LONGEST_LINE // 2**20} MB: "
                        "write one JSON object a line.",
                        ["generations"],
                    )
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{path} is cut off or damaged: {error}.", ["generations"]) from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", ["generations"]) from error


@contextmanager
def _packed(raw: BinaryIO, path: Path) -> Iterator[Any]:
    if path.suffix != ".gz":
        yield raw
        return
    # Without a name and a time in its header, equal content makes an equal file.
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
        yield packed


def _bad(path: Path, number: int, why: str) -> InvalidInput:
    return InvalidInput(f"{path}, line {number}: {why}.", ["generations"])
