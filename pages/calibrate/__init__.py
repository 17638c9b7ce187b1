"""The Calibrate page: calibrators fitted, shown and made active."""
