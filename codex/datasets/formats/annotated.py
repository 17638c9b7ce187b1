"""Exports of Label Studio and Argilla: what people answered becomes a column beside what they were shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from codex.datasets.formats.answers import SUBMITTED
from codex.datasets.formats.cells import squeezed
from codex.errors import InvalidInput

Values = Mapping[str, object]
ANSWERS = ("answer", "answers", "correct_answer", "response", "label")
"""Names of the control, or of the form's question, that holds the answer; else it is the only one."""
_SHORT_FORM = frozenset(
    {"id", "annotator", "annotationid", "createdat", "updatedat", "leadtime", "agreement", "project"}
)
"""Columns of Label Studio's short form besides those of the task and of its controls, squeezed."""
_OF_VALUE = ("text", "choices", "number", "rating", "taxonomy", "labels", "datetime")
"""Under which a result of Label Studio has what was typed or chosen."""


def plain(values: Values, named: Mapping[str, str]) -> Values:
    """The row of a record; any other row as it is. named: each column by its squeezed name.

    Raises InvalidInput for a record that nobody answered, or that people answered differently by choice.
    """
    if {"data", "annotations"} <= named.keys() and isinstance(values[named["data"]], Mapping):
        return _task(values)
    if {"fields", "responses"} <= named.keys() and isinstance(values[named["fields"]], Mapping):
        return _record(values)
    flat = [name for name in values if name.endswith(".responses")]
    if flat:
        return _flat_record(values, flat)
    return _short_task(values, named) if {"annotationid", "leadtime"} <= named.keys() else values


def _task(values: Values) -> Values:
    """A task of Label Studio."""
    data = values["data"]
    given = _annotations(values)
    answers = [_results(each) for each in given]
    controls = list(dict.fromkeys(name for each in answers for name in each))
    if not controls:
        raise InvalidInput("nobody annotated it")
    row: dict[str, object] = {"id": values.get("id"), **(data if isinstance(data, Mapping) else {})}
    for name in controls:
        row[name] = _agreed(name, [each[name] for each in answers if name in each])
    return _shown(_named(row, controls), controls)


def _short_task(values: Values, named: Mapping[str, str]) -> Values:
    """A task of Label Studio in its short form, or in CSV: all that was shown or answered is a column."""
    own = [column for name, column in named.items() if name not in _SHORT_FORM]
    if any(squeezed(name) in map(squeezed, ANSWERS) for name in own):
        return _shown(dict(values), ANSWERS)
    shown = [name for name in own if squeezed(name) in ("question", "query", "prompt", "text", "context")]
    controls = [name for name in own if name not in shown]
    return _shown(_named(dict(values), controls), controls)


def _annotations(values: Values) -> list[Values]:
    held = values.get("annotations")
    all_of_them = (
        [each for each in held if isinstance(each, Mapping)] if isinstance(held, list | tuple) else []
    )
    kept = [each for each in all_of_them if not each.get("was_cancelled")]
    return [each for each in kept if each.get("ground_truth")] or kept


def _results(annotation: Values) -> dict[str, tuple[str, list[object]]]:
    """Of each control its type and what was given in it."""
    found: dict[str, tuple[str, list[object]]] = {}
    held = annotation.get("result")
    for each in held if isinstance(held, list | tuple) else ():
        value = each.get("value") if isinstance(each, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        given = next((value[key] for key in _OF_VALUE if key in value), None)
        if given is None:
            continue
        name, kind = str(each.get("from_name", "answer")), str(each.get("type", ""))
        texts = list(given) if isinstance(given, list | tuple) else [given]
        found.setdefault(name, (kind, []))[1].extend(texts)
    return found


def _agreed(name: str, given: Sequence[tuple[str, list[object]]]) -> list[object]:
    """All that was typed; of choices what all chose."""
    texts = list(dict.fromkeys(str(text) for _, each in given for text in each))
    if any(kind == "choices" for kind, _ in given) and any(each != given[0][1] for _, each in given):
        raise InvalidInput(f"its annotators chose differently for {name}: {', '.join(texts)[:80]}")
    values: list[object] = []
    for _, each in given:
        values += [value for value in each if value not in values]
    return values


def _record(values: Values) -> Values:
    """A record of Argilla, of either version."""
    fields = values["fields"]
    names: dict[str, list[object]] = {}
    for name, value in _responses(values["responses"]):
        names.setdefault(name, []).append(value)
    if not names:
        suggested = ", there are only suggestions" if values.get("suggestions") else ""
        raise InvalidInput(f"nobody submitted a response{suggested}")
    own_id = next((values[key] for key in ("external_id", "id") if values.get(key)), None)
    metadata = values.get("metadata")
    row = {**(metadata if isinstance(metadata, Mapping) else {}), "id": own_id}
    row |= fields if isinstance(fields, Mapping) else {}
    return _shown(_named({**row, **names}, list(names)), list(names))


def _responses(held: object) -> Iterator[tuple[str, object]]:
    """Each submitted answer with the name of its question."""
    if isinstance(held, Mapping):
        for name, given in held.items():
            for each in given if isinstance(given, list | tuple) else ():
                if isinstance(each, Mapping) and each.get("status") in SUBMITTED:
                    yield str(name), each.get("value")
        return
    for each in held if isinstance(held, list | tuple) else ():
        values = each.get("values") if isinstance(each, Mapping) else None
        if not isinstance(values, Mapping) or each.get("status") not in SUBMITTED:
            continue
        for name, given in values.items():
            yield str(name), given.get("value") if isinstance(given, Mapping) else given


def _flat_record(values: Values, columns: Sequence[str]) -> Values:
    """A record of Argilla as a table has it: `answer.responses` with `answer.responses.status`."""
    row = {name: value for name, value in values.items() if ".responses" not in name}
    names = []
    for column in columns:
        name, given, status = (
            column.removesuffix(".responses"),
            values[column],
            values.get(f"{column}.status"),
        )
        if isinstance(given, list | tuple):
            states = status if isinstance(status, list | tuple) else [None] * len(given)
            pairs = zip(given, states, strict=False)
            given = [value for value, state in pairs if state in SUBMITTED]
        if given:
            row[name] = given
            names.append(name)
    if not names:
        raise InvalidInput("nobody submitted a response")
    return _named(row, names)


def _named(row: dict[str, object], controls: Sequence[str]) -> dict[str, object]:
    """With the column `answers`, where none of those that were filled in is called so."""
    if any(squeezed(name) in map(squeezed, ANSWERS) for name in controls):
        return row
    if len(controls) == 1:
        return {**row, "answers": row[controls[0]]}
    return row


def _shown(row: dict[str, object], controls: Sequence[str]) -> dict[str, object]:
    """With the column `question` and `context`, from the texts that people were shown."""
    left_out = {*controls, "answers", "id"}
    texts = [name for name, value in row.items() if isinstance(value, str) and name not in left_out]
    texts = [name for name in texts if squeezed(name) not in _SHORT_FORM]
    has_question = any(squeezed(name) in ("question", "query", "prompt") for name in texts)
    if has_question and "text" in texts and "context" not in row:
        return {**row, "context": row["text"]}
    if not has_question and texts == ["text"]:
        return {**row, "question": row["text"]}
    return row
