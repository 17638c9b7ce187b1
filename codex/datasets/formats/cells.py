"""A cell of a table as text, as truth, or as the list or object that is written in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache

from codex.datasets.formats import literals
from codex.errors import InvalidInput

DEEPEST = 16
"""Lists and objects may be in each other."""
_USUAL = 100
"""Characters of a name that is remembered: each row has the same ones."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_OPENING = ("[", "{", "(", "array(", "np.array(", "numpy.array(", "list(")
_SURELY_A_LIST = re.compile(r"""\s*(?:(?:np\.|numpy\.)?array\(|list\()?\s*[\[{(]\s*['"]""")


def squeezed(name: str) -> str:
    """A column's name by which it is recognised: its letters and digits, without case."""
    return _squeezed(name) if len(name) <= _USUAL else _squeezed.__wrapped__(name)


@lru_cache(maxsize=4096)
def _squeezed(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def is_missing(value: object) -> bool:
    """Whether a cell is empty: null, or not a number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_blank(value: object) -> bool:
    """Whether a cell holds nothing, white space included."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def text(value: object, field: str) -> str:
    """A cell as text. Raises InvalidInput where it is none, or what it holds cannot be kept."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, Mapping | list | tuple | bytes):
        raise InvalidInput(f"its {field} is a {type(value).__name__}, not text")
    said = str(value)
    if "\0" in said:
        raise InvalidInput(f"its {field} holds a NUL byte")
    if foreign := _LONE_SURROGATE.search(said):
        raise InvalidInput(f"its {field} holds {_named(foreign[0])}")
    return said


def truth(value: object, field: str) -> bool:
    """A cell as true or false. Raises InvalidInput where it is neither."""
    said = text(value, field).strip().casefold()
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    raise InvalidInput(f"its {field} is {said[:40]!r}, neither true nor false")


def opened(value: object, field: str) -> object:
    """The list or object that a text is, as JSON, Python and numpy write them; anything else as it is.

    Raises InvalidInput for one that is nested too deeply, or begins as a list of texts and is none.
    """
    if not isinstance(value, str):
        return value
    said = value.strip()
    if not said.startswith(_OPENING):
        return value
    if said[0] in "[{":
        try:
            return json.loads(said)
        except ValueError:
            pass
        except RecursionError as error:
            raise too_deep(field) from error
    try:
        return literals.parse(said)
    except literals.TooDeep as error:
        raise too_deep(field) from error
    except ValueError as error:
        if _SURELY_A_LIST.match(said):
            raise InvalidInput(f"its {field} begin as a list and cannot be read as one: {error}") from error
        return value


def too_deep(field: str) -> InvalidInput:
    """The reason for a row whose lists are nested more than DEEPEST."""
    return InvalidInput(f"its {field} are nested too deeply")


def _named(surrogate: str) -> str:
    byte = ord(surrogate) - 0xDC00
    if 0x80 <= byte <= 0xFF:
        return f"the byte 0x{byte:02X}, which is not in that encoding: say which, e.g. --encoding latin-1"
    return "half a character, a lone surrogate"
