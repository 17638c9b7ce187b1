"""Datasets in the shapes that people have them in become the questions that they ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.datasets.importing import import_file
from codex.datasets.library import Item, load
from tests.datasets.formats.answer_shapes import ANSWERS, FILES
from tests.datasets.formats.choice_shapes import CHOICES
from tests.datasets.formats.other_shapes import OTHERS
from tests.datasets.formats.passage_shapes import PASSAGES
from tests.datasets.formats.shape import Shape
from tests.datasets.formats.tool_shapes import TOOLS

SHAPES = (*CHOICES, *PASSAGES, *ANSWERS, *FILES, *TOOLS, *OTHERS)


def field(item: Item, name: str) -> object:
    return sorted(item.choices) if name == "sorted_choices" else getattr(item, name)


@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_a_dataset_is_imported_in_the_shape_that_it_is_distributed_in(tmp_path: Path, shape: Shape) -> None:
    path = tmp_path / shape.file
    if isinstance(shape.content, bytes):
        path.write_bytes(shape.content)
    else:
        shape.content(path)
    imported = import_file(path, tmp_path / "home", **shape.options)
    items = load(imported.dataset.name, tmp_path / "home")
    found = [
        {name: field(item, name) for name in expected}
        for item, expected in zip(items, shape.items, strict=True)
    ]
    assert found == [dict(expected) for expected in shape.items]
    assert imported.rejected == shape.rejected
