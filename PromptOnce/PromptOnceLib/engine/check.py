"""Whether this Python can run the worker: python -m PromptOnceLib.engine.check [--folder FOLDER].

Writes one line of JSON (environment.verify.CheckReport) and ends with status 0, whatever was found. An older Python
than PromptOnce supports has to be able to read this file, to say that it is too old.
"""

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

OLDEST_PYTHON = (3, 10)
PACKAGES = {
    "numpy": "numpy",
    "PIL": "pillow",
    "platformdirs": "platformdirs",
    "pydantic": "pydantic",
    "SimpleITK": "SimpleITK",
    "tqdm": "tqdm",
    "torch": "torch",
    "hydra": "hydra-core",
    "iopath": "iopath",
    "sam2": "sam2",
}
"""Module and distribution of what the worker imports, in the order in which a failure is most telling."""


def main() -> None:
    """Entry point of the process."""
    report: Any = {
        "promptonce_check": 1,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "executable": sys.executable,
        "versions": {},
        "missing": [],
        "broken": {},
        "devices": [],
    }
    started = time.time()
    if sys.version_info[:2] >= OLDEST_PYTHON:
        for module, package in PACKAGES.items():
            _import(module, package, report)
        if not report["missing"] and not report["broken"]:
            _import("PromptOnceLib.engine.propagation", "PromptOnce", report)
    report["seconds"] = round(time.time() - started, 2)
    if "torch" in report["versions"] and not report["broken"]:
        report["devices"] = _devices()
    if "--folder" in sys.argv:
        report["size_bytes"] = _size(sys.argv[sys.argv.index("--folder") + 1])
    # On a line of its own, whatever a library wrote before.
    print("\n" + json.dumps(report), flush=True)


def _import(module: str, package: str, report: Any) -> None:
    from importlib import metadata

    try:
        importlib.import_module(module)
        if package != "PromptOnce":
            report["versions"][package] = metadata.version(package)
    except ModuleNotFoundError as error:
        if error.name == module:
            report["missing"].append(package)
        else:
            report["broken"][package] = str(error)
    except Exception as error:
        report["broken"][package] = type(error).__name__ + ": " + str(error)[:500]


def _devices() -> Any:
    from PromptOnceLib.engine.devices import available_devices

    return [_compute(name) for name in available_devices()]


def _compute(name: str) -> Any:
    """A convolution with a known result: a build of PyTorch that does not fit the graphics card fails here."""
    import torch

    from PromptOnceLib.engine.devices import describe

    found = {"name": name, "description": "", "seconds": 0.0, "error": ""}
    started = time.time()
    try:
        found["description"] = describe(torch.device(name))
        image = torch.ones(1, 8, 64, 64, device=name)
        result = torch.nn.functional.conv2d(image, torch.ones(8, 8, 3, 3, device=name)).sum().item()
        if result != 8 * 62 * 62 * 72:
            found["error"] = "it computes wrongly"
    except Exception as error:
        found["error"] = str(error).split("\n")[0][:300]
    found["seconds"] = round(time.time() - started, 3)
    return found


def _size(folder: str) -> int:
    """Bytes of all files below a folder."""
    return sum(Path(parent, name).lstat().st_size for parent, _, files in os.walk(folder) for name in files)


if __name__ == "__main__":
    main()
