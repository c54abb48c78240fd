"""Which Python the worker runs with, and the variables it gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PromptOnceLib.environment.installation import EnvironmentState, requirements, status
from PromptOnceLib.errors import EngineError, EngineMissingError, InputError
from PromptOnceLib.files.names import expanded, is_file, is_folder
from PromptOnceLib.processes.variables import clean_environment
from PromptOnceLib.requirements import missing

PYTHON_VARIABLE = "PROMPTONCE_PYTHON"
"""Names the Python of the worker, for everything outside of Slicer's panel."""


_PYTHONS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
"""Where environments have it; the last is conda's place on Windows."""


class Kind(str, Enum):
    """PRIVATE: the environment PromptOnce makes. EXISTING: a Python the user names. OWN: that of this process."""

    PRIVATE = "private"
    EXISTING = "existing"
    OWN = "own"


@dataclass(frozen=True)
class Interpreter:
    """An interpreter and all variables of its process; processes.transport.worker_environment adds this package's path.

    notice: for the user, where it is another one than that of this process and nobody named it.
    """

    python: Path
    environment: Mapping[str, str]
    notice: str = ""


def found_interpreter(python: str | Path | None = None, variables: Mapping[str, str] | None = None) -> Interpreter:
    """The Python of the worker for the command line, batches and scripts, found without starting it.

    python: what the user names, else what PROMPTONCE_PYTHON does. Where neither does it is the Python of this process
    or, where that has no PyTorch or no SAM 2, the private environment. Raises EngineMissingError where there is
    neither, InputError for a name that is no program.
    """
    variables = os.environ if variables is None else variables
    named = python or variables.get(PYTHON_VARIABLE)
    if named:
        return interpreter(Kind.EXISTING, python=named, variables=variables)
    lacking = missing(requirements())
    if not lacking:
        return _this_python(variables)
    names = _in_words(lacking)
    private = status()
    if not private.ready:
        told = (
            "is not installed" if private.state is EnvironmentState.ABSENT else f"cannot be used ({private.sentence})"
        )
        raise EngineMissingError(
            f"This Python has no {names}, and the engine {told}. Install the engine, or name a Python that has PyTorch "
            "and SAM 2.",
            f"{sys.executable} lacks {', '.join(lacking)}",
        )
    notice = f"This Python has no {names}: working with the engine in {private.layout.folder}."
    return Interpreter(private.layout.python, clean_environment(variables), notice)


def _in_words(lacking: list[str]) -> str:
    """What is missing: the two that everybody knows by their names, else everything as pip takes it."""
    known = {"torch": "PyTorch", "sam2": "SAM 2"}
    found = [words for package, words in known.items() if any(item.startswith(package) for item in lacking)]
    return " and no ".join(found) or ", ".join(lacking)


def interpreter(
    kind: Kind,
    *,
    folder: str | Path | None = None,
    python: str | Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Interpreter:
    """The Python of the user's choice, found without starting it.

    folder: of the private environment. python: the existing one. variables: those of this process. Raises EngineError
    where the private environment is not ready or this process's Python lacks packages, InputError where there is no
    such file.
    """
    if kind is Kind.PRIVATE:
        found = status(folder)
        if not found.ready:
            raise EngineError(found.sentence)
        return Interpreter(found.layout.python, clean_environment(variables))
    if kind is Kind.EXISTING:
        return _existing(python, variables)
    lacking = missing(requirements())
    if lacking:
        raise EngineError(
            f"This Python has no {', '.join(lacking)}: install the engine, or name a Python that has it.",
            sys.executable,
        )
    return _this_python(variables)


def _this_python(variables: Mapping[str, str] | None) -> Interpreter:
    return Interpreter(Path(sys.executable), dict(os.environ if variables is None else variables))


def _existing(python: str | Path | None, variables: Mapping[str, str] | None) -> Interpreter:
    if python is None or not str(python).strip():
        raise InputError("No Python is named: choose its program, for example the bin/python of an environment.")
    # Not resolved: the python of a virtual environment is a link, and works only by its own name.
    path = expanded(python).absolute()
    if is_folder(path):
        path = next((p for p in map(path.joinpath, _PYTHONS) if is_file(p)), path)
    if not is_file(path) or not os.access(path, os.X_OK):
        raise InputError(f"{path} is no program: choose the python of an environment that has PyTorch and SAM 2.")
    if path == Path(sys.executable):
        return _this_python(variables)
    return Interpreter(path, clean_environment(variables))
