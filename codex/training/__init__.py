"""Fine-tuning a model of this machine: one configuration, two engines, the same result."""
