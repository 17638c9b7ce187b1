"""A calibrator that holds for questions asked as the settings say."""

from __future__ import annotations

import numpy as np

from codex import prompts
from codex.calibration import Calibrator, before_and_after, fit
from codex.calibration.drift import Reference


def calibrator(model: str, n_samples: int = 5, evidence: bool = False) -> Calibrator:
    """Fitted to 200 answers whose weakest token is as likely as they are to be correct."""
    rng = np.random.default_rng(0)
    weakest = rng.random(200)
    correct = rng.random(200) < weakest
    fitted = fit({"min_prob_focus": weakest}, correct, signs={"min_prob_focus": 1}, repeats=1)
    return Calibrator(
        name="fitted",
        method=fitted.method,
        design=fitted.design,
        map=fitted.map,
        model=model,
        prompt=prompts.fingerprint(),
        n_samples=n_samples,
        sample_temperature=1.0,
        evidence=evidence,
        runs=("run",),
        datasets=("capitals",),
        questions=200,
        accuracy=float(correct.mean()),
        metrics=before_and_after(fitted, correct, resamples=10),
        reference=Reference.of({"min_prob_focus": weakest}).model_dump(mode="json"),
    )
