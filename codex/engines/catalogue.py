"""Open models that are worth using: a short list, with licence, size and memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

_FILE = Path(__file__).with_name("catalogue.json")


class CatalogueModel(BaseModel):
    """A model of the Hugging Face hub that can be fetched by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """What `engine.model_path` takes once it is here."""
    source: str
    """On the hub: owner/repo/file.gguf, or owner/repo of a Transformers model."""
    format: Literal["gguf", "safetensors"]
    parameters: float
    """Billions."""
    licence: str
    """By its SPDX identifier."""
    size: int
    """Bytes, to about two digits; the hub says the exact size when it is fetched."""
    layers: int
    kv_heads: int
    head_size: int
    about: str
    sha256: str | None = None
    """Of a single file, where it is known; the hub's own is verified in any case."""

    @property
    def token_bytes(self) -> int:
        """Bytes that a token takes in the cache."""
        return token_bytes(self.layers, self.kv_heads, self.head_size)


@cache
def catalogue() -> dict[str, CatalogueModel]:
    """The models by name, the smallest first."""
    listed = TypeAdapter(list[CatalogueModel]).validate_json(_FILE.read_bytes())
    return {each.name: each for each in listed}


def token_bytes(layers: int, kv_heads: int, head_size: int) -> int:
    """Bytes that a token takes in the cache: a key and a value in 16 bits, in each layer and head."""
    return layers * kv_heads * head_size * 2 * 2
