"""Labels leave as a file and come in from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np

from codex.errors import InvalidInput, NotFound
from codex.labelling.formats import FormatName, format_named, read
from codex.labelling.rows import LabelRow, Problem, Span, characters, tokens_at
from codex.labelling.sampling import probabilities
from codex.store import Store
from codex.store.labelling.labels import Came, Exported, Label, LabelsUnfit, checked
from codex.types import Generation

NAMED = 3
"""Rows that an error names; it counts the others."""
AHEAD = timedelta(days=1)
"""How far a label may be ahead of this machine's clock."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which labels: all, where nothing is named."""

    run_id: str | None = None
    """"": of the Ask page."""
    queue_id: str | None = None


ALL = Scope()


def label_rows(store: Store, scope: Scope = ALL) -> Iterator[LabelRow]:
    """Labels with their answers, in the order in which they were made. Raises NotFound."""
    if scope.run_id:
        store.runs.get(scope.run_id)
    known: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    if scope.queue_id is not None:
        store.label_queues.get(scope.queue_id)
        known = _of_queue(store, scope.queue_id)
    for each in store.labels.exported(scope.run_id, scope.queue_id):
        key = (each.label.run_id, each.label.question_id)
        confidence, probability = known.get(key, (each.confidence, None))
        yield _row(store, each, confidence, probability)


def export_labels(store: Store, name: str, out: BinaryIO, scope: Scope = ALL) -> int:
    """Write labels in a format; returns how many. Raises InvalidInput, NotFound."""
    form, count = format_named(name), 0

    def counted() -> Iterator[LabelRow]:
        nonlocal count
        for row in label_rows(store, scope):
            count += 1
            yield row

    form.write(counted(), out)
    return count


def import_labels(store: Store, path: Path, name: FormatName | None = None) -> Came:
    """Take in the labels of a file, all of them or none; a labeller's later label counts.

    name: of the format; None: the file's ending says it. Raises InvalidInput, which names the rows that
    cannot be used and why.
    """
    rows: list[tuple[int, Label]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str, str], tuple[int, Label]] = {}
    for found in read(path, name):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        number = found.number
        try:
            label = checked(_placed(store, found))
        except InvalidInput as wrong:
            problems.append(Problem(number, (*wrong.fields, "any")[0], str(wrong)))
            continue
        who = (label.run_id, label.question_id, label.labeller)
        if who not in seen:
            seen[who] = (number, label)
            rows.append((number, label))
            problems += _of_another_time(number, label)
        elif label != seen[who][1]:
            why = f"row {seen[who][0]:,} has another label of the same labeller for this answer: keep one."
            problems.append(Problem(number, "question_id", why))
    if not rows and not problems:
        raise InvalidInput(f"{path.name} holds no label.", ["file"])
    if problems:
        raise _refused(path.name, problems)
    try:
        return store.labels.put_all([label for _, label in rows])
    except LabelsUnfit as unfit:
        found_problems = [Problem(rows[at][0], "question_id", why) for at, why in unfit.why.items()]
        raise _refused(path.name, found_problems) from unfit


def _row(store: Store, each: Exported, confidence: float | None, probability: float | None) -> LabelRow:
    label = each.label
    pieces: tuple[Span, ...] = ()
    if label.spans and (generation := _generation(store, label)):
        shown = characters(generation)
        last = len(shown) - 1
        inside = [(min(a, last), min(z, last)) for a, z in label.spans] if shown else []
        pieces = tuple((shown[a][0], shown[z][1]) for a, z in inside)
    return LabelRow(
        label,
        each.question,
        each.answer,
        each.model,
        confidence,
        probability,
        pieces or ((0, 0),) * len(label.spans),
    )


def _placed(store: Store, row: LabelRow) -> Label:
    """The label with every span in tokens of its answer. Raises InvalidInput."""
    label = row.label
    if not row.unplaced:
        return label
    generation = _generation(store, label)
    if generation is None:  # It is said that the answer is not here.
        return label
    spans = [tokens_at(generation, piece) for piece in row.unplaced]
    for piece, span in zip(row.unplaced, spans, strict=True):
        if span is None:
            start, end = piece
            raise InvalidInput(
                f"the answer has no characters {start} to {end}; it has {len(generation.text):,}.", ["spans"]
            )
    return replace(label, spans=(*label.spans, *(span for span in spans if span is not None)))


def _generation(store: Store, label: Label) -> Generation | None:
    with suppress(NotFound):
        if label.run_id:
            return store.runs.record(label.run_id, label.question_id).observation.generation
        return store.load(label.question_id).last.observation.generation
    return None


def _of_queue(store: Store, queue_id: str) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Of each answer of a queue its confidence, and how likely it was to be labelled by now."""
    found = store.label_queues.standing(queue_id)
    # What was labelled out of turn was not drawn.
    chance = np.where(found.rank < found.next_rank, probabilities(found.weight, found.next_rank), np.nan)
    return {
        key: (_known(confidence), _known(probability))
        for key, confidence, probability in zip(
            found.keys, found.confidence.tolist(), chance.tolist(), strict=True
        )
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _of_another_time(number: int, label: Label) -> Iterator[Problem]:
    if label.made_at and label.made_at > datetime.now(UTC) + AHEAD:
        yield Problem(
            number, "made_at", f"{label.made_at:%Y-%m-%d} lies ahead: set the time, or leave it out."
        )


def _refused(file: str, problems: Sequence[Problem]) -> InvalidInput:
    ordered = sorted(problems, key=lambda each: each.row)
    named = " ".join(map(str, ordered[:NAMED]))
    more = f" {len(ordered) - NAMED:,} more rows cannot be used." if len(ordered) > NAMED else ""
    columns = dict.fromkeys(each.column for each in ordered)
    return InvalidInput(f"Nothing of {file} was imported. {named}{more}", [*columns])
