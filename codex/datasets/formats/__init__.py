"""The forms in which datasets, and the tools that make them, write what a question consists of."""
