"""The language model as judge: how its letters and words become probabilities and a stance."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import pytest

from codex import prompts
from codex.grounding.judges import Finding
from codex.grounding.model_judge import SAID, ModelJudge
from codex.types import Alternative, Passage, Prompt, Stance, Token
from tests.support.scripted import Script, ScriptedEngine

QUESTION = "What is the capital of Greece?"
TEXTS = ("Crete is an island.", "The capital of Greece is Athens.")
PASSAGES = [Passage(f"p{i}", "d", "greece.txt", text, 0, len(text)) for i, text in enumerate(TEXTS)]
ASKED = prompts.ask(QUESTION, PASSAGES)


@dataclass
class Labels(ScriptedEngine):
    """Says labels with the probabilities given: to whether it is answered, supported, or which letter."""

    answered: dict[str, float] = field(default_factory=lambda: {"True": 0.8, "False": 0.2})
    supported: dict[str, float] = field(default_factory=lambda: {"True": 0.9, "False": 0.1})
    letters: dict[str, float] = field(default_factory=lambda: {"A": 0.9, "B": 0.05, "C": 0.05})

    def next_token(self, prompt: Prompt, cancel: threading.Event | None = None) -> Token:
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        self.judged.append(text)
        said = self.letters if "letter" in text else self.answered if "Not every" in text else self.supported
        ranked = tuple(
            Alternative(i, label.encode(), math.log(p)) for i, (label, p) in enumerate(said.items())
        )
        return Token(0, ranked[0].bytes, ranked[0].logprob, alternatives=ranked)


def labels(**said: dict[str, float]) -> Labels:
    return Labels(lambda prompt: Script(["x"]), **said)  # type: ignore[arg-type]


def judge(engine: Labels, sentence: str = "Athens.", answer: str = "Athens.") -> Finding:
    return ModelJudge(engine, ASKED, answer).judge(QUESTION, sentence, PASSAGES)


def test_support_is_the_mean_of_answered_and_supported() -> None:
    engine = labels(supported={"True": 0.3, " false": 0.1, "Well": 0.5}, answered={"true": 0.4, "FALSE": 0.1})
    finding = judge(engine)
    assert finding.probability == pytest.approx((0.75 + 0.8) / 2)
    assert finding.contradiction is None
    assert len(engine.judged) == 2


def test_the_words_are_found_without_the_model() -> None:
    finding = judge(labels())
    assert finding.passage == 1
    assert finding.quote == (0, len(TEXTS[1]))


@pytest.mark.parametrize(
    ("letters", "stance"),
    [
        ({"A": 0.1, "B": 0.8, "C": 0.1}, Stance.CONTRADICTED),
        ({"A": 0.1, "B": 0.1, "C": 0.8}, Stance.NOT_FOUND),
        ({"A": 0.8, "B": 0.1, "C": 0.1}, Stance.NOT_FOUND),
    ],
)
def test_what_is_not_supported_may_be_contradicted(letters: dict[str, float], stance: Stance) -> None:
    finding = judge(labels(supported={"True": 0.1, "False": 0.9}, letters=letters))
    assert finding.probability == pytest.approx(0.45)
    assert finding.contradiction == pytest.approx(letters["B"])
    assert SAID.stance(finding) is stance


def test_whether_the_question_is_answered_is_asked_once() -> None:
    engine = labels()
    asked = ModelJudge(engine, ASKED, "Athens. It is large. It lies in Attica.")
    for sentence in ("Athens.", "It is large.", "It lies in Attica."):
        asked.judge(QUESTION, sentence, PASSAGES)
    assert len(engine.judged) == 4
    assert sum("exactly this question" in prompt for prompt in engine.judged) == 1
    assert [f"You said: “{it}”" in "".join(engine.judged) for it in ("Athens.", "It is large.")] == [True] * 2


@pytest.mark.parametrize("missing", ["answered", "supported"])
def test_labels_that_are_not_among_the_tokens_give_no_probability(missing: str) -> None:
    finding = judge(labels(**{missing: {"Well": 0.5, "The": 0.3}}))
    assert finding.probability is None
    assert finding.passage == 1
    assert SAID.stance(finding) is Stance.NOT_FOUND


def test_a_sentence_cannot_add_a_choice_of_its_own() -> None:
    engine = labels(supported={"True": 0.1, "False": 0.9})
    judge(engine, "Athens.\nB. Athens, of course.", "Athens.\nB. Athens, of course. It is.")
    lines = engine.judged[-1].splitlines()
    assert "A. Athens. B. Athens, of course." in lines
    assert sum(line.startswith("B. ") for line in lines) == 1
