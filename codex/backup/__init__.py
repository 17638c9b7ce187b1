"""A home as one file: made while Codex runs or not, and put back whole or not at all."""
