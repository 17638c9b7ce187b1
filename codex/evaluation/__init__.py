"""Many questions at once: datasets, graders, runs, and what they say of signals and confidence."""
