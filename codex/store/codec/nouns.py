"""Nouns as JSON and back, by the fields that they declare: one codec for the database, files and pages.

Bytes are hexadecimal, times are in ISO 8601, numbers that are not finite are missing. A field that has a
default may be absent; a key that no field has is passed over, so that what a newer Codex wrote can be read.
"""

from __future__ import annotations

import math
import reprlib
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le

from codex.store.codec import values
from codex.types import Measured

Json = dict[str, Any]
Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True)
class Form:
    """How values of a type are written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    """Raises TypeError or ValueError, whose words go on after the name of the value."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a noun."""

    name: str
    annotation: Any
    form: Form
    default: Any
    """MISSING where the field must be there."""
    formerly: str | None = None
    """The key that it was written under before."""

    @property
    def optional(self) -> bool:
        """Whether None is a value of its own."""
        return types.NoneType in get_args(self.annotation)


def encode(noun: object, without: Collection[str] = ()) -> Json:
    """A noun as JSON, without some of its fields."""
    kind: Any = type(noun)
    return {name: write(getattr(noun, name)) for name, write in _writers(kind, tuple(without))}


def decode(kind: type[Noun], written: object, name: str = "") -> Noun:
    """The noun that JSON holds, whoever wrote it.

    Raises TypeError or ValueError, in words that begin with `name` and the place in it.
    """
    form = form_of(cast(Any, kind))
    try:
        read: Noun = form.read(written)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}{error}") from error
    return read


@cache
def _writers(noun: type, without: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((part.name, part.form.write) for part in parts(noun) if part.name not in without)


@cache
def parts(noun: type) -> tuple[Part, ...]:
    """The fields of a noun that are stored with it, in order."""
    # Without the names of the class itself: a field is called bytes.
    hints = get_type_hints(noun, localns={}, include_extras=True)
    return tuple(
        Part(
            field.name,
            hints[field.name],
            form_of(hints[field.name]),
            field.default if field.default_factory is MISSING else field.default_factory(),
            field.metadata.get("formerly"),
        )
        for field in fields(noun)
        if field.metadata.get("stored", True)
    )


@cache
def form_of(annotation: Any) -> Form:
    """The form of a type that a noun's field has."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated and arguments[0] is int:
        return _whole(*arguments[1:])
    if origin in (Union, types.UnionType):
        return _optional(next(each for each in arguments if each is not types.NoneType))
    if origin is Literal:
        return Form(_same, lambda value: _among(value, arguments))
    if origin is tuple:
        return _row(arguments[0]) if arguments[-1] is Ellipsis else _tuple(arguments)
    if origin is dict:
        return _mapping(arguments[1])
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        named: Mapping[str, StrEnum] = {each.value: each for each in annotation}
        return Form(lambda value: value.value, lambda value: named[_among(value, tuple(named))])
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _noun(annotation)
    raise TypeError(f"A noun's field of the type {annotation!r} has no form yet: give it one here.")


def finite(value: float | None) -> float | None:
    """A number that is none is kept as missing, never as NaN or infinity."""
    return value if value is not None and math.isfinite(value) else None


def _noun(noun: type) -> Form:
    def write(value: Any) -> Json:
        return {name: write_part(getattr(value, name)) for name, write_part in writers}

    def read(written: Any) -> Any:
        if not isinstance(written, dict):
            raise TypeError(f" is {type(written).__name__}, not an object")
        found, name = {}, ""
        try:
            for name, read_part, required, formerly in readers:
                if name in written:
                    found[name] = read_part(written[name])
                elif formerly in written:
                    found[name] = read_part(written[formerly])
                elif required:
                    break
            else:
                return noun(**found)
        except (TypeError, ValueError) as error:
            raise ValueError(f".{name}{error}") from error
        raise ValueError(f" is no {noun.__name__}: there is no key {name!r}")

    writers = _writers(noun, ())
    readers = [(part.name, part.form.read, part.default is MISSING, part.formerly) for part in parts(noun)]
    return Form(write, read)


def _row(item: Any) -> Form:
    """Any number of them; a noun that lacks a measured number is left out."""
    form = form_of(item)
    measured = [part.name for part in parts(item) if part.annotation == Measured] if _is_noun(item) else []

    def write(row: tuple[Any, ...]) -> list[Any]:
        if measured:
            row = tuple(each for each in row if all(math.isfinite(getattr(each, name)) for name in measured))
        return [form.write(each) for each in row]

    def read(written: Any) -> tuple[Any, ...]:
        if not isinstance(written, list | tuple):
            raise TypeError(f" is {type(written).__name__}, not a list")
        try:
            return tuple([form.read(each) for each in written])
        except (TypeError, ValueError):  # Only now it costs time to know the place.
            return tuple(_read_at(index, form, each) for index, each in enumerate(written))

    return Form(write, read)


def _tuple(items: tuple[Any, ...]) -> Form:
    forms = [form_of(item) for item in items]

    def write(row: tuple[Any, ...]) -> list[Any]:
        return [form.write(each) for form, each in zip(forms, row, strict=True)]

    def read(written: Any) -> tuple[Any, ...]:
        if not isinstance(written, list | tuple) or len(written) != len(forms):
            raise ValueError(f" is {reprlib.repr(written)}, not a list of {len(forms)}")
        return tuple(_read_at(index, forms[index], each) for index, each in enumerate(written))

    return Form(write, read)


def _read_at(index: int, form: Form, written: Any) -> Any:
    try:
        return form.read(written)
    except (TypeError, ValueError) as error:
        raise ValueError(f"[{index}]{error}") from error


def _mapping(item: Any) -> Form:
    """By name; a measured number that is missing is left out."""
    if item in (object, Any):
        return Form(_same, _object)
    form = form_of(item)

    def write(mapping: Mapping[str, Any]) -> Json:
        written = ((name, form.write(value)) for name, value in mapping.items())
        return {name: value for name, value in written if value is not None or item != Measured}

    def read(written: Any) -> Json:
        found = {}
        for name, value in _object(written).items():
            try:
                found[name] = form.read(value)
            except (TypeError, ValueError) as error:
                raise ValueError(f".{name}{error}") from error
        return found

    return Form(write, read)


def _optional(item: Any) -> Form:
    if item is float:
        return Form(finite, _known)
    write, read = form_of(item).write, form_of(item).read
    return Form(
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _whole(*bounds: Any) -> Form:
    least: Any = next(bound.ge for bound in bounds if isinstance(bound, Ge))
    most: Any = next(bound.le for bound in bounds if isinstance(bound, Le))
    return Form(_same, lambda value: values.whole(value, "", least, most))


def _is_noun(annotation: Any) -> bool:
    return isinstance(annotation, type) and is_dataclass(annotation)


def _same(value: Any) -> Any:
    return value


def _known(value: Any) -> float | None:
    """Somebody else's NaN is a missing number too."""
    return value if value is None else finite(value if type(value) is float else values.real(value, ""))


def _measured(value: Any) -> float:
    if type(value) is float:
        return value
    return math.nan if value is None else values.real(value, "")


def _object(written: Any) -> Json:
    if not isinstance(written, dict):
        raise TypeError(f" is {type(written).__name__}, not an object")
    return written


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f" is {reprlib.repr(value)}, not a whole number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f" is {reprlib.repr(value)}, neither true nor false")
    return value


def _among(value: Any, there: tuple[str, ...]) -> str:
    if value not in there:
        raise ValueError(f" is {reprlib.repr(value)}; there are {', '.join(there)}")
    return str(value)


def _bytes(value: Any) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f" is {reprlib.repr(value)}, not bytes in hexadecimal") from error


def _time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f" is {reprlib.repr(value)}, not a time in ISO 8601") from error


PLAIN: Mapping[Any, Form] = {
    str: Form(_same, lambda value: values.text(value, "")),
    bool: Form(_same, _truth),
    int: Form(_same, _integer),
    float: Form(finite, lambda value: values.number(value, "")),
    Measured: Form(finite, _measured),
    bytes: Form(bytes.hex, _bytes),
    datetime: Form(datetime.isoformat, _time),
}
