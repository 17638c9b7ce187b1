"""What somebody may do: scopes, the roles that bundle them, and who a request is from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Scope = Literal["ask", "read", "label", "evaluate", "train", "admin"]
Role = Literal["viewer", "labeller", "researcher", "admin"]

SCOPES: Mapping[Scope, str] = {
    "ask": "ask questions and score answers, also over /v1 and MCP",
    "read": "read everything that is stored, and search the documents",
    "label": "label answers, and answer deferred questions",
    "evaluate": "change datasets, documents, runs, calibrators and policies, delete sessions, use SQL",
    "train": "train probes, verifiers and adapters",
    "admin": "all of it, and load models, change what is kept of questions, read the audit log, back up",
}
"""Each scope and what it allows."""
ROLES: Mapping[Role, frozenset[Scope]] = {
    "viewer": frozenset({"ask", "read"}),
    "labeller": frozenset({"ask", "read", "label"}),
    "researcher": frozenset({"ask", "read", "label", "evaluate", "train"}),
    "admin": frozenset(SCOPES),
}
"""The scopes of each role; a role has all of those before it."""


def role_with(scopes: Iterable[Scope]) -> Role:
    """The least role that has all of these."""
    return next(role for role, own in ROLES.items() if own.issuperset(scopes))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request is from."""

    id: str
    """"user NAME", "key ID" or "local": whose limits it shares."""
    name: str
    """What people know it by: the user's name, or the key's."""
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether a scope is among its own; admin holds all."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL = Principal("local", "local", frozenset(SCOPES))
"""Whoever reaches a server without authentication, and the commands of whoever owns the home."""
