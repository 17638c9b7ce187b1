"""Codex: answers from a local language model, each with how likely it is to be correct."""

from codex.paths import checkout

if root := checkout():
    __path__.append(str(root))  # There codex.pages stands beside the package, as pages/.
