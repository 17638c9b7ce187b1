"""An engine that costs nothing, so that what is measured is Codex."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import deque
from functools import cache

from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.paths import resources
from tests.support.probed import KnowingEngine
from tests.support.scripted import Script

DELAY = "CODEX_SOAK_DELAY"
"""The environment variable with the seconds that each token takes."""


class SoakEngine(KnowingEngine):
    """Answers "Say NUMBER ..." with the number, so that no two questions can be mixed up unseen.

    Half of the questions about capitals it answers correctly, and its hidden states tell which.
    """

    def __init__(self, config: ModelConfig, models: Models) -> None:
        super().__init__(_script, delay=float(os.environ.get(DELAY, "0")))
        self.config = config
        self.truth = {question: _knows(question) for question in _answers()}
        # What a test would read afterwards would grow here with every question.
        self.decodes, self.judged, self.asked = (deque(maxlen=1) for _ in range(3))  # type: ignore[assignment]


@cache
def _answers() -> dict[str, str]:
    lines = (resources("datasets") / "capitals.jsonl").read_text(encoding="utf-8").splitlines()
    return {each["question"]: each["answers"][0] for each in map(json.loads, lines)}


def _knows(question: str) -> bool:
    return zlib.crc32(question.encode()) % 2 == 0


def _script(prompt: str) -> Script:
    if number := re.findall(r"Say (\d+)", prompt):
        said, knows = number[-1], True
    else:
        question = next((each for each in _answers() if each in prompt), "")
        knows = _knows(question)
        said = _answers().get(question, "so") if knows else "elsewhere"
    share = 0.6 + zlib.crc32(prompt.encode()[::-1]) % 1000 / 5000 + 0.15 * knows
    samples = (f"It is {said}.", f"It is {said}, yes." if knows else "It is unknown.")
    return Script(["It", " is", f" {said}", "."], [0.95, 0.95, share, 0.95], samples)
