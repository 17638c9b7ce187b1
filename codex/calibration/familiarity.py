"""Whether a question is like those that a calibrator was fitted on: its distance to the nearest of them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""[n] texts to [n, d] vectors of unit length."""

FALSE_ALARMS = 0.05
"""Of the questions that are like those fitted on, at most this share is called unfamiliar."""
MOST = 1500
"""Questions that are kept: two thirds to be near to, one third held out. More are drawn from at random."""
LEAST = 60
"""With fewer questions the held-out third could not show a p-value as small as FALSE_ALARMS."""
_STEPS = 127
"""Of a component, from 0 to 1, as it is kept."""


class Familiarity(BaseModel):
    """The questions of a calibrator as vectors, and how far held-out ones are from the nearest of them.

    A conformal test of exchangeability: the p-value of a question is the share of held-out questions that are
    at least as far away as it is (Vovk et al. 2005, Algorithmic Learning in a Random World).
    """

    model_config = ConfigDict(frozen=True)

    vectors: str = Field(repr=False)
    """[n, dimension] signed bytes in base64, row by row."""
    dimension: int = Field(ge=1)
    distances: tuple[float, ...]
    """[held-out], rising: 1 - the cosine to the nearest of the n."""

    @classmethod
    def of(cls, questions: Sequence[str], embed: Embed) -> Self | None:
        """From the questions that are fitted on; None where they are fewer than LEAST. Raises as `embed`."""
        if len(questions) < LEAST:
            return None
        order = np.random.default_rng(0).permutation(len(questions))[:MOST]
        vectors = _kept(embed([questions[at] for at in order]))
        near, held_out = vectors[len(order) // 3 :], vectors[: len(order) // 3]
        return cls(
            vectors=base64.b64encode(near.tobytes()).decode(),
            dimension=near.shape[1],
            distances=tuple(np.sort(_distances(near, _unit(held_out))).round(5).tolist()),
        )

    def p_values(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """[n, dimension] -> [n] in ]0, 1]: the share of held-out questions that are as far away."""
        near = np.frombuffer(base64.b64decode(self.vectors), np.int8).reshape(-1, self.dimension)
        distances, held_out = _distances(near, vectors), np.asarray(self.distances)
        nearer = np.searchsorted(held_out, distances.round(5), side="left")
        return np.asarray((1 + len(held_out) - nearer) / (1 + len(held_out)))


def _distances(near: NDArray[np.int8], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """[n]: 1 - the cosine of each vector and the nearest one."""
    return np.asarray(1 - (vectors @ _unit(near).T).max(axis=1), np.float64)


def _kept(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Each vector scaled so that its largest component uses the whole range."""
    scale = np.abs(vectors).max(axis=1, keepdims=True).clip(1e-12)
    return np.asarray(np.rint(vectors / scale * _STEPS), np.int8)


def _unit(kept: NDArray[np.int8]) -> NDArray[np.float32]:
    vectors = kept.astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), np.float32)
