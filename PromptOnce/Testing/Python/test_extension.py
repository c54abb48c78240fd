"""What Slicer's Extensions Index checks by machine, without its network: names, addresses, pictures, files that ship.

https://github.com/Slicer/ExtensionsIndex/blob/main/scripts/check_description_files.py
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE = REPOSITORY / "PromptOnce"
EXTENSION_CMAKE = REPOSITORY / "CMakeLists.txt"
ENTRY = REPOSITORY / "docs" / "extension-index" / "PromptOnce.json"
SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
)
# Keys the schema knows and the type of each one's value.
KEYS = {
    "$schema": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "category": str,
    "dicom_support_rule": str,
    "enabled": bool,
    "scm_revision": str,
    "scm_type": str,
    "scm_url": str,
    "tier": int,
}
SLICER = {"slicer", "qt", "ctk", "vtk", "SimpleITK", "numpy", "scipy"}
LARGEST_REPOSITORY = 100 * 2**20  # bytes, with its history


@pytest.fixture(scope="module")
def cmake() -> str:
    return EXTENSION_CMAKE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(ENTRY.read_text(encoding="utf-8"))
    return values


def setting(cmake: str, name: str) -> str:
    """Value of a set(NAME "...") line, found by the Index's own expression."""
    found = re.findall(rf'set\s*\({name}\s*"([^"]+)"\)', cmake)
    assert len(found) == 1, f'CMakeLists.txt must say set({name} "...") once, in exactly this form'
    return str(found[0])


def listed(variable: str) -> list[str]:
    """Files that PromptOnce/CMakeLists.txt names in a variable."""
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    body = re.search(rf"set\({variable}\s([^)]*)\)", text)
    assert body, f"PromptOnce/CMakeLists.txt sets no {variable}"
    return body[1].replace("${MODULE_NAME}", "PromptOnce").split()


def in_repository(address: str, repository: str) -> Path:
    """The file that a raw GitHub address on the branch main shows."""
    start = repository.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    assert address.startswith(start), f"{address} is not in {repository}"
    return REPOSITORY / address.removeprefix(start)


@pytest.mark.parametrize(
    ("variable", "folder", "pattern"),
    [("MODULE_PYTHON_SCRIPTS", "PromptOnceLib", "*.py"), ("MODULE_PYTHON_RESOURCES", "Resources", "*")],
)
def test_cmake_names_every_file_that_ships_and_no_other(variable: str, folder: str, pattern: str) -> None:
    there = {path.relative_to(MODULE).as_posix() for path in (MODULE / folder).rglob(pattern) if path.is_file()}
    if variable == "MODULE_PYTHON_SCRIPTS":
        there.add("PromptOnce.py")
    names = listed(variable)
    assert len(names) == len(set(names)), f"{variable} names a file twice"
    missing, surplus = sorted(there - set(names)), sorted(set(names) - there)
    lines = "".join(f"\n  {name}" for name in missing)
    assert not missing, f"add to {variable} in PromptOnce/CMakeLists.txt:{lines}"
    lines = "".join(f"\n  {name}" for name in surplus)
    assert not surplus, f"remove from {variable} in PromptOnce/CMakeLists.txt:{lines}"


def test_only_the_module_lies_beside_its_package() -> None:
    """Slicer takes every Python file in a module's folder for a module."""
    assert [path.name for path in MODULE.glob("*.py")] == ["PromptOnce.py"]


def test_the_project_has_the_name_of_the_entry(cmake: str) -> None:
    assert re.findall(r"project\s*\(\s*([^\s\)\n\r]+)", cmake) == [ENTRY.stem]
    assert not ENTRY.stem.lower().startswith("slicer")


def test_the_entry_follows_the_schema(entry: dict[str, Any]) -> None:
    assert entry["$schema"] == SCHEMA
    assert {"$schema", "category", "scm_url"} <= entry.keys() <= KEYS.keys()
    assert [key for key, value in entry.items() if not isinstance(value, KEYS[key])] == []
    assert all(isinstance(name, str) for name in entry["build_dependencies"])
    assert 1 <= entry["tier"] <= 5


def test_the_entry_says_what_cmake_says(entry: dict[str, Any], cmake: str) -> None:
    depends = setting(cmake, "EXTENSION_DEPENDS")
    assert entry["build_dependencies"] == ([] if depends == "NA" else depends.split())
    assert entry["scm_url"] == setting(cmake, "EXTENSION_HOMEPAGE")
    assert entry["category"] == setting(cmake, "EXTENSION_CATEGORY") == "Segmentation"


def test_the_repository_can_be_cloned_and_is_called_after_slicer(entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"https://github\.com/[\w-]+/SlicerPromptOnce", entry["scm_url"])


def test_the_description_is_short_and_speaks_of_patents_and_clinical_use(cmake: str) -> None:
    description = setting(cmake, "EXTENSION_DESCRIPTION")
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", description)) <= 2
    assert "no known patents" in description
    assert "not for clinical use" in description


def test_the_icon_is_a_png_of_128_pixels_and_the_modules_own(entry: dict[str, Any], cmake: str) -> None:
    path = in_repository(setting(cmake, "EXTENSION_ICONURL"), entry["scm_url"])
    with Image.open(path) as icon:
        assert (icon.format, icon.size) == ("PNG", (128, 128))
    assert path.read_bytes() == (MODULE / "Resources" / "Icons" / "PromptOnce.png").read_bytes()


def test_the_screenshots_are_pictures_in_the_repository(entry: dict[str, Any], cmake: str) -> None:
    addresses = setting(cmake, "EXTENSION_SCREENSHOTURLS").split()
    paths = [in_repository(address, entry["scm_url"]) for address in addresses]
    assert paths
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "PNG", path


def test_lines_end_with_a_line_feed_alone() -> None:
    for path in [ENTRY, EXTENSION_CMAKE, *MODULE.rglob("CMakeLists.txt")]:
        assert b"\r" not in path.read_bytes(), path


def test_the_licence_lies_at_the_top_and_the_readme_names_it() -> None:
    assert "Apache License" in (REPOSITORY / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Apache License 2.0" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_repository_is_smaller_than_the_index_allows() -> None:
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0")
    files = [path for name in names if name and (path := REPOSITORY / name).is_file()]
    # As a clone has it: how large .git is, and how often it holds an object, depends on how the copy was made.
    history = git("pack-objects", "--revs", "--stdout", "-q", given=b"HEAD\n")
    assert len(history) + sum(path.stat().st_size for path in files) < LARGEST_REPOSITORY


def git(*arguments: str, given: bytes = b"") -> bytes:
    """What a command of git prints about this repository; without one the test is skipped."""
    command = ["git", "-C", str(REPOSITORY), *arguments]
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout")


def test_every_link_in_the_documents_leads_somewhere() -> None:
    documents = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            assert (document.parent / target).exists(), f"{document.relative_to(REPOSITORY)} links to {target}"


def contrast(first: str, second: str) -> float:
    """Contrast of two colours "#rrggbb" from 1 to 21 (WCAG 2.1, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    lights = []
    for color in (first, second):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("path", sorted((MODULE / "Resources" / "Icons").glob("*.svg")), ids=lambda path: path.stem)
def test_an_icon_is_seen_on_light_and_on_dark(path: Path) -> None:
    colors = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', path.read_text(encoding="utf-8")))
    on_background = colors - {"#ffffff"}  # white is drawn on the other colours alone
    assert on_background
    for color in on_background:
        assert contrast(color, "#f0f0f0") >= 3
        assert contrast(color, "#323232") >= 3


def at_file_scope(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a file is imported; what only type checkers see is left out."""
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from at_file_scope(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from at_file_scope(handler.body)


def imported(tree: ast.Module) -> set[str]:
    """Dotted names of what a file imports when it is imported itself."""
    names: set[str] = set()
    for statement in at_file_scope(tree.body):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names |= {str(statement.module)} | {f"{statement.module}.{alias.name}" for alias in statement.names}
    return names


def imported_in_the_end(tree: ast.Module) -> set[str]:
    """As imported(), and what the files of PromptOnceLib among it import, and so on."""
    found: set[str] = set()
    waiting = imported(tree)
    while waiting:
        name = waiting.pop()
        found.add(name)
        parts = name.split(".")
        if parts[0] != "PromptOnceLib":
            continue
        for count in range(1, len(parts) + 1):
            stem = MODULE.joinpath(*parts[:count])
            for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                if path.is_file():
                    waiting |= imported(ast.parse(path.read_text(encoding="utf-8"))) - found
    return found


def executed(tree: ast.Module) -> list[str]:
    """Statements at file scope that do more than import, define, and name values."""
    harmless = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Try | ast.Pass
    doing = []
    for statement in at_file_scope(tree.body):
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        naming = isinstance(statement, ast.Assign | ast.AnnAssign) and not any(
            isinstance(node, ast.Call) for node in ast.walk(statement.value or ast.Constant(None))
        )
        if not (isinstance(statement, harmless) or docstring or naming):
            doing.append(ast.unparse(statement))
    return doing


@pytest.fixture(scope="module")
def module_file() -> ast.Module:
    return ast.parse((MODULE / "PromptOnce.py").read_text(encoding="utf-8"))


def test_importing_the_module_needs_only_what_slicer_brings(module_file: ast.Module) -> None:
    roots = {name.split(".")[0] for name in imported_in_the_end(module_file)}
    assert roots - SLICER - set(sys.stdlib_module_names) <= {"PromptOnceLib"}


def test_importing_the_module_executes_nothing(module_file: ast.Module) -> None:
    assert executed(module_file) == []


CALLS = ["f()", "if True:\n    f()", "class A:\n    f()", "x = f()", "try:\n    f()\nexcept OSError:\n    pass"]


@pytest.mark.parametrize("line", CALLS)
def test_a_call_at_file_scope_is_found(line: str) -> None:
    assert executed(ast.parse(line))
    assert not executed(ast.parse(f"def g():\n    {line.replace(chr(10), chr(10) + '    ')}"))


def test_an_import_that_slicer_lacks_is_found_behind_other_files() -> None:
    assert "pydantic" in imported_in_the_end(ast.parse("from PromptOnceLib.prompts.prompt import Prompt"))
    assert "pydantic" not in imported_in_the_end(ast.parse("def f():\n    from PromptOnceLib.prompts import prompt"))
