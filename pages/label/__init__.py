"""The Label page: one answer after another, judged by a person."""
