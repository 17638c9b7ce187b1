"""How likely each label is: from the probabilities of its tokens, or from how often samples name it."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from codex.classify.labels import LabelSet
from codex.classify.usage import Spent
from codex.engines.base import Engine, GenerationParams
from codex.errors import CapabilityError
from codex.signals.verifier import AROUND
from codex.types import Alternative, Generation, Message, Token

NEGLIGIBLE = 1e-2
"""A beginning that has less than this share of what leads to labels is not followed further: most likely it
ends as the label that it begins. A tenth of it takes twice the requests."""
MOST_AROUND = 3
"""Tokens of white space or quotation marks before a label that are followed."""
BYTES_A_TOKEN = 4
"""Bytes of a label that one token has, about."""
TALK = 32
"""Tokens of a sample beyond those of a label, in which a model that talks may name it."""

Source = Literal["tokens", "samples"]


@dataclass(frozen=True, slots=True)
class Classified:
    """What the model says of one row."""

    probabilities: tuple[float, ...]
    """Of each label, in the order of the label set; they sum to 1."""
    mass: float
    """How likely the answer names a label at all, in [0, 1], before the rest was left out."""
    source: Source


def classify(
    engine: Engine,
    prompt: Sequence[Message],
    labels: LabelSet,
    *,
    n_samples: int,
    max_tokens: int | None,
    seed: int,
    spent: Spent,
    cancel: threading.Event | None = None,
) -> Classified:
    """The probabilities of the labels after a prompt.

    max_tokens: of an answer; None: what a label takes. A model that reasons first needs more. spent: what it
    took is added there. Raises CapabilityError where no label is named at all, and what engines raise.
    """
    if engine.capabilities.logprobs == "raw":
        found = _Tree(engine, prompt, labels, max_tokens or label_tokens(labels), spent, cancel).measured()
        if found is not None:
            return found
    return _from_samples(engine, prompt, labels, n_samples, max_tokens, seed, spent, cancel)


def from_generation(
    engine: Engine, prompt: Sequence[Message], labels: LabelSet, found: Generation, spent: Spent
) -> Classified:
    """The probabilities that one answer tells: of a batch, in which no other beginning is asked for.

    Raises CapabilityError where no label is named.
    """
    tree = _Tree(engine, prompt, labels, 1, spent, None, asks=False)
    tree.learn((), found)
    spent.add(found)
    measured = tree.measured()
    if measured is None:
        named = labels.named(found.text)
        if named is None:
            said = " ".join(found.text.split())[:60]
            raise CapabilityError(
                f"The model names none of the labels; it says {said!r}. Try another template."
            )
        return Classified(tuple(float(at == named) for at in range(len(labels))), 1.0, "samples")
    return measured


def label_tokens(labels: LabelSet) -> int:
    """About how many tokens an answer takes that is a label."""
    return 1 + max(math.ceil(len(text.encode()) / BYTES_A_TOKEN) for text in labels.texts)


@dataclass(slots=True)
class _Tree:
    """The ways in which an answer can begin, followed where they lead to labels.

    The probability of a label is the sum over all its spellings and cuts into tokens that are among the
    likeliest, each the product of its tokens' probabilities. Of two labels of which one begins the other, the
    shorter has what the longer leaves.
    """

    engine: Engine
    prompt: Sequence[Message]
    labels: LabelSet
    most: int
    spent: Spent
    cancel: threading.Event | None
    shares: list[float] = field(default_factory=list)
    known: dict[tuple[bytes, ...], Token | None] = field(default_factory=dict)
    """The distribution after each beginning, by its tokens; None: the engine does not tell."""
    asks: bool = True
    """Whether the engine is asked for what is not known yet."""
    least: float = 0.0

    def measured(self) -> Classified | None:
        """None where no label is among the likeliest beginnings."""
        self.shares = [0.0] * len(self.labels)
        first = self._after(())
        if first is None or first.logprob is None:
            return None
        leading = sum(math.exp(it.logprob) for it in first.alternatives if self._leads(it, b""))
        if not leading:
            return None
        self.least = NEGLIGIBLE * leading
        self._follow((), b"", 1.0)
        mass = math.fsum(self.shares)
        if not mass:
            return None
        lowest = math.exp(min(it.logprob for it in first.alternatives))
        shares = [it or self._unlisted(at, lowest) for at, it in enumerate(self.shares)]
        total = math.fsum(shares)
        return Classified(tuple(it / total for it in shares), min(mass, 1.0), "tokens")

    def _unlisted(self, label: int, lowest: float) -> float:
        """Of a label that is not among the likeliest: scored, else half of what it can be at most."""
        if not self.asks or not self.engine.capabilities.score:
            return lowest / 2
        found = self.engine.score(self.prompt, self.labels.texts[label])
        self.spent.add(found)
        return min(math.exp(math.fsum(it.logprob or 0.0 for it in found.tokens)), lowest)

    def _follow(self, prefix: tuple[Token, ...], text: bytes, mass: float) -> None:
        """Share out the probability `mass` of answers that begin so."""
        named, begun = self.labels.standing(text)
        if not begun:
            self._give(named, begun, mass)
            return
        is_inside = bool(text.strip(AROUND))
        if not is_inside and len(prefix) > MOST_AROUND:
            return
        token = self._after(prefix) if mass >= self.least else None
        if token is None:
            if is_inside:
                self._give(named, begun, mass)
            return
        left = mass
        for each in token.alternatives:
            if self._leads(each, text):
                share = mass * math.exp(each.logprob)
                left -= share
                chosen = Token(each.id, each.bytes, each.logprob)
                self._follow((*prefix, chosen), text + each.bytes, share)
        if named is not None:
            self.shares[named] += max(left, 0.0)

    def _leads(self, each: Alternative, text: bytes) -> bool:
        named, begun = self.labels.standing(text + each.bytes)
        return not each.is_end and bool(each.bytes) and (named is not None or bool(begun))

    def _give(self, named: int | None, begun: tuple[int, ...], mass: float) -> None:
        """To the label that stands there; where none does, to those that may come, in equal parts."""
        if named is not None:
            self.shares[named] += mass
        for label in begun if named is None else ():
            self.shares[label] += mass / len(begun)

    def _after(self, prefix: tuple[Token, ...]) -> Token | None:
        """The distribution after a beginning."""
        path = tuple(it.bytes for it in prefix)
        if path not in self.known:
            self.known[path] = None
            if self.asks and (not prefix or self.engine.capabilities.prefix):
                self._ask(prefix, path)
        return self.known[path]

    def _ask(self, prefix: tuple[Token, ...], path: tuple[bytes, ...]) -> None:
        try:
            found = self.engine.ahead(
                self.prompt, max(1, self.most - len(prefix)), prefix=prefix, cancel=self.cancel
            )
        except CapabilityError:
            return
        self.spent.add(found)
        self.learn(path, found)

    def learn(self, path: tuple[bytes, ...], found: Generation) -> None:
        """The distributions that an answer brings after a beginning."""
        for token in found.tokens[found.prefix_tokens :]:
            if token.logprob is None:
                return
            self.known[path] = token
            path = (*path, token.bytes)


def _from_samples(
    engine: Engine,
    prompt: Sequence[Message],
    labels: LabelSet,
    n: int,
    max_tokens: int | None,
    seed: int,
    spent: Spent,
    cancel: threading.Event | None,
) -> Classified:
    params = GenerationParams(
        max_tokens=max_tokens or label_tokens(labels) + TALK, temperature=1.0, seed=seed
    )
    samples: list[Generation] = engine.sample(prompt, params, n)
    counts = [0] * len(labels)
    for sample in samples:
        spent.add(sample)
        named = labels.named(sample.text)
        if named is not None:
            counts[named] += 1
    if not any(counts):
        said = " ".join(samples[0].text.split())[:60]
        raise CapabilityError(f"The model names none of the labels; it says {said!r}. Try another template.")
    return Classified(tuple(it / sum(counts) for it in counts), sum(counts) / n, "samples")
