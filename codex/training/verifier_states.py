"""What the lower layers make of a verifier's prompts, kept so that training runs the upper ones alone.

The adapter is on from the first token that all prompts end with alike, the question whether the answer is
correct (an activated LoRA; Greenewald et al. 2025, arXiv:2504.12397). So the tokens before, question and
answer, are read by the unchanged model, in training as in use: their keys and values are kept, and no epoch
reads them again.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import DynamicCache

from codex.engines.huggingface.cells import cells_of
from codex.engines.huggingface.internals import Plan, decoder_layers
from codex.engines.huggingface.kept import Prompt
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.passes import Read, Reading
from codex.errors import Cancelled, CapabilityError, InvalidInput
from codex.signals.verifier import label_begun

PIECE = 512
"""Tokens of a prompt that are read in one pass."""
LIKE_BASE = 0.25
"""How far the logit of True may lie, on average, from the whole model's: float16 alone moves it by 0.01."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The tokens that begin True, and those that begin False."""

    positive: Tensor
    negative: Tensor

    @classmethod
    def of(cls, loaded: LoadedModel) -> Labels:
        """As `label_probability` counts them. Raises CapabilityError."""
        vocabulary = loaded.model.get_output_embeddings().weight.shape[0]
        begun = [label_begun(loaded.spelled[at], ("True", "False")) for at in range(vocabulary)]
        positive, negative = (
            torch.tensor(
                [at for at, label in enumerate(begun) if label == wanted], device=loaded.model.device
            )
            for wanted in ("True", "False")
        )
        if not len(positive) or not len(negative):
            raise CapabilityError("No token of this model begins True or False, so it cannot be a verifier.")
        return cls(positive, negative)

    def logit(self, logits: Tensor) -> Tensor:
        """[..., vocabulary] -> [...]: log-odds of True against False."""
        return logits[..., self.positive].logsumexp(-1) - logits[..., self.negative].logsumexp(-1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some prompts, ready for the upper layers."""

    states: Tensor
    """[n, adapted, hidden size]: what the lower layers put out at the adapted tokens."""
    last: Tensor
    """[n, adapted, hidden size]: what the whole unchanged model puts out there, behind the final norm."""
    cells: list[tuple[Tensor, Tensor]]
    """Of each upper layer, keys and values of the tokens before: [n, heads, most tokens, head size]."""
    lengths: Tensor
    """[n]: tokens before, at the end of the cells; those that are left over are empty."""


class States:
    """What is kept of each prompt, in a temporary file without a name."""

    def __init__(self, loaded: LoadedModel, below: int, adapted: int) -> None:
        """below: how many layers are the lower ones. adapted: tokens at the end of each prompt."""
        self.loaded, self.below, self.adapted = loaded, below, adapted
        self.zero_shot: list[float] = []
        """Of each prompt, the logit of True that the unchanged model gives."""
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="codex-states-")  # noqa: SIM115
        self._places: list[tuple[list[tuple[int, tuple[int, ...]]], int]] = []
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, read: Read, zero_shot: float) -> None:
        """Keep a prompt that was read by the unchanged model, watched at the adapted tokens."""
        cells = cells_of(read.cache)[self.below :]
        before = cells[0].keys.shape[2] - self.adapted
        seen = torch.cat([it.states for it in read.seen], 1)
        kept = torch.stack([torch.stack((it.keys[0, :, :before], it.values[0, :, :before])) for it in cells])
        places = [self._put(it.float().cpu().numpy().astype(np.float16)) for it in (seen, kept)]
        self._places.append((places, before))
        self.zero_shot.append(zero_shot)

    def batch(self, rows: Sequence[int]) -> Batch:
        """The prompts of these places."""
        model = self.loaded.model
        read = [[self._get(*place) for place in self._places[row][0]] for row in rows]
        lengths = [self._places[row][1] for row in rows]
        seen = self._tensor(np.stack([states for states, _ in read]))
        layers, _, heads, _, size = read[0][1].shape
        cells = np.zeros((layers, 2, len(rows), heads, max(lengths), size), np.float16)
        for at, ((_, kept), length) in enumerate(zip(read, lengths, strict=True)):
            cells[:, :, at, :, max(lengths) - length :] = kept
        return Batch(
            states=seen[:, 0],
            last=seen[:, 1],
            cells=[(keys, values) for keys, values in self._tensor(cells)],
            lengths=torch.tensor(lengths, device=model.device),
        )

    def _tensor(self, numbers: NDArray[np.float16]) -> Tensor:
        return torch.from_numpy(numbers).to(self.loaded.model.device, self.loaded.model.dtype)

    def _put(self, numbers: NDArray[np.float16]) -> tuple[int, tuple[int, ...]]:
        at = self._end
        self._file.seek(at)
        self._file.write(np.ascontiguousarray(numbers).data)
        self._end += numbers.nbytes
        return at, numbers.shape

    def _get(self, at: int, shape: tuple[int, ...]) -> NDArray[np.float16]:
        self._file.seek(at)
        size = int(np.prod(shape)) * 2
        return np.frombuffer(self._file.read(size), np.float16).reshape(shape)


class Upper:
    """The upper layers of a model, run alone. The model cannot be used otherwise from then on."""

    def __init__(self, states: States, labels: Labels) -> None:
        self._model, self._below, self._labels = states.loaded.model, states.below, labels
        layers = decoder_layers(self._model)
        for at in range(states.below):
            layers[at] = _Passed()
        for weight in self._model.parameters():
            weight.requires_grad_(False)

    def __call__(self, batch: Batch) -> Tensor:
        """[n, adapted, hidden size]: what the model puts out at the adapted tokens, behind the final norm."""
        n, adapted, _ = batch.states.shape
        cache = DynamicCache(config=self._model.config)
        for at, (keys, values) in enumerate(batch.cells, self._below):
            cache.update(keys, values, at)
        width, device = batch.cells[0][0].shape[2], batch.states.device
        own = torch.ones(adapted, adapted, dtype=torch.bool, device=device).tril()
        before = torch.arange(width, device=device) >= width - batch.lengths[:, None]
        mask = torch.cat([before[:, None].expand(n, adapted, width), own.expand(n, -1, -1)], -1)
        out = self._model.base_model(
            inputs_embeds=batch.states,
            attention_mask=mask[:, None],
            position_ids=batch.lengths[:, None] + torch.arange(adapted, device=device),
            past_key_values=cache,
            use_cache=True,
        )
        last: Tensor = out.last_hidden_state
        return last

    def logit(self, last: Tensor) -> Tensor:
        """[n, adapted, hidden size] -> [n]: log-odds of True against False as the next word."""
        ids = torch.cat([self._labels.positive, self._labels.negative])
        logits = self._unembedded(last[:, -1], ids)
        positive = len(self._labels.positive)
        return logits[:, :positive].logsumexp(-1) - logits[:, positive:].logsumexp(-1)

    def distribution(self, states: Tensor) -> Tensor:
        """[n, hidden size] -> [n, tokens + 1] log-probabilities; label tokens are one outcome, the last."""
        logits = self._unembedded(states)
        ids = torch.cat([self._labels.positive, self._labels.negative])
        label = logits[:, ids].logsumexp(-1, keepdim=True)
        others = logits.index_fill(-1, ids, -torch.inf)
        return torch.cat([others, label], -1).log_softmax(-1)

    def check(self, states: States) -> None:
        """Raises CapabilityError where the upper layers alone do not compute what the whole model does."""
        rows = range(min(8, len(states)))
        with torch.no_grad():
            found = self.logit(self(states.batch(rows)))
        apart = (found.cpu() - torch.tensor([states.zero_shot[row] for row in rows])).abs().mean()
        if not apart <= LIKE_BASE:
            raise CapabilityError(
                f"The upper layers of {type(self._model).__name__} cannot be run alone: the logit of True "
                f"comes out {float(apart):.2f} apart. Use a model of the Llama, Qwen or Mistral kind."
            )

    def _unembedded(self, states: Tensor, ids: Tensor | None = None) -> Tensor:
        head = self._model.get_output_embeddings()
        if ids is None:
            logits: Tensor = head(states)
            return logits.float()
        weight, bias = head.weight[ids], getattr(head, "bias", None)
        return nn.functional.linear(states, weight, bias if bias is None else bias[ids]).float()


class _Passed(nn.Module):
    """In the place of a layer whose work is done."""

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return hidden_states


def shared_end(prompts: Sequence[Sequence[int]]) -> list[int]:
    """The tokens that all prompts end with alike. Raises InvalidInput where there are none."""
    columns = zip(*(reversed(ids) for ids in prompts), strict=False)
    end = [column[0] for column in itertools.takewhile(lambda column: len(set(column)) == 1, columns)]
    if not end:
        raise InvalidInput("The prompts have no last token in common, from which an adapter could be on.")
    return end[::-1]


def read_all(
    states: States,
    prompts: Sequence[Sequence[int]],
    labels: Labels,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Read the prompts, each once, by the unchanged model. What they begin with alike is read once.

    Raises Cancelled.
    """
    loaded = states.loaded
    depth = len(decoder_layers(loaded.model))
    plan = Plan((states.below, depth), ())
    known: Prompt | None = None
    with torch.inference_mode():
        for at, ids in enumerate(prompts):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The training was cancelled; nothing was saved.")
            reading = Reading(loaded, ids, PIECE, known, plan, states.adapted)
            while (read := reading.advance()) is None:
                pass
            if known is None:
                known = _beginning(read, prompts, states.adapted)
            states.add(read, float(labels.logit(read.logits[0].float())))
            if progress is not None:
                progress(at + 1, len(prompts))


def _beginning(read: Read, prompts: Sequence[Sequence[int]], adapted: int) -> Prompt | None:
    """What all prompts begin with, of the first one, which was read."""
    same = 0
    for column in zip(*(ids[: len(ids) - adapted] for ids in prompts), strict=False):
        if len(set(column)) > 1:
            break
        same += 1
    cells = cells_of(read.cache)
    if not same or not cells:
        return None
    kept = [(it.keys[:, :, :same].clone(), it.values[:, :, :same].clone()) for it in cells]
    return Prompt(list(prompts[0][:same]), kept, same)
