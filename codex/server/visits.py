"""Who a request is from, where the application under the authentication finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from codex.access import LOCAL, Principal, Scope
from codex.access.audit import Audit
from codex.access.roles import role_with
from codex.errors import Forbidden

_SCOPE = "codex.visit"
_current: ContextVar[Visit | None] = ContextVar("visit", default=None)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request's principal, where it is from, and the log of what it does."""

    principal: Principal
    address: str
    audit: Audit | None
    """None: nothing is logged, since nobody has to sign in."""

    @property
    def user(self) -> str | None:
        """The user who has signed in; None: nobody has to, or a key asks."""
        return self.principal.name if self.principal.id.startswith("user ") else None

    def lacks(self, scopes: Iterable[Scope]) -> str:
        """What somebody who lacks one of these should know before they try; "" for all others."""
        lacking = {scope for scope in scopes if not self.principal.may(scope)}
        if not lacking:
            return ""
        return (
            f"Some of what this page can do takes the role {role_with(lacking)}, which an administrator can "
            f"give {self.principal.name}."
        )

    def check(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if not self.principal.may(scope):
            raise Forbidden(
                f"{self.principal.name!r} may not do this: it takes the scope {scope!r}, which an "
                "administrator can give by another role or key."
            )

    def log(self, action: str, target: str, outcome: int) -> None:
        """Add an entry to the audit log, where there is one. Raises StoreError."""
        if self.audit is not None:
            self.audit.add(self.principal.id, self.address, action, target, outcome)


ANYBODY = Principal("nobody", "nobody", frozenset())
"""Whoever has neither signed in nor sent a key."""
EVERYBODY = Visit(LOCAL, "", None)
"""Of each request to a server without authentication."""


def begin(scope: Any, visit: Visit) -> Token[Visit | None]:
    """Keep it for the time of a request; `end` takes what this returns."""
    scope[_SCOPE] = visit
    return _current.set(visit)


def end(token: Token[Visit | None]) -> None:
    """The request has ended."""
    _current.reset(token)


def visit_of(scope: Mapping[str, Any]) -> Visit:
    """The visit that a request is part of; without authentication, everybody's."""
    visit = scope.get(_SCOPE)
    return visit if isinstance(visit, Visit) else EVERYBODY


def signed(told: dict[str, Any]) -> dict[str, Any]:
    """What was sent, with the user's name as its labeller or author: nobody labels in another's name.

    A key may: programs bring labels of several people.
    """
    user = current_visit().user
    return told if user is None else told | {name: user for name in ("labeller", "author") if name in told}


def current_visit() -> Visit:
    """The visit of the request that is served here."""
    return _current.get() or EVERYBODY
