"""The DuckDB file and its tables."""
