"""Queries of analysts, each in a process of its own."""
