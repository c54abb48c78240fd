"""What this computer is, and how large that makes the environment of the worker."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.errors import EngineError
from PromptOnceLib.files.names import is_there

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
        """As text, to be shown before anything is installed."""
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


def estimate(backend: str, computer: Computer) -> Sizes:
    """What an installation will take; see install_plan.plan_installation for the arguments."""
    gpu = {
        "cpu": False,
        "auto": computer.nvidia,
        "pypi": computer.system == "Linux",  # on Windows PyPI has the build for the processor
    }.get(backend, True)
    return _GPU if gpu and computer.system != "Darwin" else _CPU


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder that need not exist yet; 0 where there is no such disk."""
    while not is_there(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def size(count: int) -> str:
    """Bytes as text, such as "39 MB" and "5.9 GB"."""
    return f"{count / 10**9:.1f} GB" if count >= 10**9 else f"{count / MEGABYTE:.0f} MB"
