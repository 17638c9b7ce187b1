"""Example plug-in of Codex."""
