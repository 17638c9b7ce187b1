"""Judges and verifiers as they are once they were measured: known to be reliable, or not to be."""

from __future__ import annotations

from pathlib import Path

from codex.engines.models import Models
from codex.grounding.reliability import Reliabilities, judge_key, verifier_key
from codex.types import Reliability

GOOD = Reliability(0.86, 0.81, 0.91, 200, "test")
CHANCE = Reliability(0.52, 0.44, 0.60, 200, "test")


def trust(
    home: Path,
    engine: str = "scripted:test:none",
    judge: Reliability = GOOD,
    verifier: Reliability = GOOD,
) -> Path:
    """The home, in which this was measured of an engine by its fingerprint."""
    kept = Reliabilities(Models(home).cache / "reliability")
    kept.keep(judge_key(f"model {engine}"), judge)
    for form in ("plain", "candidates"):
        kept.keep(verifier_key(engine, form), verifier)
    return home


def trust_words(home: Path) -> Path:
    """The home, in which the words alone were measured to be reliable."""
    Reliabilities(Models(home).cache / "reliability").keep(judge_key("lexical"), GOOD)
    return home
