"""Labels as records of Argilla 2, as `dataset.records.to_json` writes them: a record for each answer.

Fields are question and answer; questions are verdict (LabelQuestion), correction and note (TextQuestion),
tags (MultiLabelQuestion) and spans (SpanQuestion on the answer). Users of Argilla are known by a UUID: that
of a labeller is made of the name, and `metadata` says the names, times and tokens by it. Source:
https://docs.argilla.io/latest/reference/argilla/records/records/
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from codex.labelling.formats import json_list
from codex.labelling.formats.columns import moment, share, text, texts, verdict
from codex.labelling.formats.json_list import Entry, part
from codex.labelling.rows import LabelRow, Problem, Span, Unusable
from codex.store.labelling.labels import Label

TEXTS = ("correction", "note")
QUESTIONS = ("verdict", *TEXTS, "tags", "spans")


def write(rows: Iterable[LabelRow], out: BinaryIO) -> None:
    """A record for each answer."""
    json_list.write(map(_record, json_list.by_answer(rows)), out)


def read(data: str) -> Iterator[LabelRow | Problem]:
    """The labels, and why records cannot be used. Raises Unusable for what is no list of records."""
    return json_list.read(data, _rows)


def user_id(labeller: str) -> str:
    """The UUID that stands for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"codex:{labeller}"))


def _record(rows: list[LabelRow]) -> Entry:
    first = rows[0]
    run, question = first.label.run_id, first.label.question_id
    metadata: Entry = {"run_id": run, "question_id": question, "model": first.model}
    metadata |= {
        name: value for name in ("confidence", "probability") if (value := getattr(first, name)) is not None
    }
    told: dict[str, list[str]] = {"labellers": [], "made_at": [], "adjudicated": [], "tokens": []}
    responses: dict[str, list[Entry]] = {}
    for row in rows:
        label, user = row.label, user_id(row.label.labeller)
        told["labellers"].append(f"{user} {label.labeller}")
        if label.made_at:
            told["made_at"].append(f"{user} {label.made_at.isoformat()}")
        if label.adjudicated:
            told["adjudicated"].append(user)
        for (a, z), (start, end) in zip(label.spans, row.pieces, strict=True):
            told["tokens"].append(f"{user} {start} {end} {a} {z}")
        values: Entry = {name: getattr(label, name) for name in ("verdict", *TEXTS)}
        values["tags"] = list(label.tags)
        values["spans"] = [{"start": a, "end": z, "label": "incorrect"} for a, z in row.pieces]
        for name, value in values.items():
            if value:
                responses.setdefault(name, []).append({"value": value, "user_id": user})
    return {
        "id": f"{run}/{question}",
        "fields": {"question": first.question, "answer": first.answer},
        "metadata": metadata | {name: listed for name, listed in told.items() if listed},
        "suggestions": {},
        "responses": responses,
        "vectors": {},
        "_server_id": None,
    }


def _rows(record: Entry) -> Iterator[LabelRow]:
    metadata, fields, responses = (part(record, name) for name in ("metadata", "fields", "responses"))
    run = text("metadata.run_id", metadata.get("run_id"))
    question = text("metadata.question_id", metadata.get("question_id"))
    if not question:
        raise Unusable("metadata.question_id", "it is missing: a record names the answer that it is about.")
    unknown = next((name for name in responses if name not in QUESTIONS), None)
    if unknown is not None:
        raise Unusable(
            f"responses.{unknown[:60]}", f"no label has it: {', '.join(QUESTIONS)} are read. Remove it."
        )
    about: dict[str, Any] = {
        "model": text("metadata.model", metadata.get("model")),
        **{name: text(f"fields.{name}", fields.get(name)) for name in ("question", "answer")},
        **{name: share(f"metadata.{name}", metadata.get(name)) for name in ("confidence", "probability")},
    }
    names, times = _by_user(metadata, "labellers"), _by_user(metadata, "made_at")
    adjudicated = set(_by_user(metadata, "adjudicated"))
    tokens = _tokens(metadata)
    for user, values in _by_users(responses).items():
        if "verdict" not in values:
            raise Unusable("responses.verdict", f"the user {user} gave none.")
        placed = [(piece, tokens.get((user, *piece))) for piece in _pieces(values.pop("spans", None))]
        label = Label(
            run,
            question,
            verdict("responses.verdict", values["verdict"]),
            names.get(user, user),
            text("responses.correction", values.get("correction")),
            text("responses.note", values.get("note")),
            texts("responses.tags", values.get("tags")),
            tuple(span for _, span in placed if span is not None),
            user in adjudicated,
            moment("metadata.made_at", times.get(user)),
        )
        yield LabelRow(label, **about, unplaced=tuple(piece for piece, span in placed if span is None))


def _by_users(responses: Entry) -> dict[str, dict[str, Any]]:
    """user -> question -> value."""
    found: dict[str, dict[str, Any]] = {}
    for name in responses:
        for response in part(responses, name, kind=list):
            if not isinstance(response, dict):
                raise Unusable(f"responses.{name}", "one of them is no object.")
            if response.get("status") not in (None, "submitted"):  # A draft, or discarded.
                continue
            found.setdefault(str(response.get("user_id") or ""), {})[name] = response.get("value")
    return found


def _by_user(metadata: Entry, name: str) -> dict[str, str]:
    """user -> what is said of them, in a list of "user value"."""
    pairs = (each.partition(" ") for each in texts(f"metadata.{name}", metadata.get(name)))
    return {user: value for user, _, value in pairs}


def _tokens(metadata: Entry) -> dict[tuple[str, int, int], Span]:
    """user, start and end of a span -> its tokens."""
    found: dict[tuple[str, int, int], Span] = {}
    for each in texts("metadata.tokens", metadata.get("tokens")):
        user, *numbers = each.split(" ")
        try:
            start, end, first, last = map(int, numbers)
        except ValueError as error:
            raise Unusable("metadata.tokens", f"{each[:60]!r} is no user and four numbers.") from error
        found[user, start, end] = (first, last)
    return found


def _pieces(value: object) -> list[Span]:
    if not isinstance(value, list | None):
        raise Unusable("responses.spans", "it is no list.")
    found = []
    for span in value or ():
        start, end = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
        if not (isinstance(start, int) and isinstance(end, int)):
            raise Unusable("responses.spans", "a span has no start and end.")
        found.append((start, end))
    return found
