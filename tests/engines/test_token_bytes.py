"""Which bytes a token id stands for, in both spellings that vocabularies use."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, decoders
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from codex.engines.huggingface.token_bytes import TokenBytes
from codex.errors import ModelError


def tokenizer(pieces: list[str], decoder: object) -> PreTrainedTokenizerFast:
    backend = Tokenizer(BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=[]))
    backend.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=backend)


SENTENCEPIECE = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
)


def test_sentencepiece_spaces_and_lone_bytes() -> None:
    spelled = TokenBytes(tokenizer(["▁Hello", "▁", "<0xF0>", "<0x0A>", "é", "<0xZZ>"], SENTENCEPIECE))
    assert [spelled[at] for at in range(6)] == [b" Hello", b" ", b"\xf0", b"\n", "é".encode(), b"<0xZZ>"]


def test_metaspace_is_sentencepiece_too() -> None:
    assert TokenBytes(tokenizer(["▁Hi"], decoders.Metaspace()))[0] == b" Hi"


def test_byte_level_letters_stand_for_bytes() -> None:
    spelled = TokenBytes(tokenizer(["ĠHello", "Ċ", "ðŁ", "Ð", "日本"], decoders.ByteLevel()))
    assert [spelled[at] for at in range(5)] == [b" Hello", b"\n", b"\xf0\x9f", b"\xd0", "日本".encode()]


@pytest.mark.parametrize("decoder", [decoders.ByteLevel(), SENTENCEPIECE])
def test_control_tokens_add_nothing_and_other_added_tokens_their_text(decoder: object) -> None:
    made = tokenizer(["a"], decoder)
    made.add_special_tokens({"eos_token": "<|end|>"})
    made.add_tokens([AddedToken("<think>", special=False)])
    spelled = TokenBytes(made)
    assert spelled[made.convert_tokens_to_ids("<|end|>")] == b""
    assert spelled[made.convert_tokens_to_ids("<think>")] == b"<think>"


def test_an_id_that_no_token_owns_adds_nothing() -> None:
    assert TokenBytes(tokenizer(["a"], decoders.ByteLevel()))[1000] == b""


def test_another_kind_of_vocabulary_is_refused() -> None:
    backend = Tokenizer(WordLevel({"a": 0}, unk_token="a"))
    backend.decoder = decoders.WordPiece()
    with pytest.raises(ModelError, match="WordPiece"):
        TokenBytes(PreTrainedTokenizerFast(tokenizer_object=backend))
