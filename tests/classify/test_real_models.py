"""On SmolLM2: in this process, by Transformers, and over HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from codex.classify import LocalLLMClassifier
from codex.classify.templates import template
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine

TEXTS = [
    "What is 8 plus 9?",
    "What is the capital of Peru?",
    "What is 7 times 6?",
    "What is Oslo the capital of?",
]
TOPICS = ["arithmetic", "geography"]


@pytest.fixture(scope="module")
def served(llama: LlamaCppEngine) -> Iterator[OpenAIEngine]:
    """An engine on the HTTP port of the llama.cpp in this process."""
    server = llama._ready().server
    name = str(llama._models.resolve(llama.config.model_path, gguf=True))
    config = ServedConfig(model_path=name, base_url=f"http://{server._address}/v1", concurrency=4)
    engine = OpenAIEngine(config, server._key)
    yield engine
    engine.unload()


def test_over_http_the_probabilities_are_those_of_the_engine_in_this_process(
    llama: LlamaCppEngine, served: OpenAIEngine
) -> None:
    """Rows at the same time are summed in another order, which moves log-probabilities by hundredths."""
    labels, texts = ["7", "8"], ["What is 8 plus 9?", "What is 7 times 6?"]
    here = LocalLLMClassifier(engine=llama, labels=labels)
    there = LocalLLMClassifier(engine=served, labels=labels)
    np.testing.assert_allclose(there.predict_proba(texts), here.predict_proba(texts), atol=0.05)
    assert there.usage_.requests <= here.usage_.requests
    assert there.usage_.prompt_tokens > 20 * 2


def test_a_label_that_the_server_does_not_list_is_the_less_likely(
    llama: LlamaCppEngine, served: OpenAIEngine
) -> None:
    """In this process it is scored; a llama.cpp server has no way to score a given text."""
    assert not served.capabilities.score
    here, there = (
        LocalLLMClassifier(engine=engine, labels=TOPICS).outcomes(TEXTS[:2]) for engine in (llama, served)
    )
    for scored, bounded in zip(here, there, strict=True):
        assert not isinstance(scored, Exception)
        assert not isinstance(bounded, Exception)
        assert bounded.mass == pytest.approx(scored.mass, abs=0.02)
        assert scored.probabilities[1] <= bounded.probabilities[1] < 0.5


def test_the_tree_of_tokens_gives_what_scoring_the_whole_label_gives(hf: HuggingFaceEngine) -> None:
    """Labels that share their first token; the tree follows the 20 likeliest tokens of a place."""
    labels = ["very easy question", "very hard question"]
    found = LocalLLMClassifier(engine=hf, labels=labels).outcomes(TEXTS[:1])[0]
    assert not isinstance(found, Exception)
    prompt = template("text").messages(TEXTS[0], labels)
    scored = [
        sum(
            math.exp(math.fsum(it.logprob or 0.0 for it in hf.score(prompt, spelled).tokens))
            for spelled in (text, text.capitalize())
        )
        for text in labels
    ]
    assert found.probabilities[0] == pytest.approx(scored[0] / sum(scored), abs=0.03)


def test_examples_teach_it(llama: LlamaCppEngine) -> None:
    texts = ["What is 3 plus 4?", "What is the capital of Chile?", "What is 9 times 2?", "Capital of Kenya?"]
    classifier = LocalLLMClassifier(engine=llama, n_examples=2).fit(texts, TOPICS * 2)
    assert roc_auc_score(TOPICS * 2, classifier.predict_proba(TEXTS)[:, 1]) == 1.0
