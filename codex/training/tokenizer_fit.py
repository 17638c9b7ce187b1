"""Training a tokenizer: BPE, WordPiece and Unigram by tokenizers, SentencePiece by its own package."""

from __future__ import annotations

import importlib.util
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from codex.errors import Cancelled, CapabilityError, InvalidInput, TrainingError
from codex.outputs import output_folder
from codex.private import make_folder
from codex.training.config import DataConfig
from codex.training.examples import Example, Source, described
from codex.training.filters import filtered
from codex.training.tokenizer import Side, TextTokenizer

Kind = Literal["bpe", "wordpiece", "unigram", "sentencepiece"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SPECIALS: dict[Kind, dict[str, str]] = {
    "bpe": {"eos_token": "<|endoftext|>", "pad_token": "<|pad|>"},
    "wordpiece": {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    "unigram": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
    "sentencepiece": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
}
"""Special tokens of each kind by their role; their ids are 0, 1, ..."""
HELD_OUT = 1 << 20
"""Characters of held-out texts that are kept, to measure the tokenizer on."""
SENTENCES = 2_000_000
"""Texts that SentencePiece, which keeps them in memory, takes; of more a random part."""
LONGEST = 100_000
"""Characters of a text that SentencePiece reads at once."""
MODEL = "sentencepiece.model"
"""SentencePiece's own file, beside the tokenizer that Transformers loads."""


class TokenizerConfig(BaseModel):
    """Which tokenizer is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Kind = "bpe"
    """bpe and unigram over bytes, sentencepiece with bytes for rare characters: each text comes back as it
    was. wordpiece keeps words alone, without their spaces."""
    size: int = Field(8000, ge=2, le=2_000_000)
    """Tokens in the vocabulary, special ones included; of little text fewer are made."""
    special: tuple[str, ...] = ()
    """More special tokens, such as those of a chat template."""
    padding_side: Side = "left"
    """left for a model that continues texts, right for one that reads them."""

    @field_validator("special")
    @classmethod
    def _each_once(cls, special: tuple[str, ...]) -> tuple[str, ...]:
        twice = [token for token, count in Counter(special).items() if count > 1 or not token.strip()]
        if twice:
            raise ValueError(f"{twice[0]!r} is there twice, or empty")
        return special

    @property
    def specials(self) -> list[str]:
        """All special tokens, by their ids."""
        return list(dict.fromkeys((*SPECIALS[self.kind].values(), *self.special)))


@dataclass(frozen=True, slots=True)
class Made:
    """What a training made."""

    folder: Path
    tokenizer: TextTokenizer
    """As it is loaded from there."""
    held_out: tuple[str, ...]
    """Texts that it was not trained on; of few texts there may be none."""
    counts: Counter[str]
    """What became of the rows."""


def train_tokenizer(
    source: Source,
    config: TokenizerConfig,
    folder: Path,
    data: DataConfig | None = None,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Made:
    """Train on a source, text by text, and save a folder that AutoTokenizer loads.

    progress: called with the texts that were read. Raises InvalidInput: nothing to train on, a vocabulary
    that is too small for its characters; CapabilityError without the package sentencepiece; Cancelled;
    TrainingError where the folder cannot be written.
    """
    _check(config)
    texts = _Texts(source, data or DataConfig(), progress, cancel)
    try:
        made, model = (
            _sentencepiece(texts, config) if config.kind == "sentencepiece" else _trained(texts, config)
        )
    except (Cancelled, InvalidInput):
        raise
    except Exception as error:
        texts.stop_if_cancelled()
        raise _in_words(error, texts, config) from error
    texts.stop_if_cancelled()
    if not texts.read:
        raise texts.nothing()
    if made.get_vocab_size() > config.size:
        raise _too_small(config, made.get_vocab_size())
    _save(made, model, config, folder)
    return Made(folder, TextTokenizer.load(folder), tuple(texts.held_out), texts.counts)


def _check(config: TokenizerConfig) -> None:
    least = len(config.specials) + (0 if config.kind == "wordpiece" else 256)
    if config.size < least:
        raise _too_small(config, least)
    if config.kind == "sentencepiece" and importlib.util.find_spec("sentencepiece") is None:
        raise CapabilityError(
            "The package sentencepiece is not installed: pip install 'codex-workbench[sentencepiece]', or "
            "take --kind unigram, the same algorithm over bytes."
        )


class _Texts:
    """The texts of a source, once; held-out ones are kept aside."""

    def __init__(
        self,
        source: Source,
        data: DataConfig,
        progress: Callable[[int], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        self._source, self._data, self._progress, self._cancel = source, data, progress, cancel
        self.counts: Counter[str] = Counter()
        self.held_out: list[str] = []
        self.read = 0

    def stop_if_cancelled(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("The training of the tokenizer was cancelled; nothing was saved.")

    def nothing(self) -> InvalidInput:
        told = "; ".join(described(self.counts)) or "it is empty"
        return InvalidInput(f"Nothing of {self._source.name} is left to train on: {told}.", ["data"])

    def __iter__(self) -> Iterator[str]:
        kept = 0
        for example, is_validation in filtered(self._source.examples(self.counts), self._data, self.counts):
            self.stop_if_cancelled()
            text = _text(example)
            if is_validation:
                self.counts["held out"] += 1
                if kept < HELD_OUT:
                    kept += len(text)
                    self.held_out.append(text)
                continue
            self.read += 1
            self.counts["trained on"] += 1
            if self._progress and self.read % 1000 == 0:
                self._progress(self.read)
            yield text


def _text(example: Example) -> str:
    """What the model reads and writes of an example."""
    return "\n".join((*(said.content for said in example.prompt), example.answer))


def _trained(texts: Iterable[str], config: TokenizerConfig) -> tuple[Tokenizer, bytes]:
    common: dict[str, Any] = {
        "vocab_size": config.size,
        "special_tokens": config.specials,
        "show_progress": False,
    }
    trainer: trainers.Trainer
    if config.kind == "wordpiece":
        unknown = SPECIALS["wordpiece"]["unk_token"]
        tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(cleanup=False)
        trainer = trainers.WordPieceTrainer(**common)
    else:
        letters = pre_tokenizers.ByteLevel.alphabet()
        if config.kind == "bpe":
            tokenizer = Tokenizer(models.BPE())
            trainer = trainers.BpeTrainer(**common, initial_alphabet=letters)
        else:
            tokenizer = Tokenizer(models.Unigram())
            unknown = SPECIALS["unigram"]["unk_token"]
            trainer = trainers.UnigramTrainer(**common, unk_token=unknown, initial_alphabet=letters)
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainer)
    if config.kind == "wordpiece":
        names = SPECIALS["wordpiece"]
        around = [(names[role], config.specials.index(names[role])) for role in ("sep_token", "cls_token")]
        tokenizer.post_processor = processors.BertProcessing(*around)
    return tokenizer, b""


def _sentencepiece(texts: Iterable[str], config: TokenizerConfig) -> tuple[Tokenizer, bytes]:
    """SentencePiece's Unigram with a byte for each rare character; texts are taken as they are.

    The pieces with their scores are then a Unigram of tokenizers, which splits every text as SentencePiece.
    """
    import sentencepiece

    written = io.BytesIO()
    roles = list(SPECIALS["sentencepiece"].values())
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_cut(texts),
        model_writer=written,
        model_type="unigram",
        vocab_size=config.size,
        hard_vocab_limit=False,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        allow_whitespace_only_pieces=True,
        input_sentence_size=SENTENCES,
        max_sentence_length=4 * LONGEST,  # in bytes
        user_defined_symbols=[each for each in config.specials if each not in roles],
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    size = pieces.get_piece_size()
    scored = [(str(pieces.id_to_piece(at)), float(pieces.get_score(at))) for at in range(size)]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer, written.getvalue()


def _cut(texts: Iterable[str]) -> Iterator[str]:
    """Texts of at most LONGEST characters; SentencePiece leaves out what is longer than its limit."""
    for text in texts:
        yield from (text[at : at + LONGEST] for at in range(0, len(text), LONGEST))


def _too_small(config: TokenizerConfig, least: int) -> InvalidInput:
    return InvalidInput(
        f"A vocabulary of {config.size:,} tokens is too small: special tokens and characters alone are "
        f"{least:,}. Take --size {max(2 * least, 1000)} or more.",
        ["size"],
    )


def _in_words(error: Exception, texts: _Texts, config: TokenizerConfig) -> Exception:
    """What a trainer raised, as an error of Codex."""
    if not texts.read:
        return texts.nothing()
    if found := re.search(r"smaller than required_chars. \d+ vs (\d+)", str(error)):
        return _too_small(config, int(found[1]))
    return TrainingError(f"The tokenizer cannot be trained: {error}")


def _save(made: Tokenizer, model: bytes, config: TokenizerConfig, folder: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    whole = PreTrainedTokenizerFast(
        tokenizer_object=made,
        padding_side=config.padding_side,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=list(config.special),
        **SPECIALS[config.kind],
    )
    try:
        make_folder(folder.parent)
        with output_folder(folder) as written:
            whole.save_pretrained(written)
            if model:
                (written / MODEL).write_bytes(model)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error
