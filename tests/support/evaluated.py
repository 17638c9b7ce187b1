"""Runs as an evaluation leaves them in the store: answers that are correct as often as they seem to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from codex import prompts, signals
from codex.calibration import Calibrator, before_and_after, fit
from codex.evaluation.calibrating import labelled_runs
from codex.evaluation.generations import Generated
from codex.store import Store
from codex.types import (
    Alternative,
    Generation,
    Observation,
    Origin,
    Record,
    Run,
    RunParams,
    RunState,
    Sampling,
    Token,
)

COUNTRIES = (
    "Australia",
    "Brazil",
    "Canada",
    "Denmark",
    "Egypt",
    "France",
    "Ghana",
    "Hungary",
    "Iceland",
    "Japan",
)
CITIES = ("Canberra", "Sydney", "Ottawa", "Toronto", "Accra", "Cairo", "Paris", "Tokyo", "Lagos", "Lima")


def put_run(
    store: Store,
    run_id: str = "run-1",
    *,
    name: str = "capitals, as they are",
    graded: int = 80,
    failed: int = 0,
    total: int | None = None,
    state: RunState = "done",
    model: str = "scripted:test:none",
    correct: Callable[[float, np.random.Generator], bool] = lambda chance, rng: bool(rng.random() < chance),
    n_samples: int = 5,
    adaptive: int | None = None,
    temperature: float = 1.0,
    dataset: str = "capitals",
    grader: str = "contains",
    prompt: str | None = None,
) -> Run:
    """Put a run with so many graded and failed answers into a store. correct: by the answer's true chance.

    adaptive: the samples of each answer, where no more were needed of those `n_samples`.
    """
    run = Run(
        id=run_id,
        name=name,
        dataset=dataset,
        created_at=datetime.now(UTC),
        model=model,
        prompt=prompts.fingerprint() if prompt is None else prompt,
        params=RunParams(
            answer=Sampling(temperature=0.0, max_tokens=64),
            samples=Sampling(temperature=temperature, max_tokens=64),
            n_samples=n_samples,
            adaptive=adaptive is not None,
            grader=grader,
            questions="0123456789abcdef",
        ),
        total=total or graded + failed,
        state=state,
    )
    store.runs.create(run)
    rng = np.random.default_rng(0)
    drawn = n_samples if adaptive is None else adaptive
    records = [_graded(index, dataset, drawn, correct, rng) for index in range(graded)]
    records += [_failed(index, dataset) for index in range(graded, graded + failed)]
    store.runs.add(run_id, records)
    return run


def put_calibrator(store: Store, run: Run, name: str = "mine", **changes: object) -> str:
    """Fit a calibrator to a run and save it, quicker than the page would; returns its version.

    changes: fields that are to say something else than what was fit.
    """
    signs = {each.name: 1 if each.higher_is_confident else -1 for each in signals.REGISTRY.values()}
    half = labelled_runs(store, [run.id]).to_fit
    fitted = fit(half.signals, half.correct, signs=signs, groups=half.groups, method="temperature", repeats=1)
    calibrator = Calibrator(
        name=name,
        method=fitted.method,
        design=fitted.design,
        map=fitted.map,
        model=run.model,
        prompt=run.prompt,
        n_samples=5,
        sample_temperature=1.0,
        evidence=False,
        runs=(run.id,),
        datasets=(run.dataset,),
        questions=len(half.ids),
        accuracy=float(half.correct.mean()),
        metrics=before_and_after(fitted, half.correct, resamples=20),
        briers=fitted.briers,
    ).model_copy(update=changes)
    store.calibrators.save(calibrator.version, name, calibrator.model_dump_json(), run.id)
    return calibrator.version


def _graded(
    index: int,
    dataset: str,
    n_samples: int,
    correct: Callable[[float, np.random.Generator], bool],
    rng: np.random.Generator,
) -> Record:
    chance = float(rng.uniform(0.05, 0.98))
    country, city, other = COUNTRIES[index % 10], CITIES[index % 10], CITIES[(index + 1) % 10]
    observation = Observation(
        question=f"What is the capital of {country}, question {index}?",
        generation=_generation(f"The capital is {city}.", chance),
        samples=tuple(
            _generation(f"It is {city if rng.random() < chance else other}.", chance)
            for _ in range(n_samples)
        ),
    )
    is_correct = correct(chance, rng)
    return Record(
        id=f"q{index}",
        group=dataset,
        answers=(city,) if is_correct else (other,),
        observation=observation,
        signals=signals.compute(observation),
        correct=is_correct,
        grade=float(is_correct),
        seconds=0.25,
    )


def _failed(index: int, dataset: str) -> Record:
    observation = Observation(
        question=f"What is the capital of nowhere, question {index}?",
        generation=Generation("", (), "stop", 0, 0.0),
    )
    return Record(
        id=f"q{index}",
        group=dataset,
        answers=("none",),
        observation=observation,
        signals={},
        correct=None,
        grade=None,
        seconds=0.0,
        error="The prompt is longer than the model's context.",
    )


def _generation(text: str, chance: float) -> Generation:
    pieces = [" " + piece if at else piece for at, piece in enumerate(text.split(" "))]
    tokens = tuple(
        _token(at, piece, chance if at == len(pieces) - 1 else 0.95) for at, piece in enumerate(pieces)
    )
    return Generation(text, tokens, "stop", 12, 0.2)


def _token(index: int, piece: str, probability: float) -> Token:
    chosen = Alternative(1000 + index, piece.encode(), math.log(probability))
    other = Alternative(2000 + index, b" other", math.log((1 - probability) / 2))
    ranked = tuple(sorted((chosen, other), key=lambda each: -each.logprob))
    return Token(
        chosen.id,
        chosen.bytes,
        chosen.logprob,
        entropy=1 - probability,
        rank=1 + ranked.index(chosen),
        alternatives=ranked,
    )


def generated(number: int, group: str) -> Generated:
    """Correct, and each of its four samples too, with the probability of its only token."""
    rng = np.random.default_rng([number, len(group)])
    chance = rng.uniform(0.3, 0.99)
    said = [
        Generation(text, (Token(1, text.encode(), float(np.log(chance))),), "stop", 1, 0.1)
        for text in np.where(rng.random(5) < chance, "yes", "no").tolist()
    ]
    observation = Observation(f"Is {number} {group}?", said[0], samples=tuple(said[1:]))
    return Generated(f"{group}-{number}", group, ("yes",), True, observation, origin=Origin("m", "p", 1.0))
