"""Datasets of the Hugging Face hub: how they are named, taken, and what is said when they are not there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from codex.datasets import hub
from codex.datasets.hub import HubError
from codex.datasets.library import load

SPLITS: dict[str, Any] = {
    "train": [{"question": "Old?", "answer": "yes"}],
    "validation": [{"question": "Who?", "answer": {"value": "Ann", "aliases": ["Anna"]}}],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the package was asked for; the hub itself is out of reach of a test."""
    calls: list[tuple[Any, ...]] = []

    def load_dataset(name: str, config: str | None, *, split: str | None, streaming: bool) -> Any:
        calls.append((name, config, split, streaming))
        if name == "no/thing":
            raise FileNotFoundError("Dataset 'no/thing' doesn't exist on the Hub\nmore")
        return SPLITS[split] if split else SPLITS

    package = ModuleType("datasets")
    package.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", package)
    return calls


def test_a_set_is_streamed_and_its_columns_are_found(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    (item,) = load("owner/name", tmp_path)
    assert (item.question, item.answers, item.group) == ("Who?", ("Ann", "Anna"), "owner/name")
    assert asked == [("owner/name", None, None, True)]


def test_a_configuration_and_a_split_can_be_named(asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
    (item,) = load("owner/name:small@train", tmp_path)
    assert item.question == "Old?"
    assert asked == [("owner/name", "small", "train", True)]


def test_a_set_that_the_hub_does_not_have_is_said_in_one_line(
    asked: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    with pytest.raises(
        HubError, match=r"did not return no/thing: Dataset 'no/thing' doesn't exist on the Hub\.$"
    ):
        load("no/thing", tmp_path)


class ClassLabel:
    names: ClassVar = ["A", "B"]


class Described(list[dict[str, object]]):
    features: ClassVar = {"answer": ClassLabel(), "question": object()}


def test_numbers_are_the_classes_that_the_hub_says_they_stand_for(
    asked: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Described([{"question": "Which?", "choices": ["Ann", "Ben", "Eve"], "answer": 1}])
    monkeypatch.setitem(SPLITS, "described", rows)
    (item,) = load("owner/name@described", tmp_path)
    assert item.answers == ("Ben",)


@pytest.mark.parametrize("package", [None, ModuleType("datasets")], ids=["not there", "a mere folder"])
def test_without_the_package_it_is_said_what_to_install(
    package: ModuleType | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", package)
    with pytest.raises(HubError, match="pip install datasets"):
        load("owner/name", tmp_path)


@pytest.mark.parametrize(
    ("name", "there"),
    [("a/b", True), ("a/b:c@d", True), ("capitals", False), ("a/b/c", False), ("../x", False), ("/x", False)],
)
def test_a_name_of_the_hub_is_owner_and_name(name: str, there: bool) -> None:
    assert hub.is_name(name) is there
