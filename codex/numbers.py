"""Numbers as they come from outside: what is no number is refused instead of turned into one."""

from __future__ import annotations

from types import NoneType
from typing import get_args

from pydantic import BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


class NumbersAsSuch(BaseModel):
    """A model whose numbers are written as numbers; 5.0 is a whole one, "5" and true are none.

    A check of each field, and no type of its own: the bounds that a field has stay in its JSON Schema.
    """

    @field_validator("*", mode="before")
    @classmethod
    def _written_as_one(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool | str | bytes) and _is_number(field.annotation):
            raise PydanticCustomError("number_type", "Input should be a valid number")
        return value


def _is_number(annotation: object) -> bool:
    kinds = set(get_args(annotation) or [annotation]) - {NoneType}
    return bool(kinds) and kinds <= {int, float}
