"""Which packages are missing, and that the lists of them hold what the code imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from PromptOnceLib import requirements
from PromptOnceLib.environment.installation import other_requirements
from PromptOnceLib.requirements import missing, missing_requirements
from PromptOnceLib.resources import resource

PACKAGE = Path(requirements.__file__).parent
DISTRIBUTIONS = {"PIL": "pillow", "hydra": "hydra-core", "markupsafe": "jinja2"}  # markupsafe comes with jinja2
SLICER_BRINGS = {"numpy", "SimpleITK", "pillow", "requests", "slicer", "vtk", "qt", "ctk", "SampleData", "urllib3"}
INSTALLED_APART = {"torch", "sam2", "omegaconf", "filelock"}  # omegaconf comes with hydra-core, filelock with torch


def test_what_is_there_and_new_enough_is_not_missing() -> None:
    assert missing(["numpy", "numpy>=1.0", f"numpy=={metadata.version('numpy')}"]) == []
    assert missing_requirements() == []


@pytest.mark.parametrize(
    ("found", "requirement", "fulfilled"),
    [
        ("2.10.1", "numpy>=2.9", True),
        ("2.9", "numpy>=2.10", False),
        ("2.13.0+cpu", "numpy>=2.13", True),
        ("2.5", "numpy>=2.5.0", True),
        ("2.5.1", "numpy==2.5", False),
        ("2.5.0", "numpy==2.5", True),
    ],
)
def test_versions_are_compared_as_numbers(
    monkeypatch: pytest.MonkeyPatch, found: str, requirement: str, fulfilled: bool
) -> None:
    monkeypatch.setattr(requirements, "_version", lambda name: found)
    assert missing([requirement]) == ([] if fulfilled else [requirement])


@pytest.mark.parametrize(("folder", "file"), [("old.egg-info", "PKG-INFO"), ("old-1.5.dist-info", "METADATA")])
def test_the_version_is_what_the_package_says_of_itself_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, file: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / folder).mkdir()
    for version, lacking in (("1.4", ["old>=1.5"]), ("1.5", [])):
        said = f"Metadata-Version: 2.1\nName: old\nVersion: {version}\n\nVersion: 9\n"
        (tmp_path / folder / file).write_text(said)
        assert missing(["old>=1.5"]) == lacking


def test_what_is_not_there_is_missing_as_pip_takes_it() -> None:
    assert missing(["no-such-package>=4", "numpy"]) == ["no-such-package>=4"]


def test_it_can_be_asked_before_anything_is_installed() -> None:
    code = "from PromptOnceLib.requirements import missing_requirements as m; print(m())"
    command = [sys.executable, "-S", "-c", code]  # -S: without any installed package
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ast.literal_eval(ended.stdout) == listed("requirements.txt")


def test_the_worker_gets_all_it_imports() -> None:
    imported = imports_from(["worker/__main__.py", "worker/handlers.py"])
    assert imported - INSTALLED_APART <= names(other_requirements())


ASKED_FOR = {"distributed", "highdicom"}
"""Only who wants a cluster, or DICOM segmentations, needs them, and is told so."""


def test_slicer_gets_all_that_its_side_imports() -> None:
    files = [
        path.relative_to(PACKAGE).as_posix() for layer in ("mrml", "gui") for path in (PACKAGE / layer).rglob("*.py")
    ]
    imported = imports_from(["worker/segmenter.py", "environment/engine_python.py", "cases/outputs.py", *files])
    assert imported - SLICER_BRINGS - ASKED_FOR <= names(listed("requirements.txt"))


def listed(file: str) -> list[str]:
    lines = resource(file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def names(requirements: list[str]) -> set[str]:
    return {requirement.partition(">=")[0] for requirement in requirements}


def imports_from(files: list[str]) -> set[str]:
    """Distributions beside the standard library that these files import, directly or through the package."""
    found: set[str] = set()
    seen: set[Path] = set()
    waiting = [PACKAGE / file for file in files]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported_names(path):
            top = name.partition(".")[0]
            if top == "PromptOnceLib":
                waiting += [file for file in candidates(name) if file.is_file()]
            elif top not in sys.stdlib_module_names:
                found.add(DISTRIBUTIONS.get(top, top))
    return found


def imported_names(path: Path) -> set[str]:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return imported


def candidates(name: str) -> list[Path]:
    base = PACKAGE.parent.joinpath(*name.split("."))
    return [base.with_suffix(".py"), base / "__init__.py"]
