"""Rows of JSON: an object a line, one list, or one list somewhere inside; of any size, one after another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

import ijson

from codex.datasets.column_names import NAMES
from codex.datasets.formats.cells import squeezed
from codex.datasets.text_files import MOST_CHARACTERS, Rejected, Row, lines, too_long
from codex.errors import InvalidInput

LARGEST = 16 * MOST_CHARACTERS
"""Characters of an element of a list, which may be an article with all its questions."""
_ROWS = frozenset({"question", "query", "qapairs", "qas", "paragraphs", "responses"})
"""Names by which an object outside of lists is recognised as a row."""
_LIKELY = frozenset({*_ROWS, *NAMES["question"], "row", "data", "fields"})
"""Names by which the first object of a list is taken for a row, where there are several lists."""
_SPLIT = frozenset({"columns", "data"})
"""Lists at the top of a table that pandas writes as "split": the names, and lists of values."""
MOST_LISTS = 100
"""Places of lists that are remembered."""
_EVENT = 16
"""Characters that a value counts besides its own."""
_NOT_IN_JSON = re.compile(r'\\.|"|(?P<word>-?\b(?:NaN|Infinity)\b)', re.DOTALL)
Event = tuple[str, object]


class _Place(NamedTuple):
    """Where the rows of a file are."""

    path: tuple[str, ...]
    """The names of objects that lead to them."""
    how: str
    """"list": they are its elements; "object": its values; "row": it is one."""


def rows(text: TextIO, path: Path) -> Iterator[Row | Rejected]:
    """The rows of a file. Raises InvalidInput for one that is no JSON, or has no list or several."""
    has_lines = _has_lines(text, path)
    text.seek(0)
    yield from _of_lines(text) if has_lines else _of_whole(text, path)


def _has_lines(text: TextIO, path: Path) -> bool:
    """Whether the file has an object a line: by its name, unless it is one list; else by its beginning."""
    first, second = _line(text).lstrip(), _line(text).lstrip()
    if path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        return not first.startswith("[") or bool(second and _is_whole(first))
    return first.startswith("{") and second.startswith("{") and _is_whole(first)


def _line(text: TextIO) -> str:
    """The next line that is not empty, or its beginning."""
    while (line := text.readline(MOST_CHARACTERS)) and not line.strip():
        pass
    return line


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _of_lines(text: TextIO) -> Iterator[Row | Rejected]:
    for number, line in lines(text):
        if line is None:
            yield Rejected(number, too_long())
        elif line.strip():
            yield _object(number, line)


def _object(number: int, line: str) -> Row | Rejected:
    try:
        values = json.loads(line)
    except RecursionError:
        return Rejected(number, "it is nested too deeply")
    except ValueError as wrong:
        return Rejected(number, f"it is not JSON: {wrong}")
    return _row(number, values)


def _row(number: int, values: object) -> Row | Rejected:
    if not isinstance(values, dict):
        return Rejected(number, f"it is a JSON {type(values).__name__}, not an object")
    return Row(number, values)


class _Bytes:
    """A text as UTF-8 for the parser; NaN and Infinity, which Python writes and JSON lacks, as null."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._in_string = False

    def read(self, size: int) -> bytes:
        chunk = self._text.read(size)
        end: list[str] = []
        # A word, and an escape, is never cut.
        last = chunk[-1:]
        while last.isalpha() or last in ("\\", "-"):
            last = self._text.read(1)
            end.append(last)
        chunk += "".join(end)
        if "NaN" in chunk or "Infinity" in chunk:
            return _NOT_IN_JSON.sub(self._written, chunk).encode("utf-8", "surrogateescape")
        quotes = chunk.replace("\\\\", "").replace('\\"', "").count('"')
        self._in_string ^= quotes % 2 == 1
        return chunk.encode("utf-8", "surrogateescape")

    def _written(self, found: re.Match[str]) -> str:
        self._in_string ^= found[0] == '"'
        return "null" if found["word"] and not self._in_string else found[0]


def _of_whole(text: TextIO, path: Path) -> Iterator[Row | Rejected]:
    try:
        place = _place(_events(text), path)
        text.seek(0)
        for number, element in enumerate(_elements(_events(text), place), 1):
            if element is _TOO_LONG:
                yield Rejected(number, f"it is longer than {LARGEST:,} characters")
            elif place.how == "row" and isinstance(element, dict) and _is_of_columns(element):
                yield from _transposed(element)
            elif place.how == "row" and isinstance(element, dict) and _is_split(element):
                yield from _joined(element["columns"], element["data"])
            else:
                yield _row(number, element)
    except ijson.JSONError as wrong:
        raise InvalidInput(f"{path.name} is not JSON: {_why(wrong)}.") from wrong


def _why(wrong: ijson.JSONError) -> str:
    said = wrong.args[0] if wrong.args else "it is cut off"
    text = " ".join((said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)).split())
    if "UTF8" in text:
        return "it is not UTF-8: say its encoding, e.g. --encoding latin-1"
    return text[:200]


_TOO_LONG = object()


def _events(text: TextIO) -> Iterator[Event]:
    yield from ijson.basic_parse(_Bytes(text), use_float=True)


def _place(events: Iterator[Event], path: Path) -> _Place:
    """A list at the top; else the only list of objects that objects lead to; else objects that are rows."""
    at: list[str] = []
    lists: dict[tuple[str, ...], bool] = {}
    objects: list[tuple[str, ...]] = []
    is_row = False
    bare: set[str] = set()
    for event, value in events:
        if event == "start_array":
            if not at:
                return _Place((), "list")
            names = _skipped(events)
            bare |= {at[0]} if names is None and len(at) == 1 else set()
            if names is not None and len(lists) < MOST_LISTS:
                lists.setdefault(tuple(at), bool(names & _LIKELY))
        elif event == "start_map":
            at.append("")
        elif event == "end_map":
            at.pop()
        elif event == "map_key":
            at[-1] = str(value)
            if squeezed(str(value)) in _ROWS:
                is_row |= len(at) == 1
                if len(at) > 1 and len(objects) < MOST_LISTS and tuple(at[:-2]) not in objects:
                    objects.append(tuple(at[:-2]))
    found = _found(lists, objects)
    if len(found) > 1:
        told = ", ".join(".".join(each.path) or "the whole" for each in found[:4])
        raise InvalidInput(f"{path.name} has several lists of questions, {told}: keep one of them.")
    if not found and not is_row and not bare >= _SPLIT:
        raise InvalidInput(f"{path.name} has no list of questions.")
    return found[0] if found else _Place((), "row")


def _found(lists: Mapping[tuple[str, ...], bool], objects: Sequence[tuple[str, ...]]) -> list[_Place]:
    """Where rows may be. lists: whether each has names that rows have; objects: whose values are rows."""
    outside = [place for place in lists if not any(place[: len(each)] == each for each in objects)]
    if len(outside) > 1:
        outside = [place for place in outside if lists[place]] or outside
    return [_Place(each, "list") for each in outside] + [_Place(each, "object") for each in objects]


def _skipped(events: Iterator[Event]) -> set[str] | None:
    """Read to the end of a list; the names of the first object that is an element of it, squeezed."""
    depth = 1
    names: set[str] | None = None
    is_first = True
    for event, value in events:
        if event == "start_map" and depth == 1:
            is_first = names is None
            names = set() if names is None else names
        elif event == "map_key" and depth == 2 and is_first and names is not None:
            names.add(squeezed(str(value)))
        depth += _DEPTH.get(event, 0)
        if not depth:
            break
    return names


_DEPTH = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


def _elements(events: Iterator[Event], place: _Place) -> Iterator[object]:
    """The values at the place; _TOO_LONG instead of one that is too long."""
    at: list[str] = []
    for event, value in events:
        is_there = tuple(at) == place.path
        if event == "start_array" and is_there and place.how == "list":
            yield from _of_list(events)
        elif event == "start_array":
            _skipped(events)
        elif event == "start_map" and is_there and place.how == "object":
            yield from _of_object(events)
        elif event == "start_map" and is_there and place.how == "row":
            yield _built((event, value), events)
        elif event == "start_map":
            at.append("")
        elif event == "map_key":
            at[-1] = str(value)
        elif event == "end_map":
            at.pop()


def _of_list(events: Iterator[Event]) -> Iterator[object]:
    for event, value in events:
        if event == "end_array":
            return
        yield _built((event, value), events)


def _of_object(events: Iterator[Event]) -> Iterator[object]:
    """Its values; the name of one is its id, where it has none."""
    for event, name in events:
        if event == "end_map":
            return
        element = _built(next(events), events)
        yield {"id": name, **element} if isinstance(element, dict) else element


def _built(first: Event, events: Iterator[Event]) -> object:
    builder = ijson.ObjectBuilder()
    depth = size = 0
    for event, value in chain([first], events):
        size += _EVENT + (len(value) if isinstance(value, str) else 0)
        if size <= LARGEST:
            builder.event(event, value)
        depth += _DEPTH.get(event, 0)
        if not depth:
            break
    return builder.value if size <= LARGEST else _TOO_LONG


def _is_of_columns(whole: Mapping[str, object]) -> bool:
    """Whether an object has the columns of a table, as pandas and Argilla write one."""
    questions = [held for name, held in whole.items() if squeezed(name) in NAMES["question"]]
    return any(
        isinstance(held, list) or (isinstance(held, dict) and "stem" not in held) for held in questions
    )


def _transposed(whole: Mapping[str, object]) -> Iterator[Row]:
    columns = {
        name: held if isinstance(held, dict) else dict(enumerate(held))
        for name, held in whole.items()
        if isinstance(held, list | dict)
    }
    places = dict.fromkeys(place for held in columns.values() for place in held)
    for number, place in enumerate(places, 1):
        yield Row(number, {name: held.get(place) for name, held in columns.items()})


def _is_split(whole: Mapping[str, object]) -> bool:
    """Whether an object has the names of a table's columns apart from its values."""
    return all(isinstance(whole.get(name), list) for name in _SPLIT)


def _joined(names: Sequence[object], data: Sequence[object]) -> Iterator[Row | Rejected]:
    for number, values in enumerate(data, 1):
        if isinstance(values, list) and len(values) == len(names):
            yield Row(number, dict(zip(map(str, names), values, strict=True)))
        else:
            yield Rejected(number, f"it is no list of {len(names)} values, one for each of the columns")
