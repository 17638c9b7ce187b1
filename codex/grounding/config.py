"""Who checks an answer, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from codex import plugins
from codex.grounding.form import Form
from codex.text import nearest

JUDGES = ("model", "nli", "embedding", "lexical", "none")
"""Those that ship with Codex."""


def _known_judge(name: str) -> str:
    there = (*JUDGES, *plugins.names("judges"))
    if name in there:
        return name
    if plugins.is_target(name):
        return plugins.take("judges", name).name
    raise ValueError(f"there is no such judge{nearest(name, there)[:-1]}; there are: {', '.join(there)}")


class GroundingConfig(BaseModel):
    """Group grounding."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verify: bool = True
    """Whether the verifier is asked if the answer is correct: one more prompt of a few tokens."""
    verifier_form: Form = "plain"
    """candidates shows the verifier the sampled answers too."""
    verifier_model: str | None = None
    """Another model for verifier and judge, as in engine.model_path; null asks the one that answered."""
    state_confidence: bool = False
    """Whether the model that answered states its confidence too, in text: one more prompt and a few tokens.
    Useful with a model that codex train reward taught, and on a server without log-probabilities."""
    judge: Annotated[str, AfterValidator(_known_judge)] = "model"
    """Who says whether a passage supports a sentence of the answer: model, nli, embedding, lexical, none, or
    a plug-in's."""
    nli_model: str | None = None
    """The cross-encoder of judge=nli: a local folder or a Hugging Face name."""
    similarity: Literal["text", "embedding", "judge"] = "text"
    """How samples are compared: by wording (free), by embedding, or by the judge in both directions."""
    # On three stored sets the best of 0.6 to 0.9 for MiniLM: it joins half of the correct answers worded
    # otherwise, and 2 to 7 % of the pairs of a correct and an incorrect one; the answer's share of the
    # samples then ranks 0.01 to 0.02 better.
    same_above: float = Field(0.8, gt=0.0, le=1.0)
    """Samples at least this similar in meaning count as the same answer; not used with text."""

    @model_validator(mode="after")
    def _nli_has_a_model(self) -> Self:
        if self.judge == "nli" and not self.nli_model:
            raise ValueError("judge=nli needs nli_model, the folder of a cross-encoder")
        return self
