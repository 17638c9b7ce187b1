"""Adaptive sampling: samples are drawn in groups, and no more of them once the rest would tell little.

Whether a question's samples are enough depends on that question's own answer and samples alone: on no
threshold and on no other question. So answers that were all sampled in this way are exchangeable as they are
with all samples, and a calibrator, a guarantee or a prediction set that was fitted on some of them holds for
the others as before (it does not hold for answers with all samples, which `Origin.adaptive` tells apart).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from codex.engines.base import Enough
from codex.signals.view import View
from codex.types import Generation, Observation

GROUPS = (3, 6, 10)
"""Samples after which it is looked at whether they are enough; after the last of these, every `MORE`."""
MORE = 5
AGREE = 0.55
"""Share of samples that say what the answer says, from which the samples agree."""
DISAGREE = 0.2
"""The share down to which they do not."""
ERROR = 0.05
"""Of the test (Wald 1945): the chance that samples of share DISAGREE are taken for those of share AGREE, or
the other way round, is at most ERROR / (1 - ERROR) each."""
LIKELY = 0.8
"""An answer's words that are so likely together settle it: at least this share of samples says the same."""
UNLIKELY = 0.3
"""The answer's least likely word settles it: below this probability it is rarely correct, whatever the
samples say."""
SHARE = 0.55
"""The part of ten samples that is drawn, about: 0.53 on four stored sets, on each from 0.44 to 0.63."""

_BOUND = math.log((1 - ERROR) / ERROR)
_FOR = math.log(AGREE / DISAGREE)
_AGAINST = math.log((1 - AGREE) / (1 - DISAGREE))


def enough(question: str, n_samples: int, temperature: float) -> Enough:
    """When samples of a question's answer are enough; of the decode of the answer and n_samples after it.

    temperature: of the samples. Those are fewer by about a half on stored answers of two models, where the
    AUROC of the confidence moved by less than 0.005 on average; `python -m tests.bench adaptive` shows it.
    """
    looks = [*GROUPS, *range(GROUPS[-1] + MORE, n_samples, MORE)]
    after = tuple(1 + samples for samples in looks if samples < n_samples)
    return Enough(after, partial(_is_reached, question, temperature))


def _is_reached(question: str, temperature: float, done: Sequence[Generation]) -> bool:
    view = View.focus(Observation(question, done[0], tuple(done[1:])))
    if "logprobs" in view.has:
        if math.exp(view.logprobs.min()) < UNLIKELY:
            return True
        # At a lower temperature the likeliest tokens are likelier still.
        if temperature <= 1 and math.exp(view.logprobs.sum()) >= LIKELY:
            return True
    agreeing = view.classes.count(view.answer_class)
    evidence = agreeing * _FOR + (len(view.classes) - agreeing) * _AGAINST
    return abs(evidence) >= _BOUND
