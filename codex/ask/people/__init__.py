"""People's answers, and whether two questions ask for the same."""
