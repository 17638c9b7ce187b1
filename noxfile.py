"""What the Makefile does, for those whose tools call nox: each session calls its target."""

import nox

nox.options.sessions = ["lint", "tests"]


def _make(session: nox.Session, target: str) -> None:
    session.run("make", target, external=True)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests."""
    _make(session, "test")


@nox.session(venv_backend="none")
def coverage(session: nox.Session) -> None:
    """All tests, and which lines and branches of codex/ they run."""
    _make(session, "coverage")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Ruff, mypy, the layers, and the pages' scripts."""
    _make(session, "lint")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Types alone."""
    _make(session, "types")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """The documentation's site."""
    _make(session, "docs")


@nox.session(venv_backend="none")
def security(session: nox.Session) -> None:
    """Bandit, detect-secrets, the bill of materials, and known vulnerabilities."""
    _make(session, "security")
