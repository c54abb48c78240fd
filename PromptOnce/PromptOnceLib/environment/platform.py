"""What this computer is, and how large that makes the environment of the worker."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PromptOnceLib.errors import EngineError

Method = Literal["uv", "venv"]
MEGABYTE = 10**6

_NO_TORCH = (
    "The engine cannot be installed on a Mac with an Intel processor: it needs PyTorch 2.5.1 or newer, and for these "
    "Macs there is nothing newer than 2.2.2. Use a Mac with Apple silicon, Linux or Windows, or name a Python that has "
    "PyTorch 2.5.1 or newer from another source (conda-forge)."
)
_32_BIT = "The engine cannot be installed on this computer: PyTorch needs a 64-bit system."


@dataclass(frozen=True)
class Computer:
    """What decides which packages fit.

    system: as platform.system(), "Linux", "Windows" or "Darwin". machine: the processor this process runs on or is
    translated for. apple_silicon: true also for a translated (Rosetta) process. nvidia: there is an NVIDIA driver.
    """

    system: str
    machine: str
    apple_silicon: bool = False
    nvidia: bool = False

    @property
    def translated(self) -> bool:
        """An Intel program on Apple silicon, as Slicer's official packages are."""
        return self.apple_silicon and self.machine != "arm64"


@dataclass(frozen=True)
class Sizes:
    """What an installation takes, in bytes, to the leading digit. gpu: with the libraries for a graphics card."""

    download_bytes: int
    disk_bytes: int
    gpu: bool

    @property
    def sentence(self) -> str:
        """For the person who decides."""
        kind = "with support for the graphics card" if self.gpu else "for the processor"
        return f"About {size(self.download_bytes)} to download, {size(self.disk_bytes)} on disk ({kind})."


_CPU = Sizes(250 * MEGABYTE, 1300 * MEGABYTE, gpu=False)
_GPU = Sizes(3000 * MEGABYTE, 6000 * MEGABYTE, gpu=True)


def this_computer() -> Computer:
    """The computer this runs on."""
    system, machine = platform.system(), platform.machine()
    # The kernel tells its own processor, also to a process that Rosetta translates.
    apple_silicon = system == "Darwin" and (machine == "arm64" or "ARM64" in platform.version())
    drivers = (Path("/proc/driver/nvidia/version"), Path("/sys/module/nvidia/version"))
    nvidia = any(path.exists() for path in drivers) or shutil.which("nvidia-smi") is not None
    return Computer(system, machine, apple_silicon, nvidia)


def check_computer(computer: Computer) -> None:
    """Raise EngineError where no PyTorch that is new enough exists."""
    if computer.system == "Darwin" and not computer.apple_silicon:
        raise EngineError(_NO_TORCH)
    if computer.machine.lower() in ("x86", "i386", "i686", "armv7l"):
        raise EngineError(_32_BIT, computer.machine)


def estimate(backend: str = "auto", method: Method = "uv", computer: Computer | None = None) -> Sizes:
    """What an installation will take; see environment_steps.plan_installation for the arguments."""
    computer = computer or this_computer()
    if computer.system == "Darwin" or backend == "cpu":
        return _CPU
    if backend == "auto" and method == "uv":
        return _GPU if computer.nvidia else _CPU
    if backend in ("auto", "pypi"):  # PyPI has the build for graphics cards on Linux, that for the processor on Windows
        return _GPU if computer.system == "Linux" else _CPU
    return _GPU


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder that need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 10**9:.1f} GB" if count >= 10**9 else f"{count / MEGABYTE:.0f} MB"
