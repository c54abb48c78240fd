"""The installation of the private environment as a list of commands, to be run in this order.

The order matters: sam2 names torch as needed for its build and would, left to the installer, fetch a second one and try
to compile a CUDA extension that nothing here uses.

All packages are those of the lock files in Resources/Locks, each compared with its SHA-256, and what is built from
source is built with tools from there. Only PyTorch's own index, from which builds for graphics cards come, is taken at
its word (HTTPS).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.environment.installation import TORCH, Layout, layout
from PromptOnceLib.environment.package_sources import named_sources
from PromptOnceLib.environment.platform import Computer, Sizes, check_computer, estimate, this_computer
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.processes.variables import clean_environment, in_slicer, with_package
from PromptOnceLib.resources import resource

PYTHON = "3.12"
"""The Python of an environment that is not made from a given one; also Slicer's."""

PYTHONS = (3, 10), (3, 13)
"""The oldest and the newest Python an environment is made from."""

_LOOK = (
    "import sys; v = sys.version_info[:2]; "
    f"sys.exit(0 if {PYTHONS[0]} <= v <= {PYTHONS[1]} else 'unsuitable Python %d.%d' % v)"
)
_BACKEND = re.compile(r"auto|pypi|cpu|cu\d{2,3}|rocm\d+(\.\d+)+|xpu")
_WITHOUT_UV = "Where uv cannot be had, choose an existing Python that has PyTorch and SAM 2 instead."

# uv does not read pip's settings; those of the environment are passed on under uv's names.
_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


@dataclass(frozen=True)
class InstallStep:
    """One command of an installation.

    environment: all variables of the process. remedy: a sentence on what to do where it fails for good. optional: its
    failure does not matter.
    """

    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    remedy: str = ""
    optional: bool = False


@dataclass(frozen=True)
class InstallPlan:
    """An installation to be run by install.Installation. The last step is the test of the environment.

    sources: where packages come from beside the usual indexes, because settings of this computer say so.
    """

    layout: Layout
    backend: str
    sizes: Sizes
    steps: tuple[InstallStep, ...]
    sources: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What it takes and where packages come from, to be shown before anything is installed."""
        if not self.sources:
            return self.sizes.sentence
        return (
            f"{self.sizes.sentence} Settings of this computer name where packages come from: {', '.join(self.sources)}."
        )


def plan_installation(
    folder: str | Path | None = None,
    *,
    backend: str = "auto",
    base_python: str | Path | None = None,
    variables: Mapping[str, str] | None = None,
    computer: Computer | None = None,
) -> InstallPlan:
    """Work out the commands that make, or complete, the private environment; nothing is run or written.

    folder: as for installation.layout. backend: which build of PyTorch, "auto" (what the graphics card needs), "cpu",
    "pypi" (what the package index has, for a network that only reaches that), or PyTorch's own name of a build such as
    "cu128". base_python: the Python to make the environment from; by default that of this process, in Slicer one that
    uv finds or fetches. variables: those of this process.

    Raises InputError for a wrong backend or base, EngineError where PyTorch does not exist for this computer.
    """
    computer = computer or this_computer()
    check_computer(computer)
    if not _BACKEND.fullmatch(backend):
        raise InputError(f"{backend!r} is no build of PyTorch: choose auto, cpu, pypi, or a name such as cu128.")
    variables = dict(os.environ if variables is None else variables)
    place, base, clean = layout(folder), _base(base_python, variables, computer), clean_environment(variables)
    # The system's own folder for temporary files may be too small.
    temporary = {**dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place.tmp)), "NO_COLOR": "1"}
    environment = {**clean, **temporary, **_uv_variables(place, clean)}
    uv = str(place.uv)
    install = (uv, "pip", "install", "--python", str(place.python))
    # A build with its lock holds for what the package index has; PyTorch's own index has builds by the dozen.
    torch = _locked("torch") if backend == "pypi" else (TORCH, "--torch-backend", backend)
    look = [] if base_python is None else [InstallStep("Looking at the Python", (base, "-c", _LOOK), environment)]
    steps = (
        *look,
        InstallStep(
            "Getting the installer uv",
            _pip_command(place, computer),
            {**variables, **temporary, "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"},
            remedy=_WITHOUT_UV,
        ),
        InstallStep(
            "Making the environment",
            (uv, "venv", "--no-project", "--allow-existing", "--python", base, str(place.venv)),
            environment,
        ),
        InstallStep("Getting PyTorch", (*install, *torch), environment),
        InstallStep("Getting the build tools", (*install, *_locked("build")), environment),
        InstallStep("Getting the other packages", (*install, *_locked("packages")), environment),
        InstallStep("Getting SAM 2", (*install, *_locked("sam2")), {**environment, "SAM2_BUILD_CUDA": "0"}),
        InstallStep("Cleaning up", (uv, "cache", "clean", "--force"), environment, optional=True),
        InstallStep("Testing", check_command(place.python, place.folder), with_package(clean)),
    )
    return InstallPlan(place, backend, estimate(backend, computer), steps, named_sources(variables, clean))


def _locked(name: str) -> tuple[str, ...]:
    """Arguments that install exactly the packages of a lock file, which names all that they need."""
    return ("--require-hashes", "--no-deps", "--no-build-isolation", "-r", _lock(name))


def _lock(name: str) -> str:
    return str(resource("Locks", f"{name}.txt"))


def check_command(python: str | Path, folder: Path | None = None) -> tuple[str, ...]:
    """Command line of the test of an engine's Python; with a folder it also reports its size."""
    size = () if folder is None else ("--folder", str(folder))
    return (str(python), "-u", "-m", "PromptOnceLib.engine.check", *size)


def _base(named: str | Path | None, variables: Mapping[str, str], computer: Computer) -> str:
    """The Python to make an environment from: a program, or a version that uv finds or fetches."""
    if named is not None:
        path = expanded(named).absolute()
        if path.stem.startswith("PythonSlicer"):
            raise InputError("No environment can be made from Slicer's own Python: name another one, 3.10 to 3.13.")
        return str(path)
    if computer.translated:
        return f"cpython-{PYTHON}-macos-aarch64"
    suitable = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    return sys.executable if suitable and not in_slicer(variables) else PYTHON


def _pip_command(place: Layout, computer: Computer) -> tuple[str, ...]:
    """How uv is fetched: with the pip of this process, into our folder; nothing of Slicer's own packages changes."""
    # An Intel uv would make an Intel environment, for which there is no PyTorch.
    arm = ("--platform", "macosx_11_0_arm64", "--only-binary", ":all:") if computer.translated else ()
    pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
    return (
        *pip,
        "--progress-bar",
        "off",
        "--upgrade",
        "--target",
        str(place.uv_folder),
        *arm,
        "--require-hashes",
        "-r",
        _lock("uv"),
    )


def _uv_variables(place: Layout, clean: Mapping[str, str]) -> dict[str, str]:
    given = {uv: clean[pip] for pip, uv in _PIP_TO_UV.items() if pip in clean and uv not in clean}
    return {
        **given,
        "UV_CACHE_DIR": str(place.cache),
        "UV_PYTHON_INSTALL_DIR": str(place.pythons),
        "UV_PYTHON_INSTALL_BIN": "0",
        "UV_PYTHON_INSTALL_REGISTRY": "0",
        "UV_WORKING_DIR": str(place.folder),
        "UV_NO_PROGRESS": "1",
        # Hospitals that look into encrypted connections install their certificate in the system's store.
        "UV_SYSTEM_CERTS": "1",
    }
