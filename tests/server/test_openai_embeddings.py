"""Embeddings, by OpenAI's client."""

from __future__ import annotations

import base64

import numpy as np
import openai
import pytest

from tests.support.serving import Served


def test_texts_are_embedded_as_the_documents_are(sure: Served, client: openai.OpenAI) -> None:
    texts = ["Canberra is a capital.", "Bees dance."]
    own = sure.workbench.index.embed(texts)
    # The client asks for base64 by itself, and reads it.
    for said in (
        client.embeddings.create(model="codex", input=texts),
        client.embeddings.create(model="codex", input=texts, encoding_format="float"),
    ):
        assert np.array([item.embedding for item in said.data]) == pytest.approx(own, abs=1e-6)
        assert [item.index for item in said.data] == [0, 1]
        assert said.model == sure.workbench.index.embedding.name
        assert said.usage.prompt_tokens == 5 + 3
    raw = sure.http.post(
        "/v1/embeddings", json={"model": "codex", "input": texts[0], "encoding_format": "base64"}
    ).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(raw), "<f4") == pytest.approx(own[0], abs=1e-6)
    with pytest.raises(openai.UnprocessableEntityError, match="384 dimensions, not 8"):
        client.embeddings.create(model="codex", input="x", dimensions=8)


def test_what_cannot_be_embedded_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no embedding 'text-embedding-3-small'"):
        client.embeddings.create(model="text-embedding-3-small", input="x")
    for given in ("", [], ["x"] * 2049, [""]):
        with pytest.raises(openai.UnprocessableEntityError):
            client.embeddings.create(model="codex", input=given)
