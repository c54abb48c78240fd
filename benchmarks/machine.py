"""What a figure was measured on, without the names of computers or users."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from PromptOnceLib.engine.devices import has_bfloat16_units

_STATUS = Path("/proc/self/status")


def machine(device: str = "cpu") -> dict[str, Any]:
    """Processor, threads, load, versions."""
    return {
        "processor": _processor(),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        **(_gpu(device) if device.startswith("cuda") else {}),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_units": has_bfloat16_units(),
        "threads": torch.get_num_threads(),
        # Above 0 other programs compete, and only ratios mean something.
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "sam2", "numpy")},
    }


def kind(found: dict[str, Any]) -> str:
    """A short name for the kind of machine, for file names."""
    words = f"{found['processor'] if found['device'] == 'cpu' else found['device']} {found['vectors']}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def peak_mib(device: str) -> float:
    """Most memory this process had so far, MiB: of the GPU where it computes there, else resident."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return float("nan")
    if _STATUS.is_file():
        # Linux lets a process inherit ru_maxrss of the one that started it.
        return int(re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())[1]) / 2**10  # type: ignore[index]
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _version(package: str) -> str | None:
    """None for a package that was brought as a bare folder."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _gpu(device: str) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(device)
    return {
        "capability": f"{properties.major}.{properties.minor}",
        "gpu_gib": round(properties.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]} x {len(named)}" if named else platform.processor() or platform.machine()
