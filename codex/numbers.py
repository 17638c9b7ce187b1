"""Numbers as they come from outside: what is no number is refused instead of turned into one."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _number(value: object) -> object:
    if isinstance(value, bool | str | bytes):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
"""A whole number; 5.0 is one, "5" and true are none."""
Real = Annotated[float, BeforeValidator(_number)]
"""A number; "0.5" and true are none."""
