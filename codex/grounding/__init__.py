"""What a model makes of an answer: the verifier, the judge of its evidence, the meaning of its samples."""
