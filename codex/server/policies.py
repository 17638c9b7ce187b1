"""The saved policies over HTTP, and which of them is active."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from codex.ask.workbench import Workbench
from codex.policy import Policy, Rule
from codex.server.bodies import Body
from codex.server.guard import GuardedRoute
from codex.server.names import NAMED, ActivateBody, RenameBody, Version
from codex.server.routes import Bench, errors
from codex.settings import KnownPolicy
from codex.store.versions.policies import SavedPolicy, policy_name

router = APIRouter(prefix="/policies", tags=["policies"], route_class=GuardedRoute)

EXAMPLE: dict[str, Any] = {
    "name": "strict",
    "rules": [{"signal": "top1_prob", "below": 0.2, "gate": "abstain"}],
    "answer_above": 0.8,
    "abstain_below": 0.4,
    "larger_above": None,
    "guarantee": None,
}


class NewPolicyBody(BaseModel):
    """A policy to be saved."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"name": "strict", "policy": {"answer_above": 0.8}}]},
    )

    name: str = Field(description="What it is called.", json_schema_extra=NAMED, strict=True)
    policy: KnownPolicy = Field(
        description="What is left out: the default policy's value. Its own name is passed over, and so is a "
        "guarantee: only Codex proves one."
    )


class PolicyGuaranteeBody(Body):
    """What is guaranteed of the answers that a policy lets through."""

    risk: float = Field(description="At most this share of them is incorrect.")
    confidence_level: float
    calibrator: str = Field(description="The version whose confidences it is about.")
    run: str = Field(description="The run whose held-out half it was proven on.")
    questions: int
    answered: int
    incorrect: int


class PolicyBody(Body):
    """Gate rules, of which the first that holds wins, and the thresholds of the routing."""

    name: str = Field(description="That it had at first.")
    rules: list[Rule]
    answer_above: float
    abstain_below: float
    larger_above: float | None = Field(
        description="Confidence from which the answer of a larger model is given, where the first model's is "
        "deferred; null: no larger model is asked."
    )
    guarantee: PolicyGuaranteeBody | None


class SavedPolicyBody(BaseModel):
    """A saved policy."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "strict@0a1b2c3d4e",
                    "name": "strict",
                    "active": False,
                    "created_at": "2026-01-31T12:00:00Z",
                    "policy": EXAMPLE,
                }
            ]
        }
    )

    version: str = Field(description="Of its content, and the name that it had at first; it never changes.")
    name: str
    active: bool
    created_at: datetime | None = Field(
        description="When it was first saved; null: it stands in the settings."
    )
    policy: PolicyBody

    @classmethod
    def of(cls, saved: SavedPolicy) -> SavedPolicyBody:
        """A policy as it is stored."""
        return cls(
            version=saved.version,
            name=saved.name,
            active=saved.active,
            created_at=saved.created_at,
            policy=PolicyBody.model_validate(Policy.model_validate_json(saved.body)),
        )


@router.get("", summary="List the policies", responses=errors(503))
def list_policies(workbench: Bench) -> list[SavedPolicyBody]:
    """The saved policies, the newest first."""
    return [SavedPolicyBody.of(saved) for saved in workbench.store.policies.list()]


@router.post("", summary="Save a policy", status_code=201, responses=errors(503))
def save_policy(body: NewPolicyBody, workbench: Bench) -> SavedPolicyBody:
    """Keep a policy under a name; it is not active yet."""
    policy = Policy.model_validate(
        {**body.policy.model_dump(), "name": policy_name(body.name), "guarantee": None}
    )
    policies = workbench.store.policies
    policies.save(policy.version, policy.name, policy.model_dump_json())
    return SavedPolicyBody.of(policies.get(policy.version))


@router.get("/active", summary="Read the active policy", responses=errors(503))
def read_active(workbench: Bench) -> SavedPolicyBody:
    """The policy that decides on the next question: the one that was activated, else that of the settings."""
    return _active(workbench)


@router.post("/activate", summary="Activate a policy", responses=errors(404, 503))
def activate_policy(body: ActivateBody, workbench: Bench) -> SavedPolicyBody:
    """Let a saved policy decide from the next question on; null: that of the settings."""
    policy = None
    if body.version is not None:
        policy = Policy.model_validate_json(workbench.store.policies.get(body.version).body)
    workbench.active.activate_policy(policy)
    return _active(workbench)


@router.post("/rollback", summary="Undo the last activation of a policy", responses=errors(409, 503))
def rollback_policy(workbench: Bench) -> SavedPolicyBody:
    """Returns the policy that is active now."""
    workbench.active.rollback_policy()
    return _active(workbench)


@router.get("/{version:any_name}", summary="Read a policy", responses=errors(404, 503))
def read_policy(version: Version, workbench: Bench) -> SavedPolicyBody:
    """A saved policy."""
    return SavedPolicyBody.of(workbench.store.policies.get(version))


@router.patch("/{version:any_name}", summary="Rename a policy", responses=errors(404, 503))
def rename_policy(version: Version, body: RenameBody, workbench: Bench) -> SavedPolicyBody:
    """Call a policy something else; its version stays, so that stored answers still refer to it."""
    workbench.store.policies.rename(version, body.name)
    return SavedPolicyBody.of(workbench.store.policies.get(version))


@router.delete(
    "/{version:any_name}", summary="Delete a policy", status_code=204, responses=errors(404, 409, 503)
)
def delete_policy(version: Version, workbench: Bench) -> None:
    """Delete a policy that is not active."""
    workbench.store.policies.delete(version)


def _active(workbench: Workbench) -> SavedPolicyBody:
    saved, policy = workbench.store.policies.active(), workbench.active.policy
    if saved is not None and saved.version == policy.version:
        return SavedPolicyBody.of(saved)
    return SavedPolicyBody(
        version=policy.version,
        name=policy.name,
        active=True,
        created_at=None,
        policy=PolicyBody.model_validate(policy),
    )
