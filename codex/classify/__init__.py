"""Classification by a language model, with scikit-learn's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.classify.estimator import LocalLLMClassifier

__all__ = ["LocalLLMClassifier"]


def __getattr__(name: str) -> type[LocalLLMClassifier]:
    """The estimator derives from scikit-learn's classes, which take a second to import."""
    if name != "LocalLLMClassifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from codex.classify.estimator import LocalLLMClassifier

    return LocalLLMClassifier
