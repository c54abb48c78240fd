"""The installation of the private environment as a list of commands; whoever runs them, runs them in this order.

The order matters: sam2 names torch as needed for its build and would, left to the installer, fetch a second one and try
to compile a CUDA extension that nothing here uses.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PromptOnceLib.environment.installation import SAM2, TORCH, Layout, layout, other_requirements
from PromptOnceLib.environment.platform import (
    MEGABYTE,
    Computer,
    Method,
    Sizes,
    check_computer,
    estimate,
    this_computer,
)
from PromptOnceLib.errors import InputError
from PromptOnceLib.processes.variables import clean_environment, in_slicer, with_package

PYTHON = "3.12"
"""The Python of an environment that is not made from a given one; also Slicer's."""

PYTHONS = (3, 10), (3, 13)
"""The oldest and the newest Python an environment is made from."""

_LOOK = (
    "import sys; v = sys.version_info[:2]; "
    f"sys.exit(0 if {PYTHONS[0]} <= v <= {PYTHONS[1]} else 'unsuitable Python %d.%d' % v)"
)
_BACKEND = re.compile(r"auto|pypi|cpu|cu\d{2,3}|rocm\d+(\.\d+)+|xpu")
_TORCH_INDEX = "https://download.pytorch.org/whl/"
_BUILD_TOOLS = ("setuptools", "wheel")
_UV_BYTES, _OTHER_BYTES = 40 * MEGABYTE, 200 * MEGABYTE

# uv does not read pip's settings; those of the environment it is given in its own words.
_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


@dataclass(frozen=True)
class Step:
    """One command of an installation.

    environment: all variables of the process. seconds: how long it may take, for the progress bar. disk_bytes: what it
    will roughly add on disk. optional: its failure does not matter.
    """

    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    seconds: float
    disk_bytes: int = 0
    optional: bool = False


@dataclass(frozen=True)
class Plan:
    """An installation to be run by environment_install.Installation. The last step is the test of the environment."""

    layout: Layout
    method: Method
    backend: str
    sizes: Sizes
    steps: tuple[Step, ...]


def plan_installation(
    folder: str | Path | None = None,
    *,
    method: Method = "uv",
    backend: str = "auto",
    base_python: str | Path | None = None,
    variables: Mapping[str, str] | None = None,
    computer: Computer | None = None,
) -> Plan:
    """Work out the commands that make, or complete, the private environment; nothing is run or written.

    folder: as for environment.layout. method: "uv", or "venv" for Python's own venv and pip. backend: which build of
    PyTorch, "auto" (what the graphics card needs), "cpu", "pypi" (what the package index has, for a network that only
    reaches that), or PyTorch's own name of a build such as "cu128". base_python: the Python to make the environment
    from; by default that of this process, in Slicer one that uv finds or fetches. variables: those of this process.

    Raises InputError for a wrong backend or a method that cannot work here, EngineError where PyTorch does not exist
    for this computer.
    """
    computer = computer or this_computer()
    check_computer(computer)
    if not _BACKEND.fullmatch(backend):
        raise InputError(f"{backend!r} is no build of PyTorch: choose auto, cpu, pypi, or a name such as cu128.")
    variables = dict(os.environ if variables is None else variables)
    base = _base(base_python, variables, computer)
    sizes = estimate(backend, method, computer)
    commands = _Commands(layout(folder), backend, base, variables, computer, sizes)
    steps = [] if base_python is None or base is None else [commands.look(base)]
    steps += commands.with_uv() if method == "uv" else commands.with_venv()
    return Plan(commands.layout, method, backend, sizes, (*steps, commands.test()))


def _base(named: str | Path | None, variables: Mapping[str, str], computer: Computer) -> str | None:
    """The Python to make an environment from; None leaves it to uv to find or fetch one."""
    if named is not None:
        path = Path(named).expanduser().absolute()
        if path.stem.startswith("PythonSlicer"):
            raise InputError("No environment can be made from Slicer's own Python: name another one, 3.10 to 3.13.")
        return str(path)
    if in_slicer(variables) or computer.translated:
        return None
    return sys.executable if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1] else None


def check_command(python: str | Path, folder: Path | None = None) -> tuple[str, ...]:
    """Command line of the test of an engine's Python; with a folder it also tells its size."""
    size = () if folder is None else ("--folder", str(folder))
    return (str(python), "-u", "-m", "PromptOnceLib.engine.check", *size)


class _Commands:
    """The single steps for one environment."""

    def __init__(
        self,
        place: Layout,
        backend: str,
        base: str | None,
        variables: Mapping[str, str],
        computer: Computer,
        sizes: Sizes,
    ) -> None:
        self.layout, self._backend, self._base, self._computer = place, backend, base, computer
        self._inherited, self._clean = variables, clean_environment(variables)
        self._torch_seconds = 240 if sizes.gpu else 60
        self._torch_bytes = sizes.disk_bytes - _UV_BYTES - _OTHER_BYTES
        temporary = str(place.tmp)
        self._common = {"TMPDIR": temporary, "TEMP": temporary, "TMP": temporary, "NO_COLOR": "1"}

    def with_uv(self) -> list[Step]:
        uv, install = str(self.layout.uv), self._uv_pip()
        base = self._base or (f"cpython-{PYTHON}-macos-aarch64" if self._computer.translated else PYTHON)
        venv = [uv, "venv", "--no-project", "--allow-existing", "--python", base, str(self.layout.venv)]
        backend = [] if self._backend == "pypi" else ["--torch-backend", self._backend]
        return [
            self._get_uv(),
            self._step("Making the environment", venv, 10),
            self._torch([*install, *backend]),
            self._others([*install, *_BUILD_TOOLS]),
            self._sam2(install),
            replace(self._step("Cleaning up", [uv, "cache", "clean", "--force"], 3), optional=True),
        ]

    def with_venv(self) -> list[Step]:
        if self._base is None:
            raise InputError("Without uv a Python to make the environment from is needed: name one, 3.10 to 3.13.")
        install = self._pip()
        index = [] if self._backend in ("auto", "pypi") else ["--index-url", _TORCH_INDEX + self._backend]
        return [
            self._step("Making the environment", [self._base, "-m", "venv", str(self.layout.venv)], 10),
            self._step("Getting the tools", [*install, "--upgrade", "pip", *_BUILD_TOOLS], 10),
            self._torch([*install, *index]),
            self._others(install),
            self._sam2(install),
        ]

    def look(self, python: str) -> Step:
        return self._step("Looking at the Python", [python, "-c", _LOOK], 1)

    def test(self) -> Step:
        command = check_command(self.layout.python, self.layout.folder)
        return Step("Testing", command, with_package(self._clean), 30)

    def _get_uv(self) -> Step:
        """With the pip of this process, into our folder: nothing of Slicer's own packages changes."""
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
        command = [*pip, "--progress-bar", "off", "--upgrade", "--target", str(self.layout.uv_folder), "uv"]
        if self._computer.translated:
            # An Intel uv would make an Intel environment, for which there is no PyTorch.
            command[-1:] = ["--platform", "macosx_11_0_arm64", "--only-binary", ":all:", "uv"]
        variables = {**self._inherited, **self._common, "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
        return Step("Getting the installer uv", tuple(command), variables, 10, _UV_BYTES)

    def _torch(self, install: list[str]) -> Step:
        return self._step("Getting PyTorch", [*install, TORCH], self._torch_seconds, self._torch_bytes)

    def _others(self, install: list[str]) -> Step:
        return self._step("Getting the other packages", [*install, *other_requirements()], 20, _OTHER_BYTES)

    def _sam2(self, install: list[str]) -> Step:
        step = self._step("Getting SAM 2", [*install, "--no-build-isolation", "--no-deps", SAM2], 15)
        return replace(step, environment={**step.environment, "SAM2_BUILD_CUDA": "0"})

    def _step(self, title: str, command: list[str], seconds: float, disk_bytes: int = 0) -> Step:
        variables = {**self._clean, **self._common, **self._uv_variables()}
        return Step(title, tuple(command), variables, seconds, disk_bytes)

    def _uv_variables(self) -> dict[str, str]:
        given = {uv: self._clean[pip] for pip, uv in _PIP_TO_UV.items() if pip in self._clean and uv not in self._clean}
        return {
            **given,
            "UV_CACHE_DIR": str(self.layout.cache),
            "UV_PYTHON_INSTALL_DIR": str(self.layout.pythons),
            "UV_PYTHON_INSTALL_BIN": "0",
            "UV_PYTHON_INSTALL_REGISTRY": "0",
            "UV_WORKING_DIR": str(self.layout.folder),
            "UV_NO_PROGRESS": "1",
            # Hospitals that look into encrypted connections install their certificate in the system's store.
            "UV_SYSTEM_CERTS": "1",
        }

    def _uv_pip(self) -> list[str]:
        return [str(self.layout.uv), "pip", "install", "--python", str(self.layout.python)]

    def _pip(self) -> list[str]:
        options = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar", "off"]
        return [str(self.layout.python), "-m", "pip", "install", *options]
