"""Grading: whether an answer is correct, given the accepted ones; a grader for each kind of answer."""
