"""The exact bytes behind a token id, so that characters split over tokens join to what was meant."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from codex.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


class TokenBytes:
    """Looks up what a token adds to the text.

    Two spellings exist: byte-level vocabularies write each byte as one printable character (GPT-2's
    alphabet), sentencepiece ones write text with U+2581 for a space and `<0x0A>` for a lone byte.
    Control tokens add nothing; other added tokens add their text as it stands. Raises ModelError when
    the vocabulary is of another kind.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        from transformers.convert_slow_tokenizer import bytes_to_unicode

        self._piece = tokenizer.backend_tokenizer.id_to_token
        self._added = {
            at: b"" if token.special else token.content.encode()
            for at, token in tokenizer.added_tokens_decoder.items()
        }
        self._known = dict(self._added)
        kinds = _decoders(tokenizer.backend_tokenizer.decoder)
        self._byte_level = "ByteLevel" in kinds
        if not self._byte_level and not kinds & {"ByteFallback", "Metaspace", "Replace"}:
            raise ModelError(
                f"The tokenizer of this model ({', '.join(sorted(kinds)) or 'no decoder'}) does not say "
                "which bytes its tokens stand for; byte-level and sentencepiece vocabularies work."
            )
        self._byte = {letter: byte for byte, letter in bytes_to_unicode().items()}

    def __getitem__(self, token_id: int) -> bytes:
        found = self._known.get(token_id)
        if found is None:
            found = self._known[token_id] = self._spelled(self._piece(token_id))
        return found

    def _spelled(self, piece: str | None) -> bytes:
        """None, a padding row of the embedding matrix that no token owns, adds nothing."""
        if piece is None:
            return b""
        if self._byte_level:
            # Some vocabularies hold plain text beside the byte alphabet.
            return (
                bytes(self._byte[it] for it in piece) if self._byte.keys() >= set(piece) else piece.encode()
            )
        lone = _BYTE_PIECE.fullmatch(piece)
        return bytes([int(lone[1], 16)]) if lone else piece.replace("\u2581", " ").encode()


def _decoders(decoder: Any) -> set[str]:
    """The kinds of decoder that a tokenizer chains; what one is made of shows only in its stored form."""
    if decoder is None:
        return set()
    stored = json.loads(decoder.__getstate__())
    return {it["type"] for it in stored.get("decoders", [stored])}
