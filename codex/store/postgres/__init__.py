"""A copy of the events in PostgreSQL."""
