"""Rows that a model made for questions, kept in a file, so that an interrupted benchmark resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from codex import engines
from codex.engines.base import Engine
from codex.engines.models import Models
from codex.settings import load_settings

Row = dict[str, Any]


def engine_of(name: str, model: str, threads: int) -> Engine:
    """An engine with this model; huggingface computes in single precision, the quicker one on most CPUs."""
    words = [f"engine={name}", f"engine.model_path={model}", f"engine.threads={threads}"]
    settings = load_settings([*words, *(["engine.dtype=float32"] if name == "huggingface" else [])])
    return engines.create(name, settings.engine, Models(settings.home))


def rows(
    keep: Path, wanted: Sequence[Row], opened: Callable[[], Engine], made: Callable[[Engine, Row], Row]
) -> list[Row]:
    """What was made of each wanted row, by its "id"; what the file lacks is made now, and added to it."""
    text = keep.read_text("utf-8") if keep.exists() else ""
    kept = {row["id"]: row for row in map(json.loads, text.splitlines())}
    left = [row for row in wanted if row["id"] not in kept]
    if left:
        engine, started = opened(), time.perf_counter()
        with keep.open("a", encoding="utf-8") as file:
            for number, row in enumerate(left, 1):
                kept[row["id"]] = made(engine, row)
                file.write(json.dumps(kept[row["id"]]) + "\n")
                file.flush()
                if number % 20 == 0:
                    print(f"{number} of {len(left)}, {time.perf_counter() - started:.0f} s", flush=True)
        engine.unload()
    return [kept[row["id"]] for row in wanted]
