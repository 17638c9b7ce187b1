"""Nouns as JSON, as columns of a table and as files, and back."""
