"""The model in use, who uses it, another one in its place, and a larger one beside it."""
