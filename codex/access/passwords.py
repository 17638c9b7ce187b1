"""Passwords and other secrets: hashed with argon2id, RFC 9106, and never stored as they are."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from codex.errors import InvalidInput

SHORTEST, LONGEST = 12, 256
"""Characters of a password. NIST SP 800-63B: long ones, of any characters, and no rules on which."""
LEAST_BESIDE, FEWEST_DIFFERENT = 8, 5
"""Characters beside the user's name, and different ones among them."""

_hasher = PasswordHasher()
_hashing = threading.Semaphore(2)
"""A hash takes 64 MiB; more at once is what somebody who guesses would want."""


def check_password(password: str, name: str) -> None:
    """Raises InvalidInput where it is too short, too long, or little but the user's name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"The password has {len(password)} characters: choose {SHORTEST} to {LONGEST}, for example "
            "several words.",
            ["password"],
        )
    beside = password.casefold().replace(name.casefold(), "")
    if len(beside) < LEAST_BESIDE or len(set(beside)) < FEWEST_DIFFERENT:
        raise InvalidInput(
            "The password is easy to guess: use more different characters, and more than the user's name.",
            ["password"],
        )


def hashed(secret: str) -> str:
    """An argon2id hash, with its salt and parameters."""
    with _hashing:
        return _hasher.hash(_normal(secret))


def matches(secret: str, hash_: str | None) -> bool:
    """Whether a secret is the one that was hashed. None takes as long, and never matches."""
    nobodys = _nobodys()  # In either case, so that the first call tells nothing by how long it takes.
    with _hashing:
        try:
            _hasher.verify(hash_ or nobodys, _normal(secret))
        except (VerificationError, InvalidHashError):
            return False
    return hash_ is not None


@cache
def _nobodys() -> str:
    """Made when a secret is first compared: it takes a fifth of a second, which no other command pays."""
    return hashed("nobody")


def _normal(secret: str) -> bytes:
    """One form of what can be typed in several."""
    return unicodedata.normalize("NFKC", secret).encode("utf-8", "surrogatepass")
