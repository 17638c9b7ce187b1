"""Fine-tuning a model of this machine: one configuration, two engines, the same result."""

from codex.threads import spin_briefly

# Modules of this package import torch at their top. On two cores that something else shares, a training by
# two threads that spin on took 127 s of processor time, by two that sleep 18 s.
spin_briefly()
