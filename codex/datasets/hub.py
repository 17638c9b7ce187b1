"""Datasets of the Hugging Face hub, by name, where the hub is within reach."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from codex.datasets.formats.classes import class_names, with_classes
from codex.datasets.text_files import Row
from codex.errors import CodexError

_NAME = re.compile(r"(?P<name>\w[\w.-]*/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<split>\w+))?")
SPLITS = ("validation", "test", "train")
"""The first one there is taken where none is named."""


class HubError(CodexError):
    """A dataset that the hub does not give: no package to fetch it, no way to the hub, no such name."""

    status = 503
    retry_after = 30


def is_name(name: str) -> bool:
    """Whether it is written as a dataset of the hub: OWNER/NAME[:CONFIG][@SPLIT]."""
    return _NAME.fullmatch(name) is not None


def rows(name: str) -> Iterator[Row]:
    """The rows of a dataset of the hub, streamed. Raises HubError."""
    wanted = _NAME.fullmatch(name)
    if wanted is None:
        raise HubError(f"{name!r} is not written as OWNER/NAME[:CONFIG][@SPLIT].")
    try:
        # A folder called datasets stands for the package where that is not installed.
        load_dataset = importlib.import_module("datasets").load_dataset
    except (ImportError, AttributeError) as wrong:
        raise HubError(
            f"To fetch {name} from the Hugging Face hub, install the package datasets: pip install datasets. "
            "If it is a file, check its path and that it ends in .csv, .jsonl or .parquet."
        ) from wrong
    try:
        there = load_dataset(wanted["name"], wanted["config"], split=wanted["split"], streaming=True)
        if wanted["split"] is None:
            there = there[next((split for split in SPLITS if split in there), next(iter(there)))]
        names = class_names(getattr(there, "features", None))
        for number, values in enumerate(there, 1):
            yield Row(number, with_classes(dict(values), names))
    # Whatever goes wrong between here and the hub: the package raises errors of a dozen others.
    except Exception as wrong:
        said = str(wrong).strip().partition("\n")[0]
        raise HubError(
            f"The Hugging Face hub did not return {name}: {said or type(wrong).__name__}."
        ) from wrong
