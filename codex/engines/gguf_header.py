"""The head of a GGUF file: what the model is, and whether the file is whole.

Reads metadata and tensor extents only, never the weights, so that a broken download is told from
a good file in milliseconds. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

from gguf.constants import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGMLQuantizationType,
    LlamaFileType,
    TokenType,
)

from codex.engines.catalogue import token_bytes
from codex.errors import ModelError

MAGIC = b"GGUF"
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TOKENS, _TOKEN_TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_CONTROL = (TokenType.UNKNOWN, TokenType.CONTROL)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself."""

    architecture: str
    quantization: str
    """As llama.cpp names it, e.g. Q4_1; "mixed" where the file does not say."""
    context_length: int | None
    """Tokens of context the model was trained with."""
    size: int
    """Bytes that the file must have to be whole."""
    chat_template: str = ""
    """"": it has none."""
    token_bytes: int = 0
    """Bytes that a token takes in the cache of keys and values; 0: the file does not say."""
    layers: int | None = None
    """None: the file does not say."""
    heads: int = 0
    """Of a layer's attention; 0: the file does not say."""
    key_heads: int = 0
    """Of its keys and values."""


def read_header(path: Path) -> GgufHeader:
    """Read and check the head of a GGUF file. Raises ModelError when it is not GGUF, or cut short."""
    actual = path.stat().st_size
    with _opened(path) as reader:
        header = reader.header()
    if header.size > actual:
        raise ModelError(
            f"{path} is cut short: it has {actual} of {header.size} bytes. "
            "Delete it and fetch the model again."
        )
    return header


def read_control_tokens(path: Path, also: Collection[int] = ()) -> frozenset[str]:
    """The spellings of a GGUF vocabulary's control and unknown tokens, and of those with the ids `also`."""
    with _opened(path) as reader:
        reader.header()
        return reader.control_tokens(also)


@contextmanager
def _opened(path: Path) -> Iterator[_Reader]:
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise ModelError(
                f"{path} is not a GGUF file. The llama_cpp engine reads GGUF only; "
                "for a Transformers model use engine=huggingface."
            )
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                yield _Reader(data, path)
            except (struct.error, IndexError, OverflowError, RecursionError):
                raise ModelError(
                    f"{path} is cut short or damaged: its header cannot be read to its end. Fetch it again."
                ) from None


class _Reader:
    """Walks the file once from the front."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = len(MAGIC)
        self._arrays: dict[str, int] = {}
        """Where the value of each array begins."""

    def header(self) -> GgufHeader:
        version = self._number("I")
        if version not in (2, 3):
            raise ModelError(
                f"{self._path} is GGUF of version {version}, or of the other byte order; "
                "versions 2 and 3 can be read. Convert it again with a recent llama.cpp."
            )
        tensors, fields = self._number("Q"), self._number("Q")
        metadata = dict(self._field() for _ in range(fields))
        extent = max((self._tensor_end() for _ in range(tensors)), default=0)
        alignment = metadata.get("general.alignment", GGUF_DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or alignment <= 0:
            raise ModelError(f"{self._path} is damaged: its alignment is {alignment!r}. Fetch it again.")
        architecture = str(metadata.get("general.architecture", "unknown"))
        context = metadata.get(f"{architecture}.context_length")
        layers = metadata.get(f"{architecture}.block_count")
        return GgufHeader(
            architecture=architecture,
            quantization=_quantization(metadata.get("general.file_type")),
            context_length=context if isinstance(context, int) else None,
            size=-(-self._at // alignment) * alignment + extent,
            chat_template=str(metadata.get("tokenizer.chat_template") or ""),
            token_bytes=_token_bytes(metadata, architecture),
            layers=layers if isinstance(layers, int) else None,
            heads=_said(metadata, f"{architecture}.attention.head_count"),
            key_heads=_said(
                metadata,
                f"{architecture}.attention.head_count_kv",
                _said(metadata, f"{architecture}.attention.head_count"),
            ),
        )

    def control_tokens(self, also: Collection[int]) -> frozenset[str]:
        """After `header`. Empty where the file holds no vocabulary."""
        if not self._arrays.keys() >= {_TOKENS, _TOKEN_TYPES}:
            return frozenset()
        self._at = self._arrays[_TOKEN_TYPES]
        code, count = self._code(self._number("I")), self._number("Q")
        types = struct.unpack_from(f"<{count}{code}", self._data, self._at)
        self._at = self._arrays[_TOKENS] + struct.calcsize("<IQ")
        spelled = (self._string() for _ in range(count))
        return frozenset(
            it
            for at, (it, kind) in enumerate(zip(spelled, types, strict=True))
            if kind in _CONTROL or at in also
        )

    def _field(self) -> tuple[str, object]:
        name, kind = self._string(), self._number("I")
        if kind == _ARRAY:
            self._arrays[name] = self._at
        return name, self._value(kind)

    def _number(self, code: str) -> int:
        (value,) = struct.unpack_from("<" + code, self._data, self._at)
        self._at += struct.calcsize("<" + code)
        return value  # type: ignore[no-any-return]

    def _string(self) -> str:
        size = self._number("Q")
        start, self._at = self._at, self._at + size
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> object:
        """A metadata value; arrays (the vocabulary) are stepped over and come back as None."""
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._number(self._code(kind))
        item, count = self._number("I"), self._number("Q")
        if item == _STRING:
            length = struct.Struct("<Q")
            for _ in range(count):
                self._at += 8 + length.unpack_from(self._data, self._at)[0]
        elif item == _ARRAY:
            for _ in range(count):
                self._value(item)
        else:
            self._at += count * struct.calcsize("<" + self._code(item))
        return None

    def _code(self, kind: int) -> str:
        if kind not in _SCALARS:
            raise ModelError(
                f"{self._path} is damaged: it has metadata of unknown type {kind}. Fetch it again."
            )
        return _SCALARS[kind]

    def _tensor_end(self) -> int:
        """Where one tensor ends, in bytes from the start of the weights."""
        name = self._string()
        shape = [self._number("Q") for _ in range(self._number("I"))]
        kind, offset = self._number("I"), self._number("Q")
        if kind not in GGML_QUANT_SIZES:
            raise ModelError(
                f"{self._path}: tensor {name!r} has the unknown type {kind}. Update Codex, or fetch again."
            )
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        return offset + prod(shape) // block * size


def _token_bytes(metadata: Mapping[str, object], architecture: str) -> int:
    def said(name: str, default: int = 0) -> int:
        return _said(metadata, f"{architecture}.{name}", default)

    heads = said("attention.head_count")
    head_size = said("attention.key_length") or said("embedding_length") // max(1, heads)
    return token_bytes(said("block_count"), said("attention.head_count_kv", heads), head_size)


def _said(metadata: Mapping[str, object], name: str, default: int = 0) -> int:
    value = metadata.get(name)
    return value if isinstance(value, int) else default


def _quantization(file_type: object) -> str:
    """The name of general.file_type without its prefix: MOSTLY_Q4_1 -> Q4_1, ALL_F32 -> F32."""
    names = {it.value: it.name.partition("_")[2] for it in LlamaFileType}
    return names.get(file_type, "mixed") if isinstance(file_type, int) else "mixed"
