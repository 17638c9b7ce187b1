"""A workbench of a small and of a larger scripted model, where the small one's answer is always deferred."""

from __future__ import annotations

from pathlib import Path

from codex.ask.workbench import Workbench
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

QUESTION = "What is the capital of Australia?"
SMALL = Script(["Sydney", "."], [0.9, 0.9])
LARGE = Script(["Canberra", "."])
LARGER = "scripted:larger:none"
DEFERS = Policy(rules=(), answer_above=1.0, abstain_below=0.0, larger_above=0.3)
"""The first model's answer is always deferred, and the larger model's given from a low confidence on."""


def two_models(
    home: Path, name: str = "codex", large: Script = LARGE, *, second: bool = True, **engine: object
) -> Workbench:
    """name: of its database in `home`; second: whether there is a larger model; engine: how that one is."""
    larger = ScriptedEngine(lambda prompt: large, model=LARGER, **engine)  # type: ignore[arg-type]
    return Workbench(
        load_settings([f"home={home}", "store.privacy=full"]),
        ScriptedEngine(lambda prompt: SMALL),
        Store(home / f"{name}.duckdb", "full"),
        larger=larger if second else None,
    )
