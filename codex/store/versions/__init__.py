"""Calibrators and policies under their versions."""
