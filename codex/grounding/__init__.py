"""What a model makes of an answer: the verifier, the judge of its evidence, the meaning of its samples."""

from codex.grounding.grounder import Grounder, Measured

__all__ = ["Grounder", "Measured"]
