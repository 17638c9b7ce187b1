"""Policies between the page, the store and YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from codex.errors import InvalidInput
from codex.pages import JSON
from codex.policy import Policy
from codex.store.versions.policies import UNSAVED, Policies, SavedPolicy, policy_name

MAX_YAML = 64 * 2**10
"""Characters of a policy's file; one of a hundred rules has a tenth of it."""


def policy_of(body: Any, *, name: str = UNSAVED) -> Policy:
    """A policy from the page or from a file. Raises InvalidInput, which says what is wrong where."""
    if not isinstance(body, Mapping):
        raise InvalidInput("A policy needs rules, answer_above and abstain_below.")
    try:
        return Policy.model_validate({"name": name, **body})
    except ValidationError as error:
        raise InvalidInput(_wrong(error), ["policy"]) from error


def named(policy: Policy, name: Any) -> Policy:
    """The policy under a name that a person typed. Raises InvalidInput."""
    return policy.model_copy(update={"name": policy_name(str(name or ""))})


def to_yaml(policy: Policy) -> str:
    """As it stands under codex/conf/policy."""
    body = policy.model_dump(mode="json")
    body["rules"] = [
        {key: value for key, value in rule.items() if value is not None} for rule in body["rules"]
    ]
    if policy.guarantee is None:
        del body["guarantee"]
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def from_yaml(text: str) -> Policy:
    """A policy out of a file. Raises InvalidInput with the line, or the name, that is wrong."""
    if len(text) > MAX_YAML:
        raise InvalidInput(f"This is not a policy: the file is larger than {MAX_YAML // 1024} KiB.", ["file"])
    try:
        body = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidInput(f"The file is not valid YAML{line}: {error.problem}.", ["file"]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput("The file is not valid YAML in UTF-8.", ["file"]) from error
    if not isinstance(body, Mapping):
        raise InvalidInput(
            "This is not a policy: it needs rules, answer_above and abstain_below. Export one to see how.",
            ["file"],
        )
    policy = policy_of(body, name="imported")
    return named(policy, policy.name)


def policy_view(policy: Policy) -> JSON:
    """A policy for the page, with its version; label: what people call it."""
    return {"version": policy.version, "label": policy.name, **policy.model_dump(mode="json")}


def saved_view(saved: SavedPolicy) -> JSON | None:
    """A saved policy for the page; None where another Codex wrote it otherwise."""
    try:
        policy = Policy.model_validate_json(saved.body)
    except ValidationError:
        return None
    return {**policy_view(policy), "label": saved.name, "created": saved.created_at.isoformat()}


def saved_as(policies: Policies, policy: Policy) -> Policy:
    """The policy as it is saved where it has this name there since it was renamed; else as it is."""
    content = policy.version.rpartition("@")[2]
    for saved in policies.list():
        if saved.name == policy.name and saved.version.rpartition("@")[2] == content:
            return Policy.model_validate_json(saved.body)
    return policy


def _wrong(error: ValidationError) -> str:
    """What is wrong where, in one line: "rules 2, gate: Input should be ..."."""
    found = []
    for part in error.errors(include_url=False)[:3]:
        place = " ".join(str(at + 1) if isinstance(at, int) else at for at in part["loc"])
        said = part["msg"].removeprefix("Value error, ")
        found.append(f"{place}: {said}" if place else said)
    return f"This is not a policy: {'; '.join(found)}."
