"""A workbench over a tiny model, with a run whose questions it is fine-tuned on in a second."""

from __future__ import annotations

from pathlib import Path

from codex.ask.workbench import Workbench
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.models import Models
from codex.settings import load_settings
from codex.store import Store
from tests.support.kept_run import keep_run
from tests.support.tiny_llama import tiny_folder

QUICK = {
    "name": "mine",
    "runs": ["r1"],
    "epochs": 1.0,
    "batch_size": 4,
    "accumulate": 2,
    "learning_rate": 0.01,
    "rank": 2,
    "generate": 8,
    "generate_tokens": 4,
    "held_out": 0.2,
}
"""Three updates on the questions of the run."""
QUICK_REWARD = {
    "name": "sums",
    "additions": 40,
    "rewards": ["length"],
    "steps": 2,
    "questions": 1,
    "generations": 4,
    "tokens": 120,
    "start": 0,
    "generate": 8,
    "learning_rate": 0.01,
    "rank": 2,
}
"""Two updates; a random model writes answers of many lengths, which the reward tells apart."""


def tiny_workbench(home: Path) -> Workbench:
    """With a model of a few thousand weights, which is loaded, in a home of its own."""
    model = tiny_folder(home / "tiny")
    settings = load_settings(
        [
            *(f"home={home}", "engine=huggingface", f"engine.model_path={model}"),
            *("engine.dtype=float32", "engine.threads=1", "engine.device=cpu"),
        ]
    )
    engine = HuggingFaceEngine(settings.engine, Models(home))  # type: ignore[arg-type]
    opened = Workbench(settings, engine, Store(settings.database))
    opened.model.load()
    keep_run(opened.store, n=60)
    return opened
