"""Labels in what a model says."""

from __future__ import annotations

import pytest

from codex.classify.labels import LabelSet
from codex.errors import InvalidInput


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("spam", "spam"),
        (" Spam.", "spam"),
        ("**SPAM**", "spam"),
        ("spam because of the link", "spam"),
        ("not spam", "not spam"),
        ("The label is not spam.", "not spam"),
        ("I would say: spam", "spam"),
        ("spammer", None),
        ("it is ham or spam", None),
        ("no idea", None),
    ],
)
def test_the_label_that_an_answer_names(answer: str, named: str | None) -> None:
    labels = LabelSet(["spam", "not spam", "ham"])
    found = labels.named(answer)
    assert (None if found is None else labels.texts[found]) == named


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "There are no labels"),
        (["a", "A"], "'a' and 'A' are the same"),
        (["a", " "], "no letter or digit"),
    ],
    ids=["none", "case", "blank"],
)
def test_labels_that_cannot_be_told_apart_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        LabelSet(texts)
