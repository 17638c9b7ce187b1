"""What a training takes of its machine."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil
import torch

SECONDS = 10.0
"""Between two measurements."""


class System:
    """Measures this process, at most every SECONDS."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # Measures from here on.
        self._next = 0.0

    def measured(self) -> dict[str, float | int]:
        """memory_bytes, resident; cpu_percent of one core since the last time; on CUDA gpu_memory_bytes, the
        most that tensors took, and gpu_percent where NVML tells it. {} where it is too early."""
        now = time.monotonic()
        if now < self._next:
            return {}
        self._next = now + SECONDS
        found: dict[str, float | int] = {
            "memory_bytes": self._process.memory_info().rss,
            "cpu_percent": self._process.cpu_percent(),
        }
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            found["gpu_memory_bytes"] = torch.cuda.max_memory_allocated()
            with suppress(ImportError, RuntimeError):  # Without nvidia-ml-py, or a driver that has NVML.
                found["gpu_percent"] = torch.cuda.utilization()
        return found
