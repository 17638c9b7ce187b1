"""The course of one question."""
