"""A verifier's readouts on llama.cpp with the default model: trained and applied without PyTorch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from codex import prompts
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.grounding.trained import InUse
from codex.grounding.verifier import verify
from codex.signals.verifier import verdict_probability
from codex.training.readout import train_readout
from codex.training.verifier_labels import labelled
from codex.types import Run, RunParams
from tests.support.taught import answered

LABELS = 12
"""Fewer than a user needs: each is read in a tenth of a second at best."""


def test_the_default_model_tells_green_from_purple_in_its_last_layer(
    llama: LlamaCppEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex.training.verifier_labels.LEAST", LABELS)
    answers = [(answered(at, correct=at % 2 == 0).observation, at % 2 == 0) for at in range(LABELS)]
    model = llama.fingerprint
    run = Run("r", "r", "c", datetime.now(UTC), model, prompts.fingerprint(), RunParams(), LABELS)
    verifier = train_readout(labelled(answers, "plain"), [run], llama, tmp_path, "colours")
    assert verifier.layers == (30, 30)
    assert verifier.metrics["trained"]["auroc"].value > 0.95
    told = {}
    for correct in (True, False):
        seen = answered(1000, correct=correct).observation
        verdict = verify(llama, seen, prompts.ask(seen.question), "plain", None, InUse(verifier, tmp_path))
        assert verdict.trained == verifier.version
        told[correct] = verdict_probability(verdict)
    assert told[True] == pytest.approx(1.0, abs=0.2)
    assert told[False] == pytest.approx(0.0, abs=0.2)
