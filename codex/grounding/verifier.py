"""The verifier asks the model whether an answer is correct, and keeps the distribution of its first word."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from codex.engines.base import Engine
from codex.errors import AdapterError, CapabilityError
from codex.grounding.form import Form
from codex.grounding.readout import read_out
from codex.grounding.trained import InUse
from codex.prompts import judging
from codex.signals.text import normalise
from codex.types import Alternative, Message, Observation, Verdict

MOST_CANDIDATES = 10
"""Samples shown to the verifier; more would fill small contexts and say little more."""


def verify(
    engine: Engine,
    observation: Observation,
    conversation: Sequence[Message],
    form: Form,
    cancel: threading.Event | None = None,
    trained: InUse | None = None,
) -> Verdict:
    """P(True) of Kadavath et al. 2022, arXiv:2207.05221; one call of the engine.

    conversation: what the answer continued, so that the engine's cache holds it. Where there are no
    samples to show, the verdict is in the plain form. trained: it verifies, unless it does not hold for this
    call: for another form, model or templates, or a prompt whose hidden states the engine cannot show.
    """
    started = time.perf_counter()
    prompt, form = verification(observation, conversation, form)
    told = _trained(engine, prompt, form, observation.question, trained, cancel) if trained else None
    if trained is not None and told is not None:
        return Verdict(
            alternatives=told,
            form=form,
            verifier=f"{engine.fingerprint}+{trained.verifier.version}",
            seconds=time.perf_counter() - started,
            reliability=trained.verifier.reliability,
            temperature=trained.verifier.temperature,
            offset=trained.verifier.offset,
            trained=trained.verifier.version,
        )
    token = engine.next_token(prompt, cancel)
    return Verdict(
        alternatives=token.alternatives,
        form=form,
        verifier=engine.fingerprint,
        seconds=time.perf_counter() - started,
    )


def _trained(
    engine: Engine,
    prompt: Sequence[Message],
    form: Form,
    question: str,
    trained: InUse,
    cancel: threading.Event | None,
) -> tuple[Alternative, ...] | None:
    """What a trained verifier says; None where it does not hold. Raises AdapterError."""
    if trained.verifier.mismatch(engine, form):
        return None
    try:
        if trained.verifier.method == "lora":
            return engine.adapted_token(prompt, trained.adapter(question), cancel).alternatives
        try:
            return read_out(engine, prompt, trained, question, cancel)
        except CapabilityError:  # Longer than the engine shows states of; the verdict says who verified.
            return None
    except AdapterError as error:
        raise AdapterError(f"{error} `codex verifiers activate none` verifies without it.") from error


def verification(
    observation: Observation, conversation: Sequence[Message], form: Form
) -> tuple[list[Message], Form]:
    """The prompt of a verifier, in training as in use, and its form: plain where no samples are."""
    shown = _different([it.text for it in observation.samples]) if form == "candidates" else []
    prompt = judging.verify(conversation, observation.generation.text, shown)
    return prompt, "candidates" if shown else "plain"


def _different(texts: Sequence[str]) -> list[str]:
    """The texts that say different words, in order, on one line each."""
    first = {normalise(text): " ".join(text.split()) for text in reversed(texts) if text.strip()}
    return list(reversed(first.values()))[:MOST_CANDIDATES]
