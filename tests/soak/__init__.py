"""Codex under load and fault, for hours: `python -m tests.soak`."""
