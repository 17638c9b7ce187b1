"""The machine: system, processor, memory and GPU."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
from pathlib import Path

from codex.doctor.findings import Finding, size

LITTLE = 10**9
"""Bytes of free memory below which even a small model may not fit."""


def check_platform() -> Finding:
    """Which system this is."""
    container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    shown = f"{platform.platform()}{', in a container' if container else ''}"
    if platform.system() not in ("Linux", "Darwin"):
        return Finding("platform", "warn", shown, "Codex is tested on Linux; on Windows use WSL.")
    return Finding("platform", "ok", shown, "", {"machine": platform.machine(), "container": container})


def check_cpu(info: Path = Path("/proc/cpuinfo")) -> Finding:
    """Cores that may be used, and the instructions that models compute with."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = info.read_text(errors="replace") if info.is_file() else ""
    words = set(" ".join(re.findall(r"(?m)^(?:flags|Features)\s*:(.*)$", text)).split())
    named = re.search(r"(?m)^model name\s*:\s*(.*)$", text)
    avx2, bf16 = "avx2" in words, bool(words & {"avx512_bf16", "amx_bf16", "bf16"})
    model = f"{named[1]}, " if named else ""
    found = f"{model}{cores} {'core' if cores == 1 else 'cores'}, avx2 {_yes(avx2)}, bf16 {_yes(bf16)}"
    details = {"cores": cores, "avx2": avx2, "bf16": bf16}
    if platform.machine() == "x86_64" and words and not avx2:
        return Finding(
            "CPU",
            "warn",
            found,
            "Models are several times slower without AVX2: use another machine, or engine=openai_api.",
            details,
        )
    return Finding("CPU", "ok", found, "", details)


def check_memory() -> Finding:
    """Memory that can be taken without swapping."""
    from codex.engines.memory import available_memory

    total, free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), available_memory()
    if free is None:
        return Finding(
            "memory", "ok", f"{size(total)}; how much is free the system does not say", "", {"total": total}
        )
    found, details = f"{size(free)} free of {size(total)}", {"total": total, "free": free}
    if free < LITTLE:
        return Finding("memory", "warn", found, "End other programs, or choose a smaller model.", details)
    return Finding("memory", "ok", found, "", details)


def check_gpu() -> Finding:
    """Which GPUs the driver shows, and whether the installed torch can use them."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Finding("GPU", "ok", "none (no NVIDIA driver)", "", {"gpus": []})
    if driver.cuInit(0):
        return Finding(
            "GPU",
            "warn",
            "the NVIDIA driver is there and does not start",
            "Look at nvidia-smi; in a container start it with the GPU (--gpus all).",
            {"gpus": []},
        )
    gpus = _gpus(driver)
    built = torch_cuda()
    found = ", ".join(f"{name} ({size(memory)})" for name, memory in gpus) or "none"
    details = {"gpus": [{"name": name, "memory": memory} for name, memory in gpus], "torch_cuda": built}
    if gpus and built is None:
        return Finding(
            "GPU",
            "warn",
            f"{found}; the installed torch is built without CUDA",
            "pip install --force-reinstall torch, from the index that pytorch.org names for your CUDA.",
            details,
        )
    return Finding("GPU", "ok", f"{found}{f'; torch for CUDA {built}' if gpus else ''}", "", details)


def torch_cuda() -> str | None:
    """The CUDA that torch is built for, read off its files: importing it takes seconds. None: for none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    said = re.search(
        r"(?m)^cuda\b[^=]*=\s*['\"]([\d.]+)", (Path(spec.origin).parent / "version.py").read_text()
    )
    return said[1] if said else None


def _gpus(driver: ctypes.CDLL) -> list[tuple[str, int]]:
    count = ctypes.c_int(0)
    driver.cuDeviceGetCount(ctypes.byref(count))
    found = []
    for number in range(count.value):
        name, memory = ctypes.create_string_buffer(100), ctypes.c_size_t(0)
        driver.cuDeviceGetName(name, len(name), number)
        driver.cuDeviceTotalMem_v2(ctypes.byref(memory), number)
        found.append((name.value.decode(errors="replace"), memory.value))
    return found


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
