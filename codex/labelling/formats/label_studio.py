"""Labels as tasks of Label Studio: a task for each answer, an annotation for each label.

The controls are verdict (Choices), correction, note, tags and labeller (TextArea), and spans (Labels on the
answer). docs/labels.md has the interface that shows them. Offsets are characters of the answer, end excluded;
the tokens of a span stand in its `meta` beside the offsets that they were. Source:
https://labelstud.io/guide/task_format.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from codex.labelling.formats import json_list
from codex.labelling.formats.columns import moment, share, text, truth, verdict
from codex.labelling.formats.json_list import Entry, part
from codex.labelling.rows import LabelRow, Problem, Span, Unusable
from codex.store.labelling.labels import Label

TEXTS = ("correction", "note", "labeller")


def write(rows: Iterable[LabelRow], out: BinaryIO) -> None:
    """A task for each answer."""
    answers = json_list.by_answer(rows)
    json_list.write((_task(number, group) for number, group in enumerate(answers, 1)), out)


def read(data: str) -> Iterator[LabelRow | Problem]:
    """The labels, and why tasks cannot be used. Raises Unusable for what is no list of tasks."""
    return json_list.read(data, _rows)


def _task(number: int, rows: list[LabelRow]) -> Entry:
    first = rows[0]
    data = {
        "run_id": first.label.run_id,
        "question_id": first.label.question_id,
        **{name: getattr(first, name) for name in ("question", "answer", "model")},
        **{name: getattr(first, name) for name in ("confidence", "probability")},
    }
    return {"id": number, "data": data, "annotations": list(map(_annotation, rows)), "predictions": []}


def _annotation(row: LabelRow) -> Entry:
    label = row.label
    made_at = label.made_at.isoformat() if label.made_at else None
    results = [_result("verdict", "choices", {"choices": [label.verdict]})]
    for name, texts in {**{name: (getattr(label, name),) for name in TEXTS}, "tags": label.tags}.items():
        if any(texts):
            results.append(_result(name, "textarea", {"text": list(texts)}))
    for (first, last), (start, end) in zip(label.spans, row.pieces, strict=True):
        value = {"start": start, "end": end, "text": row.answer[start:end], "labels": ["incorrect"]}
        meta = {"start": start, "end": end, "first": first, "last": last}
        results.append(_result("spans", "labels", value) | {"id": f"span-{first}-{last}", "meta": meta})
    return {
        "result": results,
        "was_cancelled": False,
        "ground_truth": label.adjudicated,
        "created_at": made_at,
    }


def _result(name: str, kind: str, value: Entry) -> Entry:
    return {"id": name, "from_name": name, "to_name": "answer", "type": kind, "value": value}


def _rows(task: Entry) -> Iterator[LabelRow]:
    data = part(task, "data")
    about: dict[str, Any] = {
        **{name: text(f"data.{name}", data.get(name)) for name in ("question", "answer", "model")},
        **{name: share(f"data.{name}", data.get(name)) for name in ("confidence", "probability")},
    }
    run, question = (text(f"data.{name}", data.get(name)) for name in ("run_id", "question_id"))
    if not question:
        raise Unusable("data.question_id", "it is missing: a task names the answer that it is about.")
    for annotation in part(task, "annotations", kind=list):
        if not isinstance(annotation, dict):
            raise Unusable("annotations", "one of them is no object.")
        if annotation.get("was_cancelled"):  # Skipped.
            continue
        said, spans, unplaced = _said(part(annotation, "result", kind=list))
        if "verdict" not in said:
            raise Unusable("annotations.result", "an annotation has no verdict.")
        word = verdict("annotations.result.verdict", said.pop("verdict"))
        said.setdefault("labeller", _completed_by(annotation.get("completed_by")))
        label = Label(
            run,
            question,
            word,
            spans=spans,
            adjudicated=truth("annotations.ground_truth", annotation.get("ground_truth")),
            made_at=moment("annotations.created_at", annotation.get("created_at")),
            **said,
        )
        yield LabelRow(label, **about, unplaced=unplaced)


def _said(results: list[Any]) -> tuple[dict[str, Any], tuple[Span, ...], tuple[Span, ...]]:
    """Fields of a label, its spans in tokens, and those of which the characters alone are known."""
    said: dict[str, Any] = {}
    spans: list[Span] = []
    unplaced: list[Span] = []
    for result in results:
        if not isinstance(result, dict):
            raise Unusable("annotations.result", "one of them is no object.")
        name, value = result.get("from_name"), part(result, "value")
        if name == "verdict" and (found := part(value, "choices", kind=list)):
            said["verdict"] = found[0]
        elif name in (*TEXTS, "tags"):
            texts = value.get("text")
            column = f"annotations.result.{name}"
            words = tuple(text(column, each) for each in (texts if isinstance(texts, list) else [texts]))
            said[name] = words if name == "tags" else "\n".join(words)
        elif result.get("type") == "labels":
            start, end = (value.get(name) for name in ("start", "end"))
            if not (isinstance(start, int) and isinstance(end, int)):
                raise Unusable("annotations.result.spans", "a span has no start and end.")
            tokens = _tokens(result.get("meta"), (start, end))
            if tokens:
                spans.append(tokens)
            else:
                unplaced.append((start, end))
        else:
            raise Unusable(
                "annotations.result.from_name",
                f"no label has {str(name)[:60]!r}: verdict, {', '.join(TEXTS)}, tags and spans are read.",
            )
    return said, tuple(spans), tuple(unplaced)


def _tokens(meta: object, piece: Span) -> Span | None:
    """Its tokens, where they are known: who moves a span does not move what is written beside it."""
    if not isinstance(meta, dict) or (meta.get("start"), meta.get("end")) != piece:
        return None
    first, last = meta.get("first"), meta.get("last")
    return (first, last) if isinstance(first, int) and isinstance(last, int) else None


def _completed_by(value: object) -> str:
    """Who annotated: a number, or an account."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return "" if value is None else str(value)
