"""Everything about access of one home, held together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from codex.access.attempts import Attempts
from codex.access.audit import Audit
from codex.access.database import FILE, Database
from codex.access.keys import Keys
from codex.access.sign_ins import SignIns
from codex.access.users import User, Users


class Access:
    """Users, keys, sign-ins and the audit log of a home. Thread-safe; other processes may use them too."""

    def __init__(self, home: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Nothing is made before something is written."""
        self.database = Database(home / FILE)
        self._now = now
        self.users = Users(self.database)
        self.keys = Keys(self.database, now)
        self.sign_ins = SignIns(self.database, self.users, now)
        self.audit = Audit(self.database, now)
        self.attempts = Attempts()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @property
    def lets_in(self) -> bool:
        """Whether there is anybody who could get in: a user, or a key that holds."""
        now = self._now()
        return bool(self.users.list()) or any(key.holds(now) for key in self.keys.list())

    def sign_in(self, name: str, password: str, address: str, device: str) -> User | None:
        """The user whose name and password these are. Raises TooMany while guessing is slowed down.

        device: what an earlier sign-in gave the browser, or "".
        """
        known = self.sign_ins.knows(device, name)
        self.attempts.begin(name, address, known=known)
        user = self.users.verified(name, password)
        if user is not None:
            self.attempts.succeeded(name, address, known=known)
        return user
