"""Who judged the evidence or verified the answer, and how reliable that is, in words for people."""

from __future__ import annotations

from codex.text import number
from codex.types import LEAST_AUROC, Grounding, PassedOver, Reliability, Verdict

HELP = (
    f"The interval of a judge has to begin at {LEAST_AUROC} or above; "
    "a larger model (grounding.verifier_model) or a cross-encoder (grounding.judge=nli) may reach that."
)
"""What may help where nobody can judge."""


def judged_by(grounding: Grounding) -> str:
    """E.g. "Judged by model llama_cpp:qwen (AUROC 0.81, 95% interval 0.75 to 0.87, on 200 answers)."."""
    if not grounding.passed_over:
        return f"Judged by {grounding.judge}{_measured(grounding.reliability)}."
    wanted, *others = grounding.passed_over
    if wanted.reliability.auroc is None:
        first = (
            f"Whether {wanted.judge} can judge evidence is not measured yet; "
            "the workbench does it in the background, and `codex models judge` at once."
        )
    else:
        kind = "This model" if wanted.judge.startswith("model ") else "This judge"
        first = f"{kind} cannot judge evidence: {wanted.judge}{_measured(wanted.reliability)}."
    if grounding.judge:
        return f"{first} Judged by {grounding.judge} instead{_measured(grounding.reliability)}."
    known = [each for each in others if each.reliability.auroc is not None]
    neither = f" Neither can {_listed(known)}." if known and wanted.reliability.auroc is not None else ""
    return f"{first}{neither} {HELP}"


def verified_by(verdict: Verdict) -> str:
    """E.g. "llama_cpp:smollm2 cannot verify answers (AUROC 0.48, ...): P(True) is not used."."""
    reliability = verdict.reliability
    if reliability is None or reliability.is_sufficient:
        return f"{verdict.verifier}{_measured(reliability)}"
    if reliability.auroc is None:
        return f"{verdict.verifier}, not measured yet, so that P(True) is not used"
    return f"{verdict.verifier} cannot verify answers{_measured(reliability)}, so that P(True) is not used"


def _listed(judges: list[PassedOver]) -> str:
    return " or ".join(f"{each.judge} ({_auroc(each.reliability)})" for each in judges)


def _measured(reliability: Reliability | None) -> str:
    """In brackets; "" where it is not known."""
    if reliability is None or reliability.auroc is None:
        return ""
    return f" ({_auroc(reliability, '95% interval ')}, on {reliability.n} answers)"


def _auroc(reliability: Reliability, called: str = "") -> str:
    """With its interval, and what that is called; "" where it is not known."""
    if reliability.auroc is None:
        return ""
    low, high = reliability.low, reliability.high
    interval = "" if low is None or high is None else f", {called}{number(low)} to {number(high)}"
    return f"AUROC {number(reliability.auroc)}{interval}"
