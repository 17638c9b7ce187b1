"""The SQL page: read-only queries over the store."""
