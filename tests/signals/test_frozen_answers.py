"""The signals on stored answers of two models, against figures that were computed independently."""

from __future__ import annotations

import numpy as np
import pytest

from codex.signals import REGISTRY
from tests.support.frozen import FILES, auroc, frozen_answers

# AUROC over the whole answer, as published beside the data, in the order of FILES.
PUBLISHED = {
    "cocoa_ppl": (0.813, 0.805, 0.942, 0.554),
    "sum_logprob": (0.795, 0.791, 0.950, 0.725),
    "min_prob": (0.799, 0.803, 0.929, 0.821),
    "perplexity": (0.786, 0.794, 0.929, 0.595),
    "answer_frequency": (0.787, 0.762, 0.934, 0.657),
    "degmat": (0.806, 0.741, 0.923, 0.449),
    "semantic_entropy": (0.806, 0.709, 0.914, 0.661),
    "p_true": (0.649, 0.694, 0.405, 0.656),
}


def measured(name: str, file: str) -> float:
    signals, correct = frozen_answers(file)
    sign = 1 if REGISTRY[name].higher_is_confident else -1
    return auroc(np.array([sign * (row[name] or 0.0) for row in signals]), correct)


@pytest.mark.parametrize("name", PUBLISHED)
def test_auroc_over_the_whole_answer_is_the_published_one(name: str) -> None:
    # 0.005: two ways of cutting a text into words move it by up to 0.004.
    assert [measured(name, file) for file in FILES] == pytest.approx(PUBLISHED[name], abs=0.005)


@pytest.mark.parametrize("name", ["cocoa_ppl", "perplexity", "degmat", "top1_prob", "answer_frequency"])
def test_the_focus_repairs_signals_on_a_model_that_answers_in_sentences(name: str) -> None:
    # The smallest gain of the five is answer_frequency's 0.067.
    assert measured(f"{name}_focus", "smol-countries") > measured(name, "smol-countries") + 0.05


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("qwen")])
@pytest.mark.parametrize("name", [name for name in PUBLISHED if f"{name}_focus" in REGISTRY])
def test_the_focus_costs_nothing_on_a_model_that_answers_in_short(name: str, file: str) -> None:
    # 0.015: half of the standard error of an AUROC on 250 answers, which is about 0.03.
    assert measured(f"{name}_focus", file) > measured(name, file) - 0.015
