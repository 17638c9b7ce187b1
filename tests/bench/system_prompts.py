"""How many questions the default model answers correctly under each of eight system prompts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codex import engines
from codex.datasets.library import load
from codex.engines.base import GenerationParams
from codex.engines.models import Models
from codex.grading.grades import grade
from codex.prompts import SYSTEM
from codex.settings import load_settings
from codex.types import Message
from tests.bench.line import Line

OTHERS = (
    None,
    "You are a helpful assistant. Answer briefly.",
    "You answer questions truthfully and briefly.",
    "You answer questions with facts, in one short sentence.",
    "Give short, correct answers.",
    "You are an expert who answers questions correctly and briefly.",
    "You answer questions correctly and briefly.",
)
LIMITS = {"newcomers": 60, "capitals": 40, "elements": 40, "arithmetic": 40}
"""Questions of each set, from the first on."""
CALLERS = 6


def measure(home: Path) -> Iterator[Line]:
    """One line for each of the others: none answers more questions correctly than the one in use."""
    settings = load_settings([f"home={home}"])
    engine = engines.create("llama_cpp", settings.engine, Models(home))
    engine.load()
    items = [item for name, limit in LIMITS.items() for item in load(name, home)[:limit]]
    params = GenerationParams(max_tokens=48)

    def correct(system: str | None) -> int:
        first = [] if system is None else [Message("system", system)]

        def answer(question: str) -> str:
            return engine.chat([*first, Message("user", question)], params).text

        with ThreadPoolExecutor(CALLERS) as callers:
            texts = callers.map(answer, (item.asked for item in items))
            return sum(bool(grade(item, text).correct) for item, text in zip(items, texts, strict=True))

    how = f"of {len(items)} questions of {', '.join(LIMITS)}"
    try:
        ours = correct(SYSTEM)
        for other in OTHERS:
            yield Line(f"correct under {other or 'no system prompt'!r}", ours, correct(other), "", how)
    finally:
        engine.unload()
