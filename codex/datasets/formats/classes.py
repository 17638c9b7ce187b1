"""What numbers stand for in a column of classes, as the package datasets describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Names = Mapping[str, Sequence[str]]
"""Of a column its classes in order."""


def class_names(features: object) -> Names:
    """The classes of each column that has some; features: as objects, or as JSON in a Parquet file."""
    found: dict[str, Sequence[str]] = {}
    for name, feature in features.items() if isinstance(features, Mapping) else ():
        is_object = isinstance(feature, Mapping)
        kind = feature.get("_type") if is_object else type(feature).__name__
        names = feature.get("names") if is_object else getattr(feature, "names", None)
        if kind == "ClassLabel" and isinstance(names, list | tuple):
            found[str(name)] = [str(each) for each in names]
    return found


def with_classes(row: dict[str, object], names: Names) -> dict[str, object]:
    """A row with the names of its classes; -1 marks that one is not known, and becomes None."""
    return {name: _class(value, names[name]) if name in names else value for name, value in row.items()}


def _class(value: object, names: Sequence[str]) -> object:
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None
