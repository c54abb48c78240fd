"""How the house is kept: size and names of modules, where tests stand, and that documents name what is there."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[3]
EXTENSION = ROOT / "PromptOnce"
LIBRARY = EXTENSION / "PromptOnceLib"
TESTS = EXTENSION / "Testing" / "Python"
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))

MOST_MODULES = 16
MOST_LINES, FEWEST_LINES = 300, 25
SHORT_LINES = 40  # below, a module stands by itself only where two others or more need it
SHORT = {
    "schema.py": "the base of all records",
    "resources.py": "asked by every package",
    "files/folders.py": "where a user's data lies, asked by three packages",
    "processes/lines.py": "one class for all processes whose output is read by lines",
    "batch/file_names.py": "names that planning, running and run_folder share",
    "cli/commands/seeds/average.py": "a command has a file of its own",
    "cli/commands/completion.py": "a command has a file of its own",
    "engine/holes.py": "one computation, with tests of its own",
    "engine/warm_up.py": "needs the whole engine, which needs compilation.py",
    "seeds/migrations.py": "grows by a function with every version of the format",
    "gui/qt/translation.py": "Slicer's tools look for its function by name",
}
# Front ends have partners of the subjects' modules, under the same name: seeds/apply.py and gui/seeds/apply.py.
FRONT_ENDS = ("cli", "mrml/logic", "mrml", "gui", "api")
RETURNING_NAMES = {
    "panel": "one a part of the module, and what they have in common",
    "form": "the part of a panel that begins something",
    "scripts": "what a package offers to scripts",
    "client": "the caller's side of a process: the worker's, a batch's",
}
RETURNING_CLASSES = {"Session": "of scripts, which users meet as po.Session, and of the worker's client"}
# Folders of tests that are no package's: what they are for.
OTHER_TESTS = {
    "bench": "the stand-in for Slicer, and its own tests",
    "compatibility": "files of older versions",
    "doors": "the same answer from every front end",
    "fuzz": "damaged inputs by the thousand",
    "benchmarking": "benchmarks/",
    "documents": "docs/, the README and the notebooks",
    "model_training": "training/",
}
FILE_ENDINGS = (".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml")
# Helpers that wait for something to happen and give up after a while: their clocks say nothing about speed.
WAITING = {"wait_until", "wait_for_end", "pump_until"}
ASKS_THE_TIME = re.compile(r"\btime\.")
CLOCKS = {"monotonic", "perf_counter", "process_time", "time"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """A path below the library, as the documents write it."""
    return path.relative_to(LIBRARY).as_posix()


def none(found: list[str]) -> None:
    """Fail with a line for everything that was found."""
    assert not found, "\n" + "\n".join(found)


@cache
def importers() -> dict[str, set[Path]]:
    """By dotted module name the files of the extension that import it."""
    found: dict[str, set[Path]] = defaultdict(set)
    for path in [*LIBRARY.rglob("*.py"), EXTENSION / "PromptOnce.py"]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                found[node.module].add(path)
                for alias in node.names:
                    found[f"{node.module}.{alias.name}"].add(path)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.name].add(path)
    return found


def test_a_package_has_at_most_16_modules():
    counts: dict[Path, int] = defaultdict(int)
    for path in MODULES:
        counts[path.parent] += 1
    none([f"{name_of(folder)}: {count} modules" for folder, count in counts.items() if count > MOST_MODULES])


def test_a_module_is_neither_long_nor_a_fragment():
    wrong = []
    for path in MODULES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        dotted = ".".join(path.relative_to(EXTENSION).with_suffix("").parts)
        least = FEWEST_LINES if len(importers()[dotted]) >= 2 else SHORT_LINES
        if lines > MOST_LINES or (lines < least and name_of(path) not in SHORT):
            wrong.append(f"{name_of(path)}: {lines} lines, imported by {len(importers()[dotted])}")
    none(wrong)


def test_the_exceptions_for_short_modules_are_needed():
    none([name for name in SHORT if len((LIBRARY / name).read_text(encoding="utf-8").splitlines()) >= SHORT_LINES])


def test_a_public_class_name_stands_once():
    places: dict[str, list[str]] = defaultdict(list)
    for path in LIBRARY.rglob("*.py"):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name_of(path))
    none(
        [
            f"{name}: {', '.join(found)}"
            for name, found in places.items()
            if len(found) > 1 + (name in RETURNING_CLASSES)
        ]
    )


def test_a_file_name_returns_only_for_the_partner_in_a_front_end():
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in MODULES:
        side = next((front for front in FRONT_ENDS if name_of(path).startswith(f"{front}/")), "subjects")
        places[path.stem, side].append(name_of(path))
    none([", ".join(found) for (stem, _), found in places.items() if len(found) > 1 and stem not in RETURNING_NAMES])


def test_a_case_is_made_by_cases_alone():
    made = [
        f"{name_of(path)}:{node.lineno}"
        for path in LIBRARY.rglob("*.py")
        if path.parent.name != "cases" and "Case(" in path.read_text(encoding="utf-8")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Case"
    ]
    none(made)


def test_tests_stand_where_their_package_does():
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    packages = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    none([f"{name}: no package has this name" for name in sorted(folders - packages - set(OTHER_TESTS))])
    none([f"{name}: a package without tests" for name in sorted(packages - folders)])


def is_slow(node: ast.AST) -> bool:
    """Whether a test, a class of tests or a module is marked slow."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    if isinstance(node, ast.Module):
        marks = [item.value for item in node.body if isinstance(item, ast.Assign) and "pytestmark" in ast.dump(item)]
    return any("mark.slow" in ast.unparse(mark) for mark in marks)


def quick_nodes(node: ast.AST) -> list[ast.AST]:
    """All nodes of a file but those of tests marked slow."""
    found, left = [], [node]
    while left:
        node = left.pop()
        if not is_slow(node):
            found.append(node)
            left.extend(ast.iter_child_nodes(node))
    return found


def calls_of_time(node: ast.AST) -> set[str]:
    """Functions of the module `time` that a node asks for, such as "sleep"."""
    return {
        inner.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "time"
    }


def asserts_about_time(function: ast.FunctionDef) -> list[int]:
    """Lines of the asserts that ask a clock, or use a variable that was made from one."""

    def about_time(node: ast.AST) -> bool:
        used = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        return bool(used & names or calls_of_time(node) & CLOCKS)

    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and about_time(node.value):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return [node.lineno for node in ast.walk(function) if isinstance(node, ast.Assert) and about_time(node.test)]


def test_quick_tests_neither_sleep_nor_assert_how_long_something_took():
    wrong = []
    for path in TEST_FILES:
        if not ASKS_THE_TIME.search(path.read_text(encoding="utf-8")):
            continue
        nodes = quick_nodes(tree_of(path))
        waiting = {id(inner) for n in nodes if getattr(n, "name", "") in WAITING for inner in ast.walk(n)}
        nodes = [node for node in nodes if id(node) not in waiting]
        lines = [n.lineno for n in nodes if isinstance(n, ast.Call) and "sleep" in calls_of_time(n.func)]
        lines += [line for node in nodes if isinstance(node, ast.FunctionDef) for line in asserts_about_time(node)]
        wrong += [f"{path.relative_to(TESTS).as_posix()}:{line}" for line in sorted(lines)]
    none(wrong)


@cache
def settings() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def architecture_tree() -> str:
    """The library's packages, lowest first, as ARCHITECTURE.md shows them: every line is a docstring's first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "order")
    names = [name.strip() for layer in reversed(layers) for name in re.split(r"[|:]", layer)]
    lines = ["PromptOnce/PromptOnceLib/"]
    for name in names:
        package = LIBRARY / name
        files = [*sorted(package.rglob("__init__.py"))] if package.is_dir() else [package.with_suffix(".py")]
        for path in files:
            place = path.parent if path.name == "__init__.py" else path
            label = "  " * len(place.relative_to(LIBRARY).parts) + place.name + ("/" if place.is_dir() else "")
            docstring = ast.get_docstring(tree_of(path))
            assert docstring, f"{name_of(path)} has no docstring"
            lines.append(f"{label:20}{docstring.splitlines()[0]}")
    return "\n".join(lines)


def test_the_tree_in_the_architecture_is_made_of_the_docstrings():
    tree = architecture_tree()
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert f"```\n{tree}\n```" in text, f"ARCHITECTURE.md should show:\n{tree}"


def test_every_dependency_has_its_reason_in_the_architecture():
    project = settings()["project"]
    wanted = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    rows = re.findall(r"^\| ([\w, -]+) \|", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name.strip().lower() for row in rows for name in row.split(",")}
    none(sorted({re.split(r"[<>=; \[]", one)[0].lower() for one in wanted} - named))


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/decisions/README.md"])
def test_every_path_that_a_document_names_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    named = {word for word in re.findall(r"`([\w./*-]+)`", prose) if "/" in word or word.endswith(FILE_ENDINGS)}
    linked = set(re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", prose))
    bases = (ROOT, EXTENSION, LIBRARY, TESTS, (ROOT / document).parent)
    missing = sorted(word for word in named | linked if not any(any(base.glob(word)) for base in bases))
    assert named | linked
    none(missing)


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    none([name for name in files if f"]({name})" not in index])
    assert [int(name[:2]) for name in files] == list(range(1, len(files) + 1))
    for name in files:
        headings = re.findall(r"^#+ (.*)$", (folder / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert headings[1:] == ["Context", "Decision", "Consequences"], name
