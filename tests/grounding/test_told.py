"""Who judged, and how reliable that is, in words."""

from __future__ import annotations

from codex.grounding.reliability import UNMEASURED
from codex.grounding.told import HELP, judged_by, verified_by
from codex.types import Grounding, PassedOver, Reliability, Verdict
from tests.support.reliable import CHANCE, GOOD

MODEL, WORDS = "model llama_cpp:small:Q4", "lexical"


def test_a_reliable_judge_is_named_with_what_was_measured() -> None:
    assert judged_by(Grounding(MODEL, (), 0.0, GOOD)) == (
        f"Judged by {MODEL} (AUROC 0.86, 95% interval 0.81 to 0.91, on 200 answers)."
    )


def test_answers_of_earlier_versions_name_their_judge() -> None:
    assert judged_by(Grounding(MODEL, (), 0.0)) == f"Judged by {MODEL}."
    assert verified_by(Verdict((), "plain", "small", 0.0)) == "small"


def test_where_nobody_can_judge_what_helps_is_said() -> None:
    said = judged_by(
        Grounding(
            "", (), 0.0, None, (PassedOver(MODEL, CHANCE), PassedOver(WORDS, Reliability(0.5, 0.4, 0.6, 200)))
        )
    )
    assert said.startswith(
        f"This model cannot judge evidence: {MODEL} (AUROC 0.52, 95% interval 0.44 to 0.60"
    )
    assert "Neither can lexical (AUROC 0.50, 0.40 to 0.60)." in said
    assert said.endswith(HELP)
    assert "grounding.verifier_model" in HELP
    assert "grounding.judge=nli" in HELP


def test_who_judges_instead_is_said_with_its_own_reliability() -> None:
    said = judged_by(Grounding(WORDS, (), 0.0, GOOD, (PassedOver(MODEL, CHANCE),)))
    assert "This model cannot judge evidence" in said
    assert said.endswith("Judged by lexical instead (AUROC 0.86, 95% interval 0.81 to 0.91, on 200 answers).")


def test_what_was_not_measured_yet_is_said_to_be_so() -> None:
    said = judged_by(Grounding("", (), 0.0, None, (PassedOver(MODEL, UNMEASURED), PassedOver(WORDS, CHANCE))))
    assert said.startswith(f"Whether {MODEL} can judge evidence is not measured yet")
    assert "codex models judge" in said
    assert "cannot" not in said


def test_a_verifier_that_cannot_says_that_its_number_is_not_used() -> None:
    def told(reliability: Reliability) -> str:
        return verified_by(Verdict((), "plain", "small", 0.0, reliability))

    assert told(GOOD) == "small (AUROC 0.86, 95% interval 0.81 to 0.91, on 200 answers)"
    assert "cannot verify answers (AUROC 0.52" in told(CHANCE)
    assert "P(True) is not used" in told(CHANCE)
    assert "not measured yet" in told(UNMEASURED)
