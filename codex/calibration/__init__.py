"""Signals to probability: a heuristic until a calibrator is fitted."""
