"""Who may import whom (ARCHITECTURE.md), read from the import statements."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "PromptOnceLib"
ENGINE_SIDE = {"worker/handlers.py"}  # imported by the server once its reader watches standard input
SLICER = {"slicer", "qt", "ctk", "vtk", "PromptOnceLib.mrml", "PromptOnceLib.gui"}
ENGINE = {"torch", "sam2", "hydra", "omegaconf", "PromptOnceLib.engine"}
SERVER = {"PromptOnceLib.worker.server", "PromptOnceLib.worker.handlers"}
FORBIDDEN = {
    "core": SLICER | ENGINE | {"scipy", "PromptOnceLib.worker", "PromptOnceLib.batch", "PromptOnceLib.cli"},
    "engine": SLICER | {"scipy", "PromptOnceLib.worker", "PromptOnceLib.batch", "PromptOnceLib.cli"},
    "worker": SLICER | ENGINE | {"PromptOnceLib.batch", "PromptOnceLib.cli"},
    # Slicer's own Python runs a batch: it has no click and no tqdm.
    "batch": SLICER | ENGINE | SERVER | {"scipy", "click", "tqdm", "PromptOnceLib.cli"},
    "cli": SLICER | ENGINE | SERVER,
    "mrml": {"qt", "ctk", "PythonQt", "PromptOnceLib.gui", "PromptOnceLib.cli"} | ENGINE | SERVER,
    "gui": {"PromptOnceLib.cli"} | ENGINE | SERVER,
}


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    files = sorted((PACKAGE / layer).rglob("*.py"))
    assert files
    for path in files:
        if path.relative_to(PACKAGE).as_posix() in ENGINE_SIDE:
            continue
        wrong = {n for n in imports_of(path) for f in FORBIDDEN[layer] if n == f or n.startswith(f + ".")}
        assert not wrong, f"{path.relative_to(PACKAGE)} imports {sorted(wrong)}"


def test_only_the_workers_entry_imports_its_server() -> None:
    allowed = {"worker/__main__.py", "worker/server.py"}
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name == s or name.startswith(s + ".") for name in imports_of(path) for s in SERVER)
    }
    assert importers == allowed


def test_the_client_and_the_command_line_run_without_torch() -> None:
    code = "import sys, PromptOnceLib.cli, PromptOnceLib.worker.segmenter; sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
