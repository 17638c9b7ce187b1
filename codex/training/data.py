"""From examples to rows of tokens: the chat template, with the loss on the answer's tokens alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from codex import prompts
from codex.engines.huggingface.rendering import encode, render
from codex.errors import InvalidInput
from codex.text import sha256
from codex.training.batches import IGNORED, Batch
from codex.training.config import DataConfig
from codex.training.examples import Example, Source, described
from codex.training.filters import filtered
from codex.training.token_cache import Prepared, Tokens, cached

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

AT_ONCE = 200_000
"""Characters of examples that are tokenized together."""


def prepare(
    source: Source,
    tokenizer: PreTrainedTokenizerFast,
    ends: Iterable[int],
    max_tokens: int,
    config: DataConfig,
    cache: Path,
    model: str,
) -> Prepared:
    """The rows of a source, from the cache where they were made before. Memory does not grow with the file.

    ends: tokens that end an answer. max_tokens: of a row. model: what the user calls it. Raises InvalidInput:
    nothing is left to train on; CapabilityError: the model has no chat template; TrainingError.
    """
    known = (source.sha256(), fingerprint(tokenizer), prompts.fingerprint(), max_tokens)
    key = sha256(f"{known} {config.model_dump_json()} {sorted(ends)}")
    writer = _Writer(tokenizer, frozenset(ends), max_tokens, config, model)
    found = cached(cache, key, lambda counts: writer.rows(source, counts))
    if not len(found.train.lengths):
        told = "; ".join(described(found.counts))
        raise InvalidInput(f"Nothing of {source.name} is left to train on. {told}.", ["data"])
    return found


def fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """Changes when the tokenizer makes other tokens of a text, or its template other texts of a question."""
    return sha256(f"{tokenizer.backend_tokenizer.to_str()}\0{tokenizer.chat_template}")


def answer_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The mean negative log-likelihood of the target tokens, in nats."""
    logits, targets = _at_targets(model, batch)
    return cross_entropy(logits, targets, ignore_index=IGNORED)


def answer_measures(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """`answer_loss` as validation_loss; token_accuracy: the share of targets that are the likeliest token."""
    logits, targets = _at_targets(model, batch)
    hits = (logits.argmax(-1) == targets)[targets != IGNORED]
    loss = cross_entropy(logits, targets, ignore_index=IGNORED)
    return {"validation_loss": loss, "token_accuracy": hits.float().mean()}


def _at_targets(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits [positions, vocabulary] and targets [positions], where a row of the batch has a target.

    Of the other positions no logits are computed.
    """
    inputs = dict(batch.inputs)
    targets = inputs.pop("targets")
    places = (targets != IGNORED).any(0).nonzero()[:, 0]
    logits = model(**inputs, logits_to_keep=places, use_cache=False).logits
    return logits.flatten(0, 1).float(), targets[:, places].flatten()


class _Writer:
    """Makes rows of examples."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        ends: frozenset[int],
        max_tokens: int,
        config: DataConfig,
        model: str,
    ) -> None:
        self._tokenizer, self._ends, self._most = tokenizer, ends, max_tokens
        self._config, self._model = config, model
        self._end: list[int] | None = None

    def rows(self, source: Source, counts: Counter[str]) -> Iterator[Tokens]:
        chosen = filtered(source.examples(counts), self._config, counts)
        for some in _groups(chosen):
            examples = [example for example, _ in some]
            for (_, is_validation), example, ids in zip(some, examples, self._encoded(examples), strict=True):
                for made, start in self._fitted(example, *ids, counts):
                    counts["validation rows" if is_validation else "training rows"] += 1
                    yield Tokens(made, start, is_validation)

    def _encoded(self, examples: list[Example]) -> list[tuple[list[int], list[int]]]:
        """The tokens of each prompt, and of each answer with its end; as the engine makes them."""
        texts = [render(self._tokenizer, it.prompt, self._model) if it.prompt else "" for it in examples]
        answers = [it.answer.strip() if it.prompt else it.answer for it in examples]
        read = encode(self._tokenizer, texts, control=True, opened=True)
        said = encode(self._tokenizer, answers, control=False, opened=True)
        if self._end is None and any(example.prompt for example in examples):
            self._end = answer_end(self._tokenizer, self._ends)
        return [
            (prompt, [*answer, *(self._end or ())] if example.prompt else answer)
            for example, prompt, answer in zip(examples, read, said, strict=True)
        ]

    def _fitted(
        self, example: Example, prompt: list[int], answer: list[int], counts: Counter[str]
    ) -> Iterator[tuple[list[int], int]]:
        """The row, where it fits; of a text that is longer, one row after another."""
        most = self._most
        if not example.prompt:
            pieces = [answer[at : at + most] for at in range(0, len(answer), most)]
            counts["texts in several rows"] += len(pieces) > 1
            yield from ((piece, 0) for piece in pieces if len(piece) > 1)
            return
        if len(prompt) + len(answer) <= most:
            yield prompt + answer, len(prompt)
        elif self._config.overlong == "cut" and len(prompt) < most:
            counts["cut"] += 1
            yield (prompt + answer)[:most], len(prompt)
        else:
            counts["too long"] += 1


def answer_end(tokenizer: PreTrainedTokenizerFast, ends: Collection[int]) -> list[int]:
    """What the chat template puts after an answer, up to the token that ends it."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    after = encode(tokenizer, [text.rpartition("b")[2]], control=True, opened=True)[0]
    last = next((at for at, token in enumerate(after) if token in ends), None)
    eos = tokenizer.eos_token_id
    return after[: last + 1] if last is not None else [eos] if isinstance(eos, int) else []


def _groups(chosen: Iterable[tuple[Example, bool]]) -> Iterator[list[tuple[Example, bool]]]:
    """Examples in groups of some AT_ONCE characters."""
    group: list[tuple[Example, bool]] = []
    size = 0
    for each in chosen:
        group.append(each)
        size += len(each[0].answer) + sum(len(said.content) for said in each[0].prompt)
        if size >= AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group
