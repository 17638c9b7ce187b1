"""Lists and objects in the notation of Python, numpy and pandas, read as data: nothing is evaluated."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

DEEPEST = 32
"""Lists and objects may be in each other."""
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>[bBuUrR]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
    | (?P<number>[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<name>[A-Za-z_][\w.]*|<NA>)
    | (?P<sign>[\[\](){},:=])
    )""",
    re.VERBOSE | re.DOTALL,
)
_NAMES: dict[str, object] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
    "nan": None,
    "NaN": None,
    "<NA>": None,
}
_WRAPPERS = re.compile(r"(?:(?:np|numpy)\.)?(?:array|str_|int\d*|float\d*|bool_?)|list|tuple")
"""Calls around a value that are read as the value: `array([...], dtype=object)`, `np.str_('a')`."""
_ESCAPE = re.compile(
    r"\\(?:(?P<code>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<sign>.))", re.DOTALL
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\n": "", "\\": "\\", "'": "'", '"': '"'}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class TooDeep(ValueError):
    """Lists and objects nested more than DEEPEST."""


class _Token(NamedTuple):
    kind: str
    said: str


def parse(text: str) -> object:
    """The list, tuple or dict that a text is. Texts side by side without a comma are two, as in numpy.

    Raises ValueError for anything else: names, calls, operators, a bare text or number. Linear time.
    """
    reader = _Reader(text)
    value = reader.value(0)
    reader.expect_end()
    if not isinstance(value, list | tuple | dict):
        raise ValueError("it is no list")
    if isinstance(value, tuple) and not all(isinstance(each, str) for each in value):
        raise ValueError("it is no list of texts")
    return value


class _Reader:
    """Reads one value after another off a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._token = self._next()

    def value(self, depth: int) -> object:
        if depth > DEEPEST:
            raise TooDeep("it is nested too deeply")
        kind, said = self._take()
        if kind == "string":
            return _string(said)
        if kind == "number":
            return _number(said)
        if kind == "name" and said in _NAMES:
            return _NAMES[said]
        if kind == "name" and _WRAPPERS.fullmatch(said):
            return self._wrapped(depth)
        if said in _CLOSING and kind == "sign":
            return self._mapping_or_set(depth) if said == "{" else self._sequence(said, depth)
        raise ValueError(f"unexpected {said[:20]!r}" if said else "it is cut off")

    def expect_end(self) -> None:
        if self._token.said:
            raise ValueError(f"unexpected {self._token.said[:20]!r}")

    def _sequence(self, opening: str, depth: int) -> object:
        found: list[object] = []
        commas = 0
        while self._token.said != _CLOSING[opening] or self._token.kind != "sign":
            found.append(self.value(depth + 1))
            commas += self._skip(",")
        self._take()
        if opening == "[":
            return found
        return found[0] if len(found) == 1 and not commas else tuple(found)

    def _mapping_or_set(self, depth: int) -> object:
        keys: list[object] = []
        values: list[object] = []
        while self._token != _Token("sign", "}"):
            keys.append(self.value(depth + 1))
            if self._skip(":"):
                values.append(self.value(depth + 1))
            self._skip(",")
        self._take()
        if not values and keys:
            return keys
        if len(values) != len(keys) or not all(isinstance(key, str | int | float) for key in keys):
            raise ValueError("it is no object with names")
        return {str(key): value for key, value in zip(keys, values, strict=True)}

    def _wrapped(self, depth: int) -> object:
        if not self._skip("("):
            raise ValueError("unexpected name")
        value = self.value(depth + 1)
        while self._skip(","):
            if self._token == _Token("sign", ")"):
                break
            kind, _ = self._take()
            if kind != "name" or not self._skip("="):
                raise ValueError("unexpected argument")
            if self._take().kind == "sign":
                raise ValueError("unexpected argument")
        if not self._skip(")"):
            raise ValueError("it is cut off")
        return value

    def _skip(self, sign: str) -> bool:
        if self._token != _Token("sign", sign):
            return False
        self._take()
        return True

    def _take(self) -> _Token:
        taken, self._token = self._token, self._next()
        return taken

    def _next(self) -> _Token:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :].strip()
            return _Token("foreign", rest[:20]) if rest else _Token("end", "")
        self._at = found.end()
        return _Token(found.lastgroup or "", found[found.lastgroup or 0])


def _string(token: str) -> str:
    quoted = token.lstrip("bBuUrR")
    said = quoted[1:-1]
    raw = token[0] in "rR"
    return said if raw or "\\" not in said else _ESCAPE.sub(_unescaped, said)


def _unescaped(found: re.Match[str]) -> str:
    if found["code"]:
        number = int(found["code"][1:], 16)
        return chr(number) if number <= sys.maxunicode else found[0]
    return _ESCAPES.get(found["sign"], found[0])


def _number(token: str) -> int | float:
    plain = token.replace("_", "")
    return float(plain) if any(sign in plain for sign in ".eE") else int(plain)
