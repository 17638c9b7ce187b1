"""Who may do what: users, API keys, roles, sign-ins and the audit log, in a SQLite file of their own."""

from codex.access.access import Access
from codex.access.roles import LOCAL, ROLES, SCOPES, Principal, Role, Scope

__all__ = ["LOCAL", "ROLES", "SCOPES", "Access", "Principal", "Role", "Scope"]
