"""Codex against LM-Polygraph and UQLM: the same model, questions, tokens and samples, in turn.

    CODEX_BENCH_LM_POLYGRAPH=PYTHON CODEX_BENCH_UQLM=PYTHON python -m tests.bench race

Each variable names an interpreter that has the library (`pip install lm-polygraph`, `pip install uqlm
langchain-openai`, each in an environment of its own); without it that race is left out. CODEX_BENCH_PROMPTS
asks fewer questions than twenty. Of LM-Polygraph: sequence probability, perplexity, mean token entropy,
lexical similarity and P(True), in float32 with eager attention on two threads, through its manager. Of UQLM,
over the HTTP interface of the llama.cpp that Codex asks too: five scorers that need no other model. Codex
gives all of its signals in that time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from codex import prompts
from codex.ask.workbench import Workbench
from codex.engines.huggingface.convert import converted
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.prompts.answering import SYSTEM
from codex.types import Trace
from tests.bench.line import Line

PEERS = Path(__file__).parent / "peers"
QUESTIONS = (Path(__file__).parent.parent / "engines" / "prompts.txt").read_text().splitlines()[:20]
NEW_TOKENS = 48
SAMPLES = 10
OURS = {
    "huggingface in float32": (6.0, ("engine=huggingface", "engine.dtype=float32")),
    "huggingface in bfloat16": (8.0, ("engine=huggingface", "engine.dtype=bfloat16")),
    "llama_cpp": (7.0, ("engine=llama_cpp",)),
    "llama_cpp, adaptive": (12.0, ("engine=llama_cpp", "ask.adaptive=true")),
}
"""At least so many times as fast as LM-Polygraph, and how Codex is opened."""
SAME = 0.01
"""Nats by which two libraries may differ on one text."""


class _Peer:
    """Another library in a process of its own, asked a line at a time."""

    def __init__(self, interpreter: str, script: str, *arguments: str, **environment: str) -> None:
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed at the end
        self._process = subprocess.Popen(
            [interpreter, str(PEERS / script), *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._complaints.close()

    def ask(self, text: str) -> dict[str, Any]:
        """Its seconds, text and estimates."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            raise RuntimeError(f"{self._process.args!r} ended:\n{self._complaints.read()[-2000:]}")
        said: dict[str, Any] = json.loads(line)
        return said


def measure(home: Path) -> Iterator[Line]:
    """Lines for each library that is there."""
    asked = QUESTIONS[: int(os.environ.get("CODEX_BENCH_PROMPTS", len(QUESTIONS)))]
    if interpreter := os.environ.get("CODEX_BENCH_LM_POLYGRAPH"):
        yield from _polygraph(home, interpreter, asked)
    if interpreter := os.environ.get("CODEX_BENCH_UQLM"):
        yield from _uqlm(home, interpreter, asked)


def _polygraph(home: Path, interpreter: str, questions: Sequence[str]) -> Iterator[Line]:
    ratios: dict[str, list[float]] = {name: [] for name in OURS}
    differences: list[float] = []
    theirs: list[float] = []
    with ExitStack() as stack:
        benches = {name: stack.enter_context(_opened(home, *given)) for name, (_, given) in OURS.items()}
        first = next(iter(benches.values()))
        models = first.model.engine._models  # type: ignore[attr-defined]
        folder = converted(models.resolve(first.model.engine.config.model_path), models.cache)
        peer = stack.enter_context(_Peer(interpreter, "polygraph_side.py", str(folder)))
        for turn, question in enumerate([questions[0], *questions]):
            said = peer.ask(str(first.model.engine.render(prompts.ask(question))))
            for name, bench in benches.items():
                seconds, trace = _answer(bench, question)
                if turn:  # the first round warms up
                    ratios[name].append(said["seconds"] / seconds)
                if turn and bench is first and trace.last.observation.generation.text == said["text"]:
                    differences += _differences(trace, said["found"])
            theirs += [said["seconds"]] if turn else []
    alone = f"LM-Polygraph {statistics.median(theirs):.3g} s each"
    how = f"{len(questions)} questions, {SAMPLES} samples, {NEW_TOKENS} tokens, in turn; {alone}"
    for name, (least, _) in OURS.items():
        found = ratios[name]
        spread = (min(found), max(found))
        yield Line(f"LM-Polygraph over {name}", least, statistics.median(found), "x", how, spread, True)
    yield Line(
        "LM-Polygraph, a question", 30, statistics.median(theirs), "s", how, (min(theirs), max(theirs))
    )
    if differences:
        what = f"{len(differences)} sequence probabilities, perplexities and entropies of the same texts"
        yield Line("LM-Polygraph and huggingface differ by", SAME, max(differences), "nats", what)


def _differences(trace: Trace, found: dict[str, float]) -> Iterator[float]:
    """How far the two libraries are apart on one text that neither ended by itself."""
    generation, signals = trace.last.observation.generation, trace.last.signals
    if generation.finish_reason != "length":
        return
    theirs = {
        "sum_logprob": -found["MaximumSequenceProbability"],
        "avg_logprob": -found["Perplexity"],
        "entropy": found["MeanTokenEntropy"],
    }
    for name, value in theirs.items():
        own = signals.get(name)
        if own is not None:
            yield abs(own - value)


def _uqlm(home: Path, interpreter: str, questions: Sequence[str]) -> Iterator[Line]:
    ratios: list[float] = []
    with _opened(home, "engine=llama_cpp") as host:
        engine = host.model.engine
        assert isinstance(engine, LlamaCppEngine)
        server = engine._ready().server
        url = f"http://{server._address}/v1"
        name = str(engine._models.resolve(engine.config.model_path, gguf=True))
        os.environ["CODEX_RACE_KEY"] = server._key
        over_http = (
            "engine=openai_api",
            f"engine.base_url={url}",
            f"engine.model_path={name}",
            "engine.api_key_env=CODEX_RACE_KEY",
        )
        with _opened(home, *over_http) as ours, _Peer(interpreter, "uqlm_side.py", url, name, SYSTEM) as peer:
            for turn, question in enumerate([questions[0], *questions]):
                said = peer.ask(question)
                seconds, _ = _answer(ours, question)
                ratios += [said["seconds"] / seconds] if turn else []
    how = f"{len(questions)} questions, {SAMPLES} samples, {NEW_TOKENS} tokens, in turn over HTTP"
    yield Line(
        "UQLM over openai_api", 1.5, statistics.median(ratios), "x", how, (min(ratios), max(ratios)), True
    )


@contextmanager
def _opened(home: Path, *given: str) -> Iterator[Workbench]:
    threads = () if "engine=openai_api" in given else ("engine.threads=2",)
    with tempfile.TemporaryDirectory() as own:  # a database has one workbench
        for shared in ("models", "cache"):
            (Path(own) / shared).symlink_to(home / shared)
        bench = Workbench.open([f"home={own}", "ask.reflect=false", "ask.people=false", *given, *threads])
        try:
            bench.model.load()
            yield bench
        finally:
            bench.close()


def _answer(bench: Workbench, question: str) -> tuple[float, Trace]:
    params = bench.settings.engine.params.model_copy(update={"max_tokens": NEW_TOKENS})
    began = time.perf_counter()
    trace = bench.answer(question, n_samples=SAMPLES, params=params)
    return time.perf_counter() - began, trace
