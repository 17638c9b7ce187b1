"""Codex: answers from a local language model, each with how likely it is to be right."""
