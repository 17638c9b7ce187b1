"""Rules on what comes in and goes out, and where Codex may connect to."""

from codex.safety.config import SafetyConfig

__all__ = ["SafetyConfig"]
