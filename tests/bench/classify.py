"""The classifier: how well it sorts questions by subject, and how fast it asks a server with 8 slots."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score

from codex.classify import LocalLLMClassifier
from codex.classify.labels import LabelSet
from codex.classify.templates import template
from codex.datasets.library import items
from codex.engines.base import Engine, GenerationParams, ModelConfig
from codex.engines.models import Models
from codex.engines.openai_api import engine as openai_engine
from codex.engines.openai_api.config import ServedConfig
from tests.bench.http_server import HttpServer
from tests.bench.line import Line

MODEL = "CODEX_BENCH_MODEL"
"""The environment variable that names another model than the default, e.g. a GGUF file."""
SCIKIT_LLM = "CODEX_BENCH_SCIKIT_LLM"
"""The environment variable that names a Python which has scikit-llm."""
ROWS = "CODEX_BENCH_ROWS"
"""How many questions are classified; by default 120."""
SLOTS = 8
PAIRS = 3
LABELS = ("arithmetic", "chemistry", "geography", "unanswerable")
SETS = {
    "arithmetic": "arithmetic",
    "elements": "chemistry",
    "capitals": "geography",
    "unanswerable": "unanswerable",
}
INSTRUCTIONS = (
    "What is the question about? It is unanswerable where nobody can know the answer, e.g. of the future or "
    "of somebody's private life."
)
OTHERS_WAY = """
import json, sys
from skllm.config import SKLLMConfig
from skllm.models.gpt.classification.zero_shot import ZeroShotGPTClassifier
said = json.load(sys.stdin)
SKLLMConfig.set_gpt_url(said["url"]); SKLLMConfig.set_openai_key("none")
classifier = ZeroShotGPTClassifier(model="custom_url::" + said["model"], default_label="none")
classifier.fit(None, said["labels"])
print(json.dumps(list(map(str, classifier.predict(said["texts"])))))
"""


def measure(home: Path) -> Iterator[Line]:
    """Beside a plain prompt, beside scikit-llm, and beside the server by itself."""
    models = Models(home)
    path = models.resolve(os.environ.get(MODEL) or ModelConfig().model_path, gguf=True)
    texts, truth = _questions(home, int(os.environ.get(ROWS) or 120))
    with HttpServer(path, SLOTS) as server:
        config = ServedConfig(model_path=server.model, base_url=server.base_url, concurrency=SLOTS)
        engine = openai_engine.OpenAIEngine(config)
        engine.load()
        yield from _quality(engine, server, texts, truth)
        yield from _speed(engine, server)
        engine.unload()


def _quality(
    engine: Engine, server: HttpServer, texts: Sequence[str], truth: Sequence[str]
) -> Iterator[Line]:
    plain = _by_plain_prompt(engine, texts)
    baseline, n = accuracy_score(truth, plain), len(texts)
    how = f"{n} shipped questions by subject, 4 labels, {Path(server.model).stem}"
    # A row of which the model names no label counts as incorrect, on both sides.
    given: dict[str, Any] = {"on_error": "missing", "missing_label": "none", "instructions": INSTRUCTIONS}
    classifier = LocalLLMClassifier(engine=engine, labels=LABELS, **given)
    shots = LocalLLMClassifier(engine=engine, labels=LABELS, n_examples=1, **given)
    shots.fit(texts[: n // 4], truth[: n // 4])
    for name, each in (("classifier", classifier), ("classifier, one example a label", shots)):
        held = slice(n // 4, None)
        proba = np.nan_to_num(each.predict_proba(texts[held]), nan=1 / len(LABELS))
        found = each.predict(texts[held])
        yield Line(
            f"{name}: accuracy, plain prompt {accuracy_score(truth[held], plain[held]):.3f}",
            baseline,
            accuracy_score(truth[held], found),
            "",
            how,
            at_least=True,
        )
        area = roc_auc_score(truth[held], proba, multi_class="ovr", labels=LABELS)
        flat = roc_auc_score(truth[held], _one_hot(plain[held]), multi_class="ovr", labels=LABELS)
        yield Line(f"{name}: AUROC, plain prompt {flat:.3f}", flat, area, "", how, at_least=True)
    other = os.environ.get(SCIKIT_LLM)
    if other:
        said = {
            "url": server.base_url,
            "model": server.model,
            "labels": LABELS,
            "texts": list(texts[n // 4 :]),
        }
        ran = subprocess.run(
            [other, "-c", OTHERS_WAY], input=json.dumps(said), capture_output=True, text=True, check=True
        )
        theirs = json.loads(ran.stdout.splitlines()[-1])
        ours = accuracy_score(truth[n // 4 :], classifier.predict(texts[n // 4 :]))
        yield Line(
            "classifier: accuracy, scikit-llm",
            accuracy_score(truth[n // 4 :], theirs),
            ours,
            "",
            how,
            at_least=True,
        )


def _speed(engine: openai_engine.OpenAIEngine, server: HttpServer) -> Iterator[Line]:
    """Pairs in turn, since a machine's speed drifts; the raw client sends the same bodies as bare HTTP."""
    bodies: list[dict[str, Any]] = []
    build = openai_engine._body

    def noted(*given: Any) -> dict[str, Any]:
        bodies.append(build(*given))
        return bodies[-1]

    def ours(use_async: bool) -> float:
        made = LocalLLMClassifier(engine=engine, labels=["positive", "negative"], cache=False)
        started = time.perf_counter()
        made.predict_proba(texts, use_async=use_async)
        return time.perf_counter() - started

    texts = [f"Film number {at} was {word}." for at in range(8) for word in ("great", "awful", "long")]
    openai_engine._body = noted
    try:
        ours(True)
    finally:
        openai_engine._body = build
    bodies = [{**body, "stream": True} for body in bodies]
    shares, gains = [], []
    for _ in range(PAIRS):
        mine, raw, one_by_one = ours(True), server.seconds(bodies, SLOTS), ours(False)
        shares.append(raw / mine)
        gains.append(one_by_one / mine)
    how = f"{len(texts)} rows, {len(bodies)} requests, {SLOTS} slots, {PAIRS} pairs in turn"
    yield Line(
        "async: share of the raw server's requests a second",
        0.85,
        float(np.median(shares)),
        "",
        how,
        (min(shares), max(shares)),
        at_least=True,
    )
    yield Line(
        "async against sequential",
        5,
        float(np.median(gains)),
        "x",
        how,
        (min(gains), max(gains)),
        at_least=True,
    )


def _questions(home: Path, n: int) -> tuple[list[str], list[str]]:
    """As many of each subject, in random order."""
    draw = random.Random(0)
    rows: list[tuple[str, str]] = []
    for name, label in SETS.items():
        found = [item.question for item in items(name, home)]
        rows += [(text, label) for text in draw.sample(found, n // len(SETS))]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


def _by_plain_prompt(engine: Engine, texts: Sequence[str]) -> list[str]:
    """The same words to the model; the text that it answers is matched with the labels."""
    labels, found = LabelSet(LABELS), []
    for text in texts:
        prompt = template("text").messages(text, LABELS, INSTRUCTIONS)
        named = labels.named(engine.chat(prompt, GenerationParams(max_tokens=24)).text)
        found.append("none" if named is None else LABELS[named])
    return found


def _one_hot(found: Sequence[str]) -> Any:
    """Of labels that were said: all of the probability; where none was, equal parts."""
    return np.asarray(
        [[float(it == label) if it in LABELS else 1 / len(LABELS) for label in LABELS] for it in found]
    )
