"""The Tune page: a policy's thresholds, moved over the answers of a run."""
