"""What a tokenizer is worth: texts that come back, its vocabulary, and whether it fits a model."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex.engines.huggingface.convert import converted
from codex.engines.models import Models
from codex.errors import InvalidInput, ModelError
from codex.training.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLES: Mapping[str, str] = {
    "Latin with accents": "Zoë naïvely paid 5 € – “café”…",
    "combining marks": "e\u0301 a\u030a n\u0303 q\u0307\u0323",
    "emoji": "👩‍👩‍👧‍👦 👍🏽 🇫🇷 ❤️",
    "right to left": "שלום עולם، مرحبا بالعالم",
    "Chinese, Japanese, Korean": "漢字かな交じり文。 한국어 中文",
    "Indic and Thai": "नमस्ते दुनिया สวัสดีชาวโลก",
    "control characters": "a\x00b\x07c\x1bd\x7f",
    "white space": "  two  spaces\tand a tab\r\nand lines\n\n ",
    "invisible characters": "a\u200bb\u2060c\ufeffd\u00a0e",
    "outside the basic plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𒀀 𐍈",
}
"""Texts of the kinds that tokenizers lose."""
NAMES = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Special tokens that a model's configuration names by their ids."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Metrics of a tokenizer."""

    size: int
    """Tokens in the vocabulary."""
    requested: int
    texts: int
    """Held-out ones, on which the shares below are measured."""
    exact: float | None
    """Share of them that come back from their tokens as they were; None: there are none."""
    words: float | None
    """Share of them that do but for white space, and combining marks composed (NFC)."""
    lost: tuple[str, ...]
    """The kinds of SAMPLES that do not come back as they were."""
    unknown: float | None
    """Share of the tokens that are the unknown one."""
    tokens_per_word: float | None
    """Words: parted by white space."""
    tokens_per_byte: float | None
    """Bytes in UTF-8."""
    problems: tuple[str, ...]
    """What its special tokens lack."""


def quality(
    tokenizer: TextTokenizer, texts: Sequence[str], requested: int, specials: Sequence[str]
) -> Quality:
    """Measure it on texts that it was not trained on. specials: those that were requested."""
    rows = [tokenizer.tokens(text) for text in texts]
    back = [tokenizer.decode(row) for row in rows]
    total = sum(map(len, rows))
    unknown = tokenizer.inner.unk_token_id
    words, size = sum(len(text.split()) for text in texts), sum(len(_bytes(text)) for text in texts)
    return Quality(
        size=tokenizer.size,
        requested=requested,
        texts=len(texts),
        exact=_share(one == other for one, other in zip(texts, back, strict=True)),
        words=_share(_squeezed(one) == _squeezed(other) for one, other in zip(texts, back, strict=True)),
        lost=tuple(
            name for name, text in SAMPLES.items() if tokenizer.decode(tokenizer.tokens(text)) != text
        ),
        unknown=sum(row.count(unknown) for row in rows) / total if total and unknown is not None else None,
        tokens_per_word=total / words if words else None,
        tokens_per_byte=total / size if size else None,
        problems=tuple(_special_problems(tokenizer, specials)),
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a tokenizer fits a model."""

    problems: tuple[str, ...]
    """Why it does not, each a sentence; (): it fits."""
    notes: tuple[str, ...]
    """What to know about it, each a sentence."""


def fit_of(
    tokenizer: PreTrainedTokenizerFast,
    config: Any,
    generation: Any,
    own: PreTrainedTokenizerFast | None = None,
) -> Fit:
    """Whether the ids of a tokenizer mean to a model what they should.

    config, generation: the model's, of Transformers. own: the tokenizer that the model was trained with;
    None: not known.
    """
    problems: list[str] = []
    notes: list[str] = []
    rows, highest = int(config.get_text_config().vocab_size), max(tokenizer.get_vocab().values(), default=-1)
    if highest >= rows:
        problems.append(
            f"The tokenizer has tokens up to number {highest:,}, and the model embeds {rows:,} tokens."
        )
    for name in NAMES:
        wanted = {*_ids(config, name), *_ids(generation, name)}
        has = getattr(tokenizer, name)
        if has is None or not wanted or has in wanted:
            continue
        told = f"{name}: {has} is the tokenizer's, {', '.join(map(str, sorted(wanted)))} the model's."
        (problems if name == "eos_token_id" else notes).append(told)
    if own is not None:
        theirs, ours = own.get_vocab(), tokenizer.get_vocab()
        same = sum(ours.get(token) == at for token, at in theirs.items())
        if same < len(theirs):
            problems.append(
                f"Of the {len(theirs):,} tokens that the model was trained with, {same:,} have the same "
                "number: it would read other texts than it is given."
            )
    if tokenizer.pad_token_id is None:
        notes.append("The tokenizer has no padding token.")
    if not config.is_encoder_decoder and tokenizer.padding_side != "left":
        notes.append("It pads on the right: a model that continues texts needs padding on the left.")
    return Fit(tuple(problems), tuple(notes))


def check_fit(tokenizer: PreTrainedTokenizerFast, config: Any, generation: Any, name: str) -> None:
    """Raises ModelError where the tokenizer beside a model does not fit it. name: of the model."""
    fit = fit_of(tokenizer, config, generation)
    if fit.problems:
        raise ModelError(
            f"The tokenizer of {name} does not fit the model, so it cannot be trained: "
            f"{' '.join(fit.problems)} Put the model's own tokenizer beside it, or enlarge its embedding."
        )


def fit_of_model(tokenizer: TextTokenizer, name: str, models: Models) -> Fit:
    """As `fit_of`, of a model by its name or path. Raises ModelError, InvalidInput."""
    from transformers import AutoConfig, GenerationConfig

    path = models.resolve(name)
    folder = converted(path, models.cache) if path.is_file() else path
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(f"{name} is no model of Transformers: {error}", ["model"]) from error
    has = (folder / "generation_config.json").is_file()
    generation = GenerationConfig.from_pretrained(folder, local_files_only=True) if has else None
    own = TextTokenizer.load(folder).inner if (folder / "tokenizer.json").is_file() else None
    return fit_of(tokenizer.inner, config, generation, own)


def _special_problems(tokenizer: TextTokenizer, specials: Sequence[str]) -> Iterator[str]:
    known = tokenizer.specials
    for token in specials:
        if token not in known:
            yield f"{token} is no special token of the vocabulary."
        elif tokenizer.tokens(token, special=True) != [known[token]]:
            yield f"{token} is not read as one token."
    if len(set(known.values())) < len(known):
        yield "Two special tokens share a number."


def _ids(config: Any, name: str) -> list[int]:
    value = getattr(config, name, None)
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _share(each: Iterator[bool]) -> float | None:
    found = list(each)
    return sum(found) / len(found) if found else None


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
