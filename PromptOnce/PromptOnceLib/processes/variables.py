"""Environment variables for a Python that is not Slicer's own.

Slicer starts with PYTHONHOME, PYTHONPATH, LD_LIBRARY_PATH, SSL_CERT_FILE and others pointing into itself; another
Python that inherits them loads Slicer's libraries or does not start at all. Slicer's launcher keeps what was there
before as APPLAUNCHER_<level>_<name> (ctkAppLauncherEnvironment), which is the same that slicer.util.startupEnvironment
returns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from PromptOnceLib.resources import resource

_SAVED = re.compile(r"APPLAUNCHER_(\d+)_(.+)", re.IGNORECASE)

# Set by a person inside Slicer, for example in .slicerrc.py, these are meant for what Slicer starts.
_KEPT = re.compile(r"(https?|all|no)_proxy$|UV_|CUDA_VISIBLE_DEVICES$", re.IGNORECASE)

_OF_A_PYTHON = {"PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV"}
_OF_SLICER = re.compile(
    r"SLICER_|DYLD_|(LD_LIBRARY_PATH|QT_PLUGIN_PATH|LIBRARYPATHS|ITK_AUTOLOAD_PATH|SSL_CERT_FILE|PIP_REQUIRE_VIRTUALENV)$",
    re.IGNORECASE,
)


def in_slicer(base: Mapping[str, str] | None = None) -> bool:
    """Whether these are the variables of a process that Slicer is, or started."""
    return "SLICER_HOME" in (os.environ if base is None else base)


def clean_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables another Python may inherit: those from before Slicer started, without those of a Python.

    base: the variables to start from, by default those of this process. Outside Slicer only PYTHONHOME, PYTHONPATH and
    the like go, because LD_LIBRARY_PATH is then the user's own.
    """
    current = dict(os.environ if base is None else base)
    before = _before_slicer(current)
    if before is not None:
        current = {**before, **{name: value for name, value in current.items() if _KEPT.match(name)}}
    elif in_slicer(current):
        current = _without_slicer(current)
    return {name: value for name, value in current.items() if name not in _OF_A_PYTHON}


def _before_slicer(current: Mapping[str, str]) -> dict[str, str] | None:
    """What the launcher saved before it changed anything (level 0), or None where there was no launcher."""
    saved = [match for match in map(_SAVED.fullmatch, current) if match]
    if not saved:
        return None
    return {match[2]: current[match[0]] for match in saved if match[1] == "0"}


def _without_slicer(current: Mapping[str, str]) -> dict[str, str]:
    home = Path(os.path.normpath(current["SLICER_HOME"]))
    kept = {name: value for name, value in current.items() if not _OF_SLICER.match(name)}
    if "PATH" in kept:
        entries = kept["PATH"].split(os.pathsep)
        kept["PATH"] = os.pathsep.join(e for e in entries if not Path(os.path.normpath(e)).is_relative_to(home))
    return kept


def package_folder() -> Path:
    """The folder that has this package in it and no other."""
    alone = resource("on_path")
    package = Path(__file__).resolve().parents[1]
    return alone if alone.is_relative_to(package) else package.parent


def with_package(base: Mapping[str, str]) -> dict[str, str]:
    """The same variables with this package, and no other, on the path of a Python that does not have it installed."""
    paths = [str(package_folder()), *base.get("PYTHONPATH", "").split(os.pathsep)]
    return {**base, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
