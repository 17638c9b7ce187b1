"""What to do with an answer: gate rules in order, then routing by confidence.

One vectorised function, `decide`, serves a single answer and a table of a million: what the tuning
page shows is what the service does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AliasChoices, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from codex.errors import InvalidInput
from codex.numbers import NumbersAsSuch
from codex.text import chosen, sha256
from codex.types import Action, Gate

GATES = tuple(Gate)
ACTIONS = tuple(Action)


def _only(bound: str, other: str) -> JsonDict:
    return {"required": [bound], "properties": {bound: {"type": "number"}, other: {"type": "null"}}}


class Rule(NumbersAsSuch):
    """Holds when a signal lies strictly below, or strictly above, a threshold in its own unit."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        json_schema_extra={"oneOf": [_only("below", "above"), _only("above", "below")]},
    )

    signal: str
    below: float | None = None
    above: float | None = None
    gate: Literal["reflect", "retrieve", "abstain", "proceed"]

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise ValueError(f"the rule on {self.signal!r} needs exactly one of 'below' and 'above'")
        return self

    @property
    def threshold(self) -> float:
        """The bound, in the signal's unit."""
        return self.below if self.below is not None else float(self.above or 0.0)

    @property
    def sign(self) -> str:
        """The comparison as it is written: < or >."""
        return "<" if self.below is not None else ">"

    def __str__(self) -> str:
        return f"{self.signal} {self.sign} {self.threshold:g}: {self.gate}"

    def moved(self, threshold: float) -> Rule:
        """The same rule with another threshold."""
        return Rule.model_validate(
            self.model_dump() | {"below" if self.below is not None else "above": threshold}
        )

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """[rows] -> [rows]; a missing value (NaN) never makes a rule hold."""
        return values < self.threshold if self.below is not None else values > self.threshold


# Small models answer in sentences, whose mean entropy stays low: the entropy rule holds for 2 to 5 % of the
# incorrect answers of SmolLM2. That of the weakest word holds for 56 to 68 % of them and for 17 to 35 % of
# the correct ones; of Qwen2.5-Coder-1.5B's to trivia for 54 and 15 %, to countries for 10 and 1 %.
DEFAULT_RULES = (
    Rule(signal="avg_logprob", below=-1.5, gate="reflect"),
    Rule(signal="entropy", above=2.5, gate="retrieve"),
    Rule(signal="top1_prob", below=0.20, gate="abstain"),
    Rule(signal="min_prob_focus", below=0.20, gate="retrieve"),
)


class PolicyGuarantee(NumbersAsSuch):
    """At most a share `risk` of the answers given is incorrect, at the stated confidence level.

    Proven on held-out questions; it holds for questions like those, under the same calibrator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    risk: float = Field(gt=0.0, lt=1.0)
    confidence_level: float = Field(
        gt=0.0,
        lt=1.0,
        validation_alias=AliasChoices("confidence_level", "certainty"),
        serialization_alias="certainty",
    )
    """Over the draw of the held-out questions."""
    calibrator: str
    """The version whose confidences it is about."""
    run: str
    """The run that the questions are of."""
    questions: int = Field(ge=1)
    answered: int = Field(ge=1)
    """Of these questions, at this policy."""
    incorrect: int = Field(
        ge=0, validation_alias=AliasChoices("incorrect", "wrong"), serialization_alias="wrong"
    )
    """Of those answered."""

    def __str__(self) -> str:
        return (
            f"At most {chosen(self.risk)} of the answers given are incorrect, at the "
            f"{chosen(self.confidence_level)} confidence level"
        )


class Policy(NumbersAsSuch):
    """Gate rules, of which the first that holds wins, and the thresholds of the routing."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        json_schema_extra={
            "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("guarantee", "larger_above")]
        },
    )

    name: str = "default"
    """What people call it."""
    rules: tuple[Rule, ...] = DEFAULT_RULES
    """Tried in order; the first that holds gives the gate."""
    answer_above: float = Field(0.5, ge=0.0, le=1.0)
    """Confidence at or above it: answer."""
    abstain_below: float = Field(0.2, ge=0.0, le=1.0)
    """Confidence below it: abstain. Between the two: defer to a person. At most answer_above."""
    defer_unfamiliar: bool = Field(True, strict=True)
    """Whether an answer to a question unlike those of the calibrator is deferred where it would be given."""
    larger_above: float | None = Field(None, ge=0.0, le=1.0)
    """Where an answer is deferred, a larger model is asked first; its confidence at or above this: its answer
    is given, below it a person decides. None: no larger model is asked."""
    guarantee: PolicyGuarantee | None = Field(
        None, validation_alias=AliasChoices("guarantee", "promise"), serialization_alias="promise"
    )
    """What is guaranteed of the answers it lets through; none once a rule or threshold is moved."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.abstain_below > self.answer_above:
            raise ValueError(
                f"abstain_below ({self.abstain_below}) must not exceed answer_above ({self.answer_above})"
            )
        if self.larger_above is not None and self.guarantee is not None:
            raise ValueError(
                "a guarantee is proven of the answers of one model: leave out guarantee or larger_above"
            )
        return self

    @property
    def for_larger(self) -> Policy | None:
        """What decides on a larger model's answer; None: it is not asked.

        Without rules, whose thresholds are about the first model's signals, and it never abstains.
        """
        if self.larger_above is None:
            return None
        return self.model_copy(
            update={
                "rules": (),
                "answer_above": self.larger_above,
                "abstain_below": 0.0,
                "larger_above": None,
            }
        )

    @property
    def version(self) -> str:
        """The name and a fingerprint of the content: equal content, equal version."""
        # Under the first names, without newer defaults: a version in an old store stays what it was.
        left_out = {"name"}
        left_out |= {"defer_unfamiliar"} if self.defer_unfamiliar else set()
        left_out |= {"larger_above"} if self.larger_above is None else set()
        body = self.model_dump_json(exclude=left_out, by_alias=True)
        return f"{self.name}@{sha256(body)[:10]}"


@dataclass(frozen=True, slots=True)
class Decisions:
    """The policy's decisions on a table of answers, as codes; all arrays are [rows]."""

    gate: NDArray[np.int8]
    """Index into GATES."""
    rule: NDArray[np.int16]
    """Index of the rule that held; -1 where none did."""
    action: NDArray[np.int8]
    """Index into ACTIONS."""


def retrieves_by(policy: Policy, signal: str) -> bool:
    """Whether a rule on this signal has the documents searched."""
    return any(rule.signal == signal and rule.gate == "retrieve" for rule in policy.rules)


def decide(
    policy: Policy,
    signals: Mapping[str, ArrayLike],
    confidence: ArrayLike,
    unfamiliar: ArrayLike = False,
) -> Decisions:
    """Gate and route a table of answers.

    signals: name -> [rows] in the signal's own unit, NaN where missing; a signal that a rule names and
    that is absent counts as missing. confidence: [rows] in [0, 1]; NaN defers. unfamiliar: [rows], or one
    for all: the question is unlike those that the confidence was calibrated on. The abstain gate abstains;
    the other gates say what to try next and leave the routing to the confidence.
    """
    value = np.atleast_1d(np.asarray(confidence, dtype=np.float64))
    rule = np.full(value.shape, -1, dtype=np.int16)
    for index in reversed(range(len(policy.rules))):
        column = signals.get(policy.rules[index].signal)
        if column is not None:
            held = policy.rules[index].holds(np.atleast_1d(np.asarray(column, dtype=np.float64)))
            rule[np.broadcast_to(held, value.shape)] = index
    gate_of_rule = [GATES.index(Gate(r.gate)) for r in policy.rules] + [GATES.index(Gate.PROCEED)]
    gate = np.array(gate_of_rule, dtype=np.int8)[rule]
    action = np.full(value.shape, ACTIONS.index(Action.DEFER), dtype=np.int8)
    deferred = np.asarray(unfamiliar, dtype=np.bool_) & policy.defer_unfamiliar
    action[(value >= policy.answer_above) & ~deferred] = ACTIONS.index(Action.ANSWER)
    action[value < policy.abstain_below] = ACTIONS.index(Action.ABSTAIN)
    action[gate == GATES.index(Gate.ABSTAIN)] = ACTIONS.index(Action.ABSTAIN)
    return Decisions(gate, rule, action)


def decide_action(metrics: Mapping[str, float | None], policy: Policy | None = None) -> Gate:
    """The gate for measured signals, e.g. {"avg_logprob": -0.4, "entropy": 1.2, "top1_prob": 0.8}.

    A metric that is missing or None makes no rule hold. Raises InvalidInput on a value that is no number.
    """
    for name, value in metrics.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | np.number)):
            raise InvalidInput(f"The metric {name!r} must be a number or None, not {value!r}.", [name])
    row = {name: np.nan if value is None else value for name, value in metrics.items()}
    gate: Gate = GATES[decide(policy or Policy(), row, np.nan).gate[0]]
    return gate


def gate_from_token_logprobs(
    token_logprobs: Sequence[tuple[str, float]], policy: Policy | None = None
) -> Gate:
    """The gate for one's own tokens and natural log-probabilities, first to last.

    Entropy needs the whole distribution, so it is missing here and its rule cannot hold. Raises
    InvalidInput when the list is empty or a log-probability is not a number that is at most 0.
    """
    if not token_logprobs:
        raise InvalidInput("token_logprobs is empty: give at least one (token, logprob).", ["token_logprobs"])
    for index, (token, logprob) in enumerate(token_logprobs):
        if not isinstance(logprob, int | float | np.number) or not logprob <= 1e-6:
            raise InvalidInput(
                f"The log-probability of token {index} ({token!r}) is {logprob!r}; "
                "give a natural logarithm, at most 0.",
                [f"token_logprobs[{index}]"],
            )
    values = np.array([logprob for _, logprob in token_logprobs], dtype=np.float64)
    return decide_action({"avg_logprob": float(values.mean()), "top1_prob": float(np.exp(values[0]))}, policy)
