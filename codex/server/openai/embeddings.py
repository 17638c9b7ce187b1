"""Texts as vectors, by the embedding that indexes the documents."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from codex.errors import InvalidInput, NotFound
from codex.numbers import NumbersAsSuch
from codex.server.openai.errors import openai_errors, openai_router
from codex.server.openai.models import NAME
from codex.server.routes import Bench

router = openai_router()

MAX_TEXTS = 2048
Text = Annotated[str, Field(min_length=1)]


class EmbeddingBody(NumbersAsSuch):
    """A request in OpenAI's shape."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"model": NAME, "input": ["Canberra", "Sydney"]}]}
    )

    model: str = Field(description='"codex", or the name of the setting retrieval.embedding.')
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)] = Field(
        description="A text, or several. What is longer than the model reads is cut."
    )
    encoding_format: Literal["float", "base64"] = Field(
        "float", description="base64: of 32-bit floats, least significant byte first."
    )
    dimensions: int | None = Field(None, ge=1, description="Only the number that the model has.")


class EmbeddingItem(BaseModel):
    """The vector of a text, of Euclidean length 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens of the texts, special ones left out."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """A response in OpenAI's shape."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.031, -0.052]}],
                    "model": "all-MiniLM-L6-v2",
                    "usage": {"prompt_tokens": 3, "total_tokens": 3},
                }
            ]
        }
    )

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingUsage


@router.post("/embeddings", summary="Embed texts in OpenAI's shape", responses=openai_errors(404, 503))
def embeddings(body: EmbeddingBody, workbench: Bench) -> EmbeddingList:
    """The vectors of texts, by the embedding that indexes the documents; it is loaded at its first use."""
    name = workbench.index.embedding.name
    if body.model not in (NAME, name):
        raise NotFound(f"There is no embedding {body.model[:100]!r}; there is {name}, also called {NAME!r}.")
    texts = [body.input] if isinstance(body.input, str) else body.input
    vectors = workbench.index.embed(texts)
    if body.dimensions not in (None, vectors.shape[1]):
        raise InvalidInput(
            f"{name} has {vectors.shape[1]} dimensions, not {body.dimensions}: leave dimensions out.",
            ["dimensions"],
        )
    tokens = workbench.index.count_tokens(texts)
    return EmbeddingList(
        data=[
            EmbeddingItem(
                index=at,
                embedding=vector.tolist() if body.encoding_format == "float" else _in_base64(vector),
            )
            for at, vector in enumerate(vectors)
        ],
        model=name,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


def _in_base64(vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
