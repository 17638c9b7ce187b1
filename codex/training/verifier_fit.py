"""The fit of a verifier: LoRA on the upper layers of a model, as long as cross-validation says.

The loss is the cross-entropy of True against False, and beside it how far the adapter takes the model from
what it was (Kapoor et al. 2024, arXiv:2406.08391, who measure that on the answer's tokens). On those the
adapter is off, so that nothing changes there; it is measured on the tokens of the verifier's question, as
KL(unchanged || adapted) of the next token, with True and False in all their spellings as one outcome.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from codex.calibration.logistic import logistic
from codex.engines.huggingface.internals import decoder_layers
from codex.engines.huggingface.switched import Switched, linear_layers
from codex.errors import Cancelled, ModelError
from codex.training.verifier_options import FitOptions
from codex.training.verifier_states import States, Upper

Array = NDArray[np.float64]
OnLoss = Callable[[int, float], None]
"""Called after each step with the rows that are done, of all fits, and the loss."""
OnEpoch = Callable[[int, float, Array], None]
"""Called after each epoch of the folds with its number, the mean loss of its steps, and [n] the log-odds of
True of each row by the adapter that did not see it."""


class Adapter:
    """Trainable LoRA weights of the upper layers."""

    def __init__(self, states: States, options: FitOptions, seed: int) -> None:
        drawn = torch.Generator().manual_seed(seed)
        model = states.loaded.model
        names = {module: name for name, module in model.named_modules()}
        self.pairs: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        """By the name of the linear layer in the model: A [rank, inputs], B [outputs, rank]."""
        modules: list[nn.Module] = []
        for layer in list(decoder_layers(model))[states.below :]:
            for module in linear_layers(layer).values():
                a = torch.empty(options.rank, module.in_features)
                nn.init.kaiming_uniform_(a, a=math.sqrt(5), generator=drawn)
                b = torch.zeros(module.out_features, options.rank)
                pair = nn.Parameter(a.to(model.device)), nn.Parameter(b.to(model.device))
                self.pairs[names[module]] = pair
                modules.append(module)
        self.switched = Switched(
            dict(zip(modules, self.pairs.values(), strict=True)), options.alpha / options.rank
        )

    def parameters(self) -> list[nn.Parameter]:
        """All of them."""
        return [weight for pair in self.pairs.values() for weight in pair]

    def weights(self) -> dict[str, tuple[Tensor, Tensor]]:
        """A copy of what they are now."""
        return {name: (a.detach().clone(), b.detach().clone()) for name, (a, b) in self.pairs.items()}


class _Fit:
    """One adapter on its way, an epoch at a time."""

    def __init__(
        self,
        upper: Upper,
        states: States,
        labels: Array,
        rows: Sequence[int],
        options: FitOptions,
        seed: int,
        offset: float = 0.0,
    ) -> None:
        self.adapter = Adapter(states, options, seed)
        self._upper, self._states, self._labels = upper, states, labels
        self._rows, self._options, self._offset = np.array(rows), options, offset
        self._drawn = np.random.default_rng(seed)
        self._optimizer = torch.optim.AdamW(
            self.adapter.parameters(), lr=options.learning_rate, weight_decay=0.0
        )
        self._step = 0
        self._warmup = max(1, math.ceil(len(rows) / options.batch_size) // 2)

    def epoch(self, cancel: threading.Event | None) -> Iterator[tuple[int, float]]:
        """Rows of each step, and its loss. Raises Cancelled; ModelError where a loss is no number."""
        shuffled = self._drawn.permutation(self._rows)
        for start in range(0, len(shuffled), self._options.batch_size):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The training was cancelled; nothing was saved.")
            rows = shuffled[start : start + self._options.batch_size]
            loss = self._loss(rows)
            if not torch.isfinite(loss):
                raise ModelError(
                    f"The loss is {float(loss)} at step {self._step + 1}: nothing was saved. "
                    "Lower --learning-rate, or set engine.dtype=float32."
                )
            self._optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.adapter.parameters(), 1.0)
            self._step += 1
            for group in self._optimizer.param_groups:
                group["lr"] = self._options.learning_rate * min(1.0, self._step / self._warmup)
            self._optimizer.step()
            yield len(rows), float(loss.detach())

    def _loss(self, rows: NDArray[np.int64]) -> Tensor:
        batch = self._states.batch(rows.tolist())
        with self.adapter.switched.on():
            last = self._upper(batch)
        wanted = torch.tensor(self._labels[rows], dtype=torch.float32, device=last.device)
        loss = binary_cross_entropy_with_logits(self._upper.logit(last) + self._offset, wanted)
        if not self._options.kl_weight:
            return loss
        # Of the other adapted tokens one is drawn each time: an unbiased estimate of their mean.
        adapted = last.shape[1]
        places = [adapted - 1, int(self._drawn.integers(adapted))]
        with torch.no_grad():
            base = self._upper.distribution(batch.last[:, places].flatten(0, 1))
        own = self._upper.distribution(last[:, places].flatten(0, 1))
        apart = torch.where(base > -torch.inf, base.exp() * (base - own), 0.0).nansum(-1)
        return loss + self._options.kl_weight * apart.mean()

    def logits(self, rows: Sequence[int]) -> Array:
        """[n]: what the adapter says of prompts, log-odds of True with the offset."""
        found = logits(self._upper, self._states, self.adapter.switched, rows, self._options.batch_size)
        return found + self._offset


def logits(upper: Upper, states: States, switched: Switched, rows: Sequence[int], at_once: int = 16) -> Array:
    """[n]: log-odds of True with an adapter on."""
    found: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(rows), at_once):
            with switched.on():
                last = upper(states.batch(rows[start : start + at_once]))
            found += upper.logit(last).tolist()
    return np.array(found)


def switched(states: States, weights: Mapping[str, tuple[Tensor, Tensor]], options: FitOptions) -> Switched:
    """An adapter by its weights. weights: A and B by the name of the linear layer in the model."""
    modules = dict(states.loaded.model.named_modules())
    pairs = {modules[name]: pair for name, pair in weights.items()}
    return Switched(pairs, options.alpha / options.rank)


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave."""

    weights: dict[str, tuple[Tensor, Tensor]]
    """Of the adapter fitted on all rows."""
    folds: list[dict[str, tuple[Tensor, Tensor]]]
    """Of those that each saw all rows but their fold's."""
    heldout: Array
    """[n]: log-odds of True for each row, with the offset, by the adapter that did not see it."""
    offset: float
    """What is added to an adapter's log-odds, so that training begins at the share of correct answers and
    need not teach it."""
    epochs: int
    temperature: float
    curve: list[float]
    """Mean cross-entropy of held-out rows after each epoch, in nats, temperature included."""


def train(
    upper: Upper,
    states: States,
    correct: NDArray[np.bool_],
    folds: NDArray[np.int64],
    options: FitOptions,
    on_loss: OnLoss | None = None,
    cancel: threading.Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """folds: [n], the fold of each row. Raises Cancelled, ModelError.

    All folds are trained an epoch at a time, until the cross-entropy of what they did not see has not fallen
    for two; the adapter that is fitted on all rows has as many epochs as were best.
    """
    labels, share = correct.astype(np.float64), correct.mean()
    offset = float(np.log(share / (1 - share)) - np.mean(states.zero_shot[: len(labels)]))
    which = [np.flatnonzero(folds == fold) for fold in range(int(folds.max()) + 1)]
    fits = [
        _Fit(
            upper,
            states,
            labels,
            np.flatnonzero(folds != fold).tolist(),
            options,
            options.seed + fold,
            offset,
        )
        for fold in range(len(which))
    ]
    done, curve = 0, []
    best: tuple[float, int, Array, list[dict[str, tuple[Tensor, Tensor]]]] | None = None
    for epoch in range(1, options.epochs + 1):
        heldout, losses = np.empty(len(labels)), []
        for fit, rows in zip(fits, which, strict=True):
            for n, loss in fit.epoch(cancel):
                done += n
                losses.append(loss)
                if on_loss is not None:
                    on_loss(done, loss)
            heldout[rows] = fit.logits(rows.tolist())
        entropy = cross_entropy(heldout / fitted_temperature(heldout, correct), correct)
        curve.append(entropy)
        if on_epoch is not None:
            on_epoch(epoch, float(np.mean(losses)), heldout)
        if best is None or entropy < best[0]:
            best = entropy, epoch, heldout, [fit.adapter.weights() for fit in fits]
        elif epoch - best[1] >= 2:
            break
    assert best
    _, epochs, heldout, kept = best
    whole = _Fit(upper, states, labels, range(len(labels)), options, options.seed + len(which), offset)
    for _ in range(epochs):
        for n, loss in whole.epoch(cancel):
            done += n
            if on_loss is not None:
                on_loss(done, loss)
    temperature = fitted_temperature(heldout, correct)
    return Trained(whole.adapter.weights(), kept, heldout, offset, epochs, temperature, curve)


def fitted_temperature(logit: Array, correct: NDArray[np.bool_]) -> float:
    """The one by which log-odds are divided for the least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

    In [0.05, 20].
    """
    (slope, *_), _ = logistic(
        logit[:, None], correct.astype(float), least=0.05, most=20.0, with_intercept=False
    )
    return 1.0 / float(slope)


def cross_entropy(logit: Array, correct: NDArray[np.bool_]) -> float:
    """Mean, in nats."""
    return float(np.logaddexp(0.0, np.where(correct, -logit, logit)).mean())
