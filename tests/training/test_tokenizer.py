"""Tokenizers: trained from files, measured, loaded by Transformers, and checked against a model."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.errors import Cancelled, CapabilityError, InvalidInput, ModelError
from codex.training import tokenizer_fit
from codex.training.base_model import load_base
from codex.training.config import TrainConfig
from codex.training.examples import Example, FileSource
from codex.training.tokenizer import TextTokenizer
from codex.training.tokenizer_checks import SAMPLES, fit_of_model, quality
from codex.training.tokenizer_fit import KINDS, MODEL, Kind, TokenizerConfig, train_tokenizer
from tests.support.command import Codex, command

LOSSLESS: tuple[Kind, ...] = ("bpe", "unigram", "sentencepiece")
SIZE = 600
SPECIAL = ("<|im_start|>", "<|im_end|>")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences about numbers, one in five with letters that are not ASCII."""
    file = tmp_path_factory.mktemp("texts") / "numbers.txt"
    say = "The capital of country {} is city number {}, where {} people live."
    accents = "Zoë's naïve café in Ψυχρό number {} sells {} kinds of 茶 to {}."
    lines = [(accents if n % 5 == 0 else say).format(n, n * 7 % 13, n * n) for n in range(400)]
    file.write_text("\n\n".join(lines), "utf-8")
    return file


@pytest.fixture(scope="module")
def made(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    """A tokenizer of each kind."""
    folder = tmp_path_factory.mktemp("tokenizers")
    for kind in KINDS:
        config = TokenizerConfig(kind=kind, size=SIZE, special=SPECIAL)
        train_tokenizer(FileSource(texts), config, folder / kind)
    return {kind: folder / kind for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_loads_it(made: dict[Kind, Path], kind: Kind) -> None:
    loaded = AutoTokenizer.from_pretrained(made[kind])
    config = TokenizerConfig(kind=kind, special=SPECIAL)
    assert loaded.padding_side == "left"
    assert loaded.pad_token in config.specials
    assert [loaded.convert_tokens_to_ids(token) for token in config.specials] == list(
        range(len(config.specials))
    )
    assert len(loaded) <= SIZE
    text = "The capital of country 3 is city number 8."
    assert loaded(text, add_special_tokens=False).input_ids == TextTokenizer.load(made[kind]).tokens(text)
    row = loaded.decode(loaded(text + SPECIAL[1]).input_ids, skip_special_tokens=False)
    assert row.removesuffix(" [SEP]").endswith(SPECIAL[1])


@pytest.mark.parametrize("kind", LOSSLESS)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁")))
def test_every_text_comes_back(made: dict[Kind, Path], kind: Kind, text: str) -> None:
    tokenizer = _loaded(made[kind])
    assert tokenizer.decode(tokenizer.tokens(text)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_its_quality_is_measured_on_texts_that_it_has_not_seen(
    texts: Path, tmp_path: Path, kind: Kind
) -> None:
    config = TokenizerConfig(kind=kind, size=SIZE)
    result = train_tokenizer(FileSource(texts), config, tmp_path / "made")
    assert result.counts["held out"] == len(result.held_out) > 0
    assert result.counts["read"] == 400
    found = quality(result.tokenizer, result.held_out, SIZE, config.specials)
    assert (found.size, found.problems) == (result.tokenizer.size, ())
    assert found.size <= SIZE
    assert found.words == 1.0
    assert 0.1 < (found.tokens_per_byte or 0) < 1 < (found.tokens_per_word or 0)
    if kind == "wordpiece":
        assert found.exact == 0.0
        assert set(found.lost) == set(SAMPLES)
    else:
        assert (found.exact, found.lost) == (1.0, ())
        assert not found.unknown


def test_sentencepiece_itself_splits_alike(made: dict[Kind, Path]) -> None:
    import sentencepiece

    theirs = sentencepiece.SentencePieceProcessor(model_file=str(made["sentencepiece"] / MODEL))
    ours = TextTokenizer.load(made["sentencepiece"])
    for text in (*SAMPLES.values(), "The capital of country 17 is café number 3."):
        assert ours.tokens(text) == theirs.encode(text)


def test_sentencepiece_learns_from_long_texts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each is longer than its limit, 4,000 bytes then, which it would pass over without a word.
    monkeypatch.setattr(tokenizer_fit, "LONGEST", 1000)
    long = [f"{n} {'elephant ' * 600}" for n in range(8)]
    (tmp_path / "long.txt").write_text("\n\n".join(long))
    config = TokenizerConfig(kind="sentencepiece", size=400)
    made = train_tokenizer(FileSource(tmp_path / "long.txt"), config, tmp_path / "made")
    assert len(made.tokenizer.tokens(" elephant elephant")) == 2


def test_what_is_evaluated_is_never_trained_on_and_secrets_are_not(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [
        {"question": f"Which city is number {n}?", "answers": ["write to ann@example.org"]} for n in range(60)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    made = train_tokenizer(FileSource(file), TokenizerConfig(size=400), tmp_path / "made")
    counts = made.counts
    assert counts["on the test side of the split"] > 20
    assert counts["trained on"] + counts["held out"] + counts["on the test side of the split"] == 60
    assert counts["emails redacted"] == counts["trained on"] + counts["held out"]
    assert not any("example" in token for token in made.tokenizer.inner.get_vocab())


class TestAdapter:
    def test_rows_are_padded_where_the_tokenizer_says(self, made: dict[Kind, Path]) -> None:
        tokenizer = TextTokenizer.load(made["bpe"])
        short, long = "city", "The capital of country 3"
        pad = tokenizer.inner.pad_token_id
        left = tokenizer.encode([short, long])
        count = len(tokenizer.tokens(short))
        assert left.mask.sum(1).tolist() == [count, len(tokenizer.tokens(long))]
        assert left.mask[0, -count:].all()
        assert (left.ids[~left.mask] == pad).all()
        tokenizer.inner.padding_side = "right"
        right = tokenizer.encode([short, long])
        assert right.mask[0, :count].all()
        assert tokenizer.decode(right.ids[0]) == short, "padding is no text"
        assert tokenizer.encode([short], to=9).ids.shape == (1, 9)
        with pytest.raises(InvalidInput, match="more than 2: cut it with most=2"):
            tokenizer.encode([long], to=2)

    def test_rows_are_cut_at_either_end(self, made: dict[Kind, Path]) -> None:
        tokenizer = TextTokenizer.load(made["bpe"])
        whole = tokenizer.tokens("The capital of country 3 is city number 8")
        text = tokenizer.decode(whole)
        assert tokenizer.encode([text], most=4).ids.tolist() == [whole[:4]]
        assert tokenizer.encode([text], most=4, cut="left").ids.tolist() == [whole[-4:]]
        assert tokenizer.encode([]).ids.shape == (0, 0)
        assert tokenizer.encode([""]).ids.dtype == np.int64

    def test_special_tokens_in_a_text_are_text_unless_they_are_wanted(self, made: dict[Kind, Path]) -> None:
        tokenizer = TextTokenizer.load(made["bpe"])
        assert tokenizer.tokens("<|pad|>", special=True) == [tokenizer.specials["<|pad|>"]]
        assert len(tokenizer.tokens("<|pad|>")) > 1
        assert tokenizer.decode(tokenizer.tokens("<|pad|>")) == "<|pad|>"

    def test_without_a_padding_token_rows_are_of_one_length(self, made: dict[Kind, Path]) -> None:
        tokenizer = TextTokenizer.load(made["bpe"])
        tokenizer.inner.pad_token = None
        assert tokenizer.encode(["city", "city"]).mask.all()
        with pytest.raises(InvalidInput, match="no padding token"):
            tokenizer.encode(["city", "The capital of country 3"])


class TestBadInput:
    @pytest.mark.parametrize("kind", KINDS)
    def test_no_text(self, tmp_path: Path, kind: Kind) -> None:
        (tmp_path / "none.txt").write_text("\n \n\n")
        with pytest.raises(InvalidInput, match=r"Nothing of .*none.txt is left to train on: it is empty"):
            train_tokenizer(
                FileSource(tmp_path / "none.txt"), TokenizerConfig(kind=kind, size=SIZE), tmp_path / "made"
            )
        assert not (tmp_path / "made").exists()

    @pytest.mark.parametrize(
        ("kind", "size"), [("bpe", 257), ("wordpiece", 30), ("unigram", 259), ("sentencepiece", 265)]
    )
    def test_a_vocabulary_smaller_than_its_characters(
        self, texts: Path, tmp_path: Path, kind: Kind, size: int
    ) -> None:
        with pytest.raises(InvalidInput, match=f"{size} tokens is too small: special tokens and characters"):
            train_tokenizer(FileSource(texts), TokenizerConfig(kind=kind, size=size), tmp_path / "made")
        assert not (tmp_path / "made").exists()

    def test_a_folder_that_holds_no_tokenizer(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match=r"has no tokenizer.json"):
            TextTokenizer.load(tmp_path)
        (tmp_path / "tokenizer.json").write_text("{")
        with pytest.raises(InvalidInput, match="cannot be read"):
            TextTokenizer.load(tmp_path)

    def test_without_sentencepiece(
        self, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(CapabilityError, match=r"codex-workbench\[sentencepiece\]"):
            train_tokenizer(FileSource(texts), TokenizerConfig(kind="sentencepiece"), tmp_path / "made")

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_cancelled_one_leaves_nothing(self, tmp_path: Path, kind: Kind) -> None:
        cancel = threading.Event()
        with pytest.raises(Cancelled):
            train_tokenizer(
                _Endless(cancel), TokenizerConfig(kind=kind, size=SIZE), tmp_path / "made", cancel=cancel
            )
        assert list(tmp_path.iterdir()) == []


class TestModel:
    def test_its_own_tokenizer_fits(self, made: dict[Kind, Path], tmp_path: Path) -> None:
        model = _model(tmp_path / "model", made["bpe"])
        fit = fit_of_model(TextTokenizer.load(made["bpe"]), str(model), Models(tmp_path))
        assert dataclasses.asdict(fit) == {"problems": (), "notes": ()}

    def test_another_one_does_not(self, made: dict[Kind, Path], tmp_path: Path) -> None:
        model = _model(tmp_path / "model", made["bpe"], rows=SIZE - 200, eos=5)
        other = TextTokenizer.load(made["sentencepiece"])
        other.inner.padding_side = "right"
        fit = fit_of_model(other, str(model), Models(tmp_path))
        embedding, eos, numbers = fit.problems
        assert f"up to number {other.size - 1:,}, and the model embeds {SIZE - 200:,}" in embedding
        assert eos == "eos_token_id: 2 is the tokenizer's, 5 the model's."
        assert "that the model was trained with" in numbers
        assert any("needs padding on the left" in note for note in fit.notes)

    def test_it_is_refused_for_training(self, made: dict[Kind, Path], tmp_path: Path) -> None:
        model = _model(tmp_path / "model", made["bpe"], rows=SIZE - 200)
        with pytest.raises(
            ModelError, match="does not fit the model, so it cannot be trained: The tokenizer has"
        ):
            load_base(ModelConfig(model_path=str(model)), Models(tmp_path), TrainConfig(precision="fp32"))
        shutil.rmtree(model)
        model = _model(tmp_path / "model", made["bpe"], eos=5)
        with pytest.raises(ModelError, match="eos_token_id: 0 is the tokenizer's, 5 the model's"):
            load_base(ModelConfig(model_path=str(model)), Models(tmp_path), TrainConfig(precision="fp32"))


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def test_the_command_trains_measures_and_checks(
    codex: Codex, texts: Path, made: dict[Kind, Path], tmp_path: Path
) -> None:
    said = codex("train", "tokenizer", "--data", str(texts), "--size", str(SIZE), "--special", "<|a|>")
    assert said.status == 0, said.err
    assert "held-out texts that come back from their tokens: 100% of" in said.out
    assert "all kinds of Unicode come back" in said.out
    folder = tmp_path / "home" / "tokenizers" / "numbers"
    assert f"saved in {folder}" in said.out
    assert "<|a|>" in TextTokenizer.load(folder).specials
    model = _model(tmp_path / "model", folder)
    checked = codex("train", "tokenizer", "--check", str(folder), "--model", str(model))
    assert (checked.status, checked.out) == (0, f"it fits {model}\n")
    other = codex("train", "tokenizer", "--check", str(made["unigram"]), "--model", str(model), "--json")
    assert other.status == 1
    assert other.json["fits"] is False
    assert "does not fit" in other.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--kind", "bpee"], "did you mean 'bpe'"),
        (["--size", "1"], "--size 1: Input should be greater than or equal to 2"),
        (["--padding-side", "top"], "--padding-side 'top'"),
        (["--special", "<a>", "--special", "<a>"], "is there twice"),
        (["--check", "here"], "one of --data FILE and --check FOLDER"),
    ],
)
def test_the_command_refuses(codex: Codex, texts: Path, words: list[str], why: str) -> None:
    said = codex("train", "tokenizer", "--data", str(texts), *words)
    assert said.status == 1
    assert why in said.err


class _Endless:
    """A source that goes on until it is cancelled, which it does itself after a hundred texts."""

    name = "endless"

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    def sha256(self) -> str:
        return ""

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        number = 0
        while True:
            number += 1
            if number == 100:
                self._cancel.set()
            yield Example((), f"Text number {number}", f"Text number {number}")


_kept: dict[Path, TextTokenizer] = {}


def _loaded(folder: Path) -> TextTokenizer:
    """Loaded once: a hundred examples need it."""
    if folder not in _kept:
        _kept[folder] = TextTokenizer.load(folder)
    return _kept[folder]


def _model(folder: Path, tokenizer: Path, rows: int = SIZE, eos: int = 0) -> Path:
    """A random model with that many embeddings, and a tokenizer beside it."""
    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        eos_token_id=eos,
        bos_token_id=None,
        pad_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    for each in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / each, folder / each)
    return folder
