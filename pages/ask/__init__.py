"""The Ask page: a question, its answer token by token, and what explains it."""
