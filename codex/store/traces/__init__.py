"""Traces and what is done with them: kept, listed, shared, deleted."""
