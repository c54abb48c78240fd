"""What the bench needs of this computer, and a sentence that says what is missing."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchUnavailableError

PACKAGES = {"PySide6": "PySide6-Essentials", "slicer_core": "slicer-core"}

# Debian and Ubuntu's packages with the libraries that a computer without a screen may lack.
_SYSTEM_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXt.so.6": "libxt6",
}


def check() -> None:
    """Raise BenchUnavailableError unless everything is there. Imports PySide6 and VTK."""
    for module, package in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            raise BenchUnavailableError(f"The widget tests need the Python package {package}: pip install {package}")
    for step in (_import_qt, _load_qt_platform, _import_slicer, _load_egl):
        attempt(step)


def attempt(step: Callable[[], None]) -> None:
    """Run a step that loads libraries; its failure becomes a sentence that names the library."""
    try:
        step()
    except (ImportError, OSError) as error:
        raise BenchUnavailableError(explanation(str(error))) from error


def explanation(error: str) -> str:
    """The sentence for the error of a library that could not be loaded."""
    found = re.search(r"(lib[\w.+-]+?\.so[.\d]*): cannot open shared object file", error)
    if found is None:
        return f"The widget tests cannot run here: {error}"
    library = found.group(1)
    package = _SYSTEM_PACKAGES.get(library)
    hint = f" (Debian, Ubuntu: apt-get install {package})" if package else ""
    return f"The widget tests need the system library {library}, which this computer lacks{hint}."


def _import_qt() -> None:
    for name in ("QtCore", "QtGui", "QtWidgets", "QtUiTools", "QtTest"):
        importlib.import_module(f"PySide6.{name}")


def _load_qt_platform() -> None:
    """Qt ends the process when its platform plugin cannot be loaded, so it is tried here before."""
    package = Path(str(sys.modules["PySide6"].__file__)).parent
    for plugin in package.glob("Qt/plugins/platforms/libqoffscreen.so"):
        ctypes.CDLL(str(plugin))


def _import_slicer() -> None:
    importlib.import_module("vtk")
    importlib.import_module("slicer")


def _load_egl() -> None:
    """VTK loads EGL at its first picture and ends the process when it is not there."""
    if hasattr(sys.modules["vtk"], "vtkEGLRenderWindow"):
        ctypes.CDLL("libEGL.so.1")
