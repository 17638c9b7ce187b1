"""Models of the Hugging Face hub, through Hugging Face's own libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

TIMEOUT = 10.0
"""Seconds that the hub has for its first word."""


def known_model(name: str) -> ModelInfo:
    """What the hub says of a model, owner/repo, with the sizes of its files.

    Raises whatever keeps it from saying so.

    To be asked before a download: the download functions try an unreachable hub again for half a minute.
    """
    import huggingface_hub

    return huggingface_hub.HfApi().model_info(name, timeout=TIMEOUT, files_metadata=True)


@contextmanager
def quiet_progress() -> Iterator[None]:
    """No progress bars of Transformers inside; whoever loads a model shows progress in its own way."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
