"""The judges that need no language model: words, embeddings, and a cross-encoder of inference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from codex.errors import ModelError, SettingsError
from codex.grounding.judges import MOST_WORDS, PROBABLE, EmbeddingJudge, Finding, LexicalJudge
from codex.grounding.nli import NliJudge
from codex.settings import load_settings
from codex.types import Passage, Stance

CAPITAL = "What is the capital of Greece?"
TEXTS = (
    "Crete is the largest island of Greece.",
    "Athens lies in Attica. The capital of Greece is Athens. It is large.",
    "Athens is also a town in Georgia.",
)


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"p{i}", "d", "greece.txt", text, 0, len(text)) for i, text in enumerate(texts)]


def quoted(finding: Finding, texts: Sequence[str]) -> str:
    assert finding.passage is not None
    assert finding.quote is not None
    start, end = finding.quote
    return texts[finding.passage][start:end]


class TestWords:
    def test_a_short_answer_is_found_where_the_question_is_spoken_of(self) -> None:
        finding = LexicalJudge().judge(CAPITAL, "Athens.", passages(*TEXTS))
        assert finding.probability == 1.0
        assert quoted(finding, TEXTS) == "The capital of Greece is Athens."

    def test_the_share_counts_different_content_words(self) -> None:
        finding = LexicalJudge().judge(CAPITAL, "It is Athens, the city of Pericles.", passages(*TEXTS))
        assert finding.probability == pytest.approx(1 / 3)  # Athens, not city and Pericles
        assert MOST_WORDS.stance(finding) is Stance.NOT_FOUND

    def test_what_shares_no_word_has_no_passage(self) -> None:
        assert LexicalJudge().judge(CAPITAL, "Rome.", passages(*TEXTS)) == Finding(0.0)

    def test_a_sentence_without_words_is_not_told(self) -> None:
        assert LexicalJudge().judge(CAPITAL, "...", passages(*TEXTS)).probability is None

    def test_passages_whose_text_was_not_kept_hold_nothing(self) -> None:
        assert LexicalJudge().judge(CAPITAL, "Athens.", passages("", "")).probability == 0.0


class TestEmbeddings:
    def test_the_closest_sentence_of_all_passages_is_quoted(self) -> None:
        """Vectors by hand: the sentence with Crete points where the question with its answer does."""

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            angles = [0.0 if "Which island" in text else 0.3 if "Crete" in text else 2.0 for text in texts]
            return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)

        finding = EmbeddingJudge(embed).judge("Which island is largest?", "Crete.", passages(*TEXTS))
        assert finding.probability == pytest.approx(np.cos(0.3))
        assert quoted(finding, TEXTS) == TEXTS[0]

    def test_opposite_directions_count_as_nothing(self) -> None:
        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            return np.array([[1.0], *[[-1.0]] * (len(texts) - 1)], np.float32)

        assert EmbeddingJudge(embed).judge(CAPITAL, "Athens.", passages(*TEXTS)).probability == 0.0


class TestInference:
    """No trained model is at hand: a small BERT whose weights are drawn at random, and its labels."""

    def saved(self, folder: Path, labels: Sequence[str]) -> Path:
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=200,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            num_labels=len(labels),
            initializer_range=1.0,  # so that its outputs are far apart
        )
        config.id2label = dict(enumerate(labels))
        BertForSequenceClassification(config).save_pretrained(folder)
        letters = [chr(code) for code in range(33, 127)]
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{it}" for it in letters)]
        (folder / "vocab.txt").write_text("\n".join(pieces))
        BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
        return folder

    def test_labels_are_found_in_any_order_and_case(self, tmp_path: Path) -> None:
        """The same weights under three namings: what is entailment moves with the name."""
        named = [
            ["entailment", "neutral", "contradiction"],
            ["CONTRADICTION", "ENTAILMENT", "NEUTRAL"],
            ["Neutral", "Contradiction", "Entailment"],
        ]
        findings = []
        for number, labels in enumerate(named):
            (folder := tmp_path / str(number)).mkdir()
            judge = NliJudge(str(self.saved(folder, labels)))
            findings.append(judge.judge(CAPITAL, "Athens.", passages(TEXTS[1])))
        entailed = [finding.probability for finding in findings]
        assert sum(p for p in entailed if p is not None) == pytest.approx(1.0, abs=1e-5)
        assert findings[0].contradiction == pytest.approx(entailed[2], abs=1e-6)
        assert findings[1].contradiction == pytest.approx(entailed[0], abs=1e-6)

    def test_the_best_passage_counts_and_is_quoted(self, tmp_path: Path) -> None:
        judge = NliJudge(str(self.saved(tmp_path, ["contradiction", "entailment", "neutral"])))
        each = [judge.judge(CAPITAL, "Athens.", [it]) for it in passages(*TEXTS)]
        together = judge.judge(CAPITAL, "Athens.", passages(*TEXTS))
        best = max(range(3), key=lambda i: each[i].probability or 0.0)
        assert together.passage == best
        assert together.probability == pytest.approx(each[best].probability, abs=1e-5)
        assert together.contradiction == pytest.approx(max(it.contradiction or 0 for it in each), abs=1e-5)

    def test_a_model_that_tells_two_apart_says_nothing_of_contradiction(self, tmp_path: Path) -> None:
        judge = NliJudge(str(self.saved(tmp_path, ["entailment", "not_entailment"])))
        finding = judge.judge(CAPITAL, "Athens.", passages(*TEXTS))
        assert finding.probability is not None
        assert finding.contradiction is None

    def test_a_model_without_entailment_is_refused_with_its_labels(self, tmp_path: Path) -> None:
        judge = NliJudge(str(self.saved(tmp_path, ["LABEL_0", "LABEL_1", "LABEL_2"])))
        with pytest.raises(ModelError, match="LABEL_0, LABEL_1, LABEL_2"):
            judge.load()

    def test_a_folder_without_a_model_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"grounding\.nli_model"):
            NliJudge(str(tmp_path)).load()

    def test_the_setting_needs_a_model(self) -> None:
        with pytest.raises(SettingsError, match="nli_model"):
            load_settings(["grounding.judge=nli"])


@pytest.mark.parametrize(
    ("probability", "contradiction", "expected"),
    [
        (0.5, None, Stance.SUPPORTED),
        (0.5, 0.9, Stance.SUPPORTED),
        (0.49, None, Stance.NOT_FOUND),
        (0.49, 0.5, Stance.CONTRADICTED),
        (0.49, 0.49, Stance.NOT_FOUND),
        (None, None, Stance.NOT_FOUND),
    ],
)
def test_stances_of_a_probability(
    probability: float | None, contradiction: float | None, expected: Stance
) -> None:
    assert PROBABLE.stance(Finding(probability, contradiction)) is expected
