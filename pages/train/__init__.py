"""The Train page: probes trained on runs, with what they add, activated and deleted."""
