"""What a signal sees of an observation: the whole answer, or its focus."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, count
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from codex.signals.focus import focus_mask, focus_text
from codex.signals.text import normalise, same_normalised_text
from codex.types import Observation

Need = Literal[
    "logprobs",
    "entropies",
    "alternatives",
    "full vocabulary",
    "attention",
    "end",
    "1 sample",
    "2 samples",
    "passages",
    "grounding",
    "verdict",
    "probe",
    "stated",
]
"""What an observation may hold: "alternatives" are at least two for each token, "end" how likely it was.

"grounding" and "verdict" are of a judge and a verifier that were not measured to be unreliable; of another
one they stay in the observation, and count as not there.
"""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """Samples that say the same thing."""

    text: str
    """The words that most of them use; their first line where those words do not stand together."""
    members: tuple[int, ...]
    """Indices into the samples."""
    contains_answer: bool
    """The answer shown says the same."""


class View:
    """The tokens and texts that signals are computed from. The answer is never one of the samples.

    Arrays are computed on first use, once. A given prefix (a branch) counts as part of the answer.
    """

    def __init__(
        self, observation: Observation, mask: Sequence[bool], answer: str, samples: Sequence[str]
    ) -> None:
        """mask: which tokens of the answer are seen."""
        self.observation = observation
        self.mask = np.array(mask, dtype=np.bool_)
        self.tokens = tuple(compress(observation.generation.tokens, mask))
        self.answer = answer
        self.samples = tuple(samples)

    @classmethod
    def whole(cls, observation: Observation) -> Self:
        """All tokens, and the texts as they are."""
        generation = observation.generation
        mask = [True] * len(generation.tokens)
        return cls(observation, mask, generation.text, [s.text for s in observation.samples])

    @classmethod
    def focus(cls, observation: Observation) -> Self:
        """The tokens and words that carry the answer, of the samples as of the answer itself."""
        question, generation = observation.question, observation.generation
        return cls(
            observation,
            focus_mask(observation),
            focus_text(question, generation.text),
            [focus_text(question, sample.text) for sample in observation.samples],
        )

    @cached_property
    def has(self) -> frozenset[Need]:
        """What is there to compute from. Values for only a part of the tokens count as not there."""
        tokens, n = self.tokens, len(self.samples)
        grounding, verdict = self.observation.grounding, self.observation.verdict
        there: dict[Need, bool] = {
            "logprobs": bool(tokens) and all(t.logprob is not None for t in tokens),
            "entropies": bool(tokens) and all(t.entropy is not None for t in tokens),
            "alternatives": bool(tokens) and all(len(t.alternatives) > 1 for t in tokens),
            "full vocabulary": bool(tokens) and all(t.self_certainty is not None for t in tokens),
            "attention": bool(tokens) and self.observation.generation.attention is not None,
            "end": self.observation.generation.end_logprob is not None,
            "1 sample": n >= 1,
            "2 samples": n >= 2,
            "passages": bool(self.observation.passages),
            "grounding": grounding is not None and grounding.is_reliable,
            "verdict": verdict is not None and verdict.is_reliable,
            "probe": self.observation.probed is not None,
            "stated": self.observation.stated is not None,
        }
        return frozenset(need for need, held in there.items() if held)

    @cached_property
    def logprobs(self) -> Array:
        """[tokens]; NaN where a token has none."""
        return np.array([t.logprob for t in self.tokens], dtype=np.float64)

    @cached_property
    def answer_logprobs(self) -> Array:
        """[tokens of the whole answer]; NaN where a token has none."""
        return np.array([t.logprob for t in self.observation.generation.tokens], dtype=np.float64)

    @cached_property
    def sample_logprobs(self) -> Array:
        """[n]: the sum over the tokens of each sample; NaN where it has none, or one of them none."""
        sums = (
            [token.logprob if token.logprob is not None else np.nan for token in sample.tokens] or [np.nan]
            for sample in self.observation.samples
        )
        return np.array(list(map(sum, sums)), dtype=np.float64)

    @cached_property
    def sample_ends(self) -> Array:
        """[n]: the log-probability of the end of each sample; NaN where it did not end by itself."""
        return np.array([sample.end_logprob for sample in self.observation.samples], dtype=np.float64)

    @cached_property
    def entropies(self) -> Array:
        """[tokens] in nats; NaN where a token has none."""
        return np.array([t.entropy for t in self.tokens], dtype=np.float64)

    @cached_property
    def self_certainties(self) -> Array:
        """[tokens] in nats; NaN where the engine does not see the whole vocabulary."""
        return np.array([t.self_certainty for t in self.tokens], dtype=np.float64)

    @cached_property
    def margins(self) -> Array:
        """[tokens]: probability of the likeliest token minus that of the second."""
        top = np.array([[a.logprob for a in t.alternatives[:2]] for t in self.tokens], dtype=np.float64)
        return np.exp(top[:, 0]) - np.exp(top[:, 1])

    @cached_property
    def _wordings(self) -> Array:
        """[1 + n, 1 + n]: ROUGE-L F1 between the answer (row 0) and the samples, over normalised words."""
        codes: dict[str, str] = defaultdict(map(chr, count()).__next__)
        texts = [
            "".join(map(codes.__getitem__, normalise(text).split(" ")))
            for text in (self.answer, *self.samples)
        ]
        # 2 LCS / (n + m), which is ROUGE-L's F1, is 1 minus the normalised insert-delete distance.
        return cdist(texts, texts, scorer=Indel.normalized_similarity, dtype=np.float64)

    @property
    def wording(self) -> Array:
        """[n, n]: ROUGE-L F1 over normalised words between samples, symmetric, ones on the diagonal."""
        return self._wordings[1:, 1:]

    @cached_property
    def _pairs(self) -> Array:
        by_model = self.observation.similarity
        return self._wordings if by_model is None else np.array(by_model.matrix, dtype=np.float64)

    @property
    def similarity(self) -> Array:
        """[n, n] between samples, symmetric, ones on the diagonal: by a model's reading, else `wording`."""
        return self._pairs[1:, 1:]

    @property
    def answer_similarity(self) -> Array:
        """[n] between the answer and each sample, as `similarity`."""
        return self._pairs[0, 1:]

    @cached_property
    def _classes(self) -> tuple[int, ...]:
        by_model = self.observation.similarity
        if by_model is not None:
            return by_model.classes
        return tuple(same_normalised_text([self.answer, *self.samples]))

    @property
    def classes(self) -> tuple[int, ...]:
        """[n]: the class of each sample; equal numbers say the same thing."""
        return self._classes[1:]

    @property
    def answer_class(self) -> int:
        """The class of the answer; among the samples' own when one of them says the same."""
        return self._classes[0]

    @cached_property
    def shares(self) -> Array:
        """[classes]: the share of the samples in each class; sums to 1."""
        return np.array(list(Counter(self.classes).values()), dtype=np.float64) / len(self.samples)

    @property
    def groups(self) -> list[Group]:
        """The samples by class, largest first; equal sizes in order of appearance."""
        members: dict[int, list[int]] = {}
        for index, label in enumerate(self.classes):
            members.setdefault(label, []).append(index)
        groups = [
            Group(
                self._named(indices),
                tuple(indices),
                label == self.answer_class,
            )
            for label, indices in members.items()
        ]
        return sorted(groups, key=lambda group: -len(group.members))

    def _named(self, members: Sequence[int]) -> str:
        words = Counter(self.samples[i] for i in members).most_common(1)[0][0]
        said = [self.observation.samples[i].text.strip() for i in members]
        if any(words in text for text in said):
            return words
        return Counter(text.partition("\n")[0].rstrip() for text in said).most_common(1)[0][0]


def answer_groups(observation: Observation) -> list[Group]:
    """The samples grouped by what their focus says; what `answer_frequency_focus` counts."""
    return View.focus(observation).groups
