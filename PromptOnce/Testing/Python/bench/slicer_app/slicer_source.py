"""Slicer's own Python files, where SLICER_SOURCE_DIR names a source tree; the bench's small ones otherwise."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

VARIABLE = "SLICER_SOURCE_DIR"

# Modules of Slicer, in the order of their imports, and what stands for each in the bench.
_MODULES = {
    "i18n": "bench.slicer_app.i18n",
    "ScriptedLoadableModule": "bench.slicer_app.scripted_module",
    "parameterNodeWrapper": "bench.parameter_node",
}


def source_folder() -> Path | None:
    """Base/Python/slicer of the named source tree, or None where none is named.

    Raises:
        FileNotFoundError: what the variable names is no source tree of Slicer.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named) / "Base" / "Python" / "slicer"
    if not (folder / "ScriptedLoadableModule.py").is_file():
        raise FileNotFoundError(f"{VARIABLE} names {named}, which has no Base/Python/slicer/ScriptedLoadableModule.py")
    return folder


def install() -> None:
    """Make slicer.i18n, slicer.ScriptedLoadableModule and slicer.parameterNodeWrapper importable."""
    import slicer

    folder = source_folder()
    for name, own in _MODULES.items():
        module = importlib.import_module(own) if folder is None else _load(f"slicer.{name}", folder / name)
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)


def _load(name: str, path: Path) -> ModuleType:
    """A module or package from outside the import path."""
    package = path / "__init__.py"
    file = package if package.is_file() else path.with_suffix(".py")
    locations = [str(path)] if package.is_file() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=locations)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
