"""Transformers in process, with a decode loop of our own."""
