"""The Evaluate page: runs, their scores and their questions."""
