"""A tokenizer: texts to tokens and back, padded and cut as a batch needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from codex.errors import InvalidInput
from codex.hub import quiet_progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as rows of one length."""

    ids: NDArray[np.int64]
    """[n, length]: tokens; where the mask is False, padding."""
    mask: NDArray[np.bool_]
    """[n, length]: which are tokens of the text."""


class TextTokenizer:
    """A fast tokenizer of Transformers; one thread at a time."""

    def __init__(self, inner: PreTrainedTokenizerFast) -> None:
        self.inner = inner

    @classmethod
    def load(cls, folder: Path) -> TextTokenizer:
        """As AutoTokenizer loads it. Raises InvalidInput for what is no folder of a fast tokenizer."""
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        if not (folder / "tokenizer.json").is_file():
            raise InvalidInput(
                f"{folder} is no folder of a tokenizer: it has no tokenizer.json. `codex train tokenizer` "
                "makes one.",
                ["tokenizer"],
            )
        try:
            with quiet_progress():
                inner = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # The readers of its files raise whatever they like.
            raise InvalidInput(f"The tokenizer in {folder} cannot be read: {error}", ["tokenizer"]) from error
        if not isinstance(inner, PreTrainedTokenizerFast):
            raise InvalidInput(f"The tokenizer in {folder} is no fast one.", ["tokenizer"])
        return cls(inner)

    @property
    def size(self) -> int:
        """Tokens in the vocabulary, special ones included."""
        return len(self.inner)

    @property
    def specials(self) -> dict[str, int]:
        """Special tokens with their ids, in the order of these."""
        added = self.inner.added_tokens_decoder.items()
        return {token.content: at for at, token in sorted(added) if token.special}

    @property
    def padding_side(self) -> Side:
        """Where rows that are shorter get their padding."""
        return "left" if self.inner.padding_side == "left" else "right"

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text as it stands. special: read "<s>" in it as the special token."""
        backend = self.inner.backend_tokenizer
        backend.encode_special_tokens = not special
        return list(backend.encode(text, add_special_tokens=False).ids)

    def encode(
        self, texts: Sequence[str], *, most: int | None = None, to: int | None = None, cut: Side = "right"
    ) -> Encoded:
        """Rows of one length, the longest text's, or `to` tokens. most: of a row; longer ones lose their end,
        or with cut="left" their beginning.

        Raises InvalidInput where there is no token to pad with, or `to` is shorter than a row.
        """
        rows = [self.tokens(text) for text in texts]
        if most is not None:
            rows = [row[:most] if cut == "right" else row[max(len(row) - most, 0) :] for row in rows]
        longest = max(map(len, rows), default=0)
        if to is not None and to < longest:
            raise InvalidInput(f"A row has {longest} tokens, more than {to}: cut it with most={to}.", ["to"])
        length = longest if to is None else to
        pad = self.inner.pad_token_id
        if pad is None and any(len(row) < length for row in rows):
            raise InvalidInput("The tokenizer has no padding token: rows must be of one length.", ["texts"])
        ids = np.full((len(rows), length), pad or 0, np.int64)
        mask = np.zeros(ids.shape, np.bool_)
        for at, row in enumerate(rows):
            place = slice(length - len(row), length) if self.padding_side == "left" else slice(len(row))
            ids[at, place], mask[at, place] = row, True
        return Encoded(ids, mask)

    def decode(self, ids: Sequence[int] | NDArray[np.int64], *, special: bool = False) -> str:
        """The text of tokens. special: with the special ones."""
        return str(self.inner.backend_tokenizer.decode(list(map(int, ids)), skip_special_tokens=not special))
