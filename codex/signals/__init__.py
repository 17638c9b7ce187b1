"""Signals: what an observation says about how sure the model is, as pure functions."""

# Importing them registers their signals; tokens come first, since they cost nothing.
from codex.signals import tokens

# isort: split
from codex.signals import attention

# isort: split
from codex.signals import agreement

# isort: split
from codex.signals import evidence, probes, verifier
from codex.signals.added import add_signals
from codex.signals.focus import focus_mask
from codex.signals.registry import REGISTRY, Signal, compute, label_of, signal, signals_table
from codex.signals.verifier import label_probability
from codex.signals.view import Group, View, answer_groups

__all__ = [
    "REGISTRY",
    "Group",
    "Signal",
    "View",
    "add_signals",
    "agreement",
    "answer_groups",
    "attention",
    "compute",
    "evidence",
    "focus_mask",
    "label_of",
    "label_probability",
    "probes",
    "signal",
    "signals_table",
    "tokens",
    "verifier",
]
