"""Errors have codes of their own, and speak of no front end."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import PromptOnceLib
from PromptOnceLib.errors import PromptOnceError

LIBRARY = Path(PromptOnceLib.__file__).parent
# `promptonce models`, but not the name of the program alone; ` --resume`, but not an argument in a list of arguments.
COMMAND_LINE = re.compile(r"promptonce [a-z]|[^\w\s-]--[a-z]|\s--[a-z]|^--[a-z-]+\s")


def errors(base: type[PromptOnceError] = PromptOnceError) -> Iterator[type[PromptOnceError]]:
    yield base
    for error in base.__subclasses__():
        yield from errors(error)


def texts(source: str) -> Iterator[ast.Constant]:
    """String literals of a module, without docstrings."""
    nodes = list(ast.walk(ast.parse(source)))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.__dict__.get("code") for error in errors()]
    assert all(codes)
    assert len(codes) == len(set(codes))


def test_all_errors_stand_in_one_file() -> None:
    assert {error.__module__ for error in errors()} == {PromptOnceError.__module__}


def test_commands_and_options_are_named_by_the_command_line_alone() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(LIBRARY.rglob("*.py"))}
    found = [
        f"{path.relative_to(LIBRARY)}:{text.lineno}: {text.value}"
        for path, source in sources.items()
        if path.relative_to(LIBRARY).parts[0] != "cli" and ("--" in source or "promptonce " in source)
        for text in texts(source)
        if COMMAND_LINE.search(text.value)
    ]
    assert found == []


def test_the_search_for_commands_finds_them_and_nothing_else() -> None:
    for words in (
        "use `promptonce models download`",
        "Go on with it (--resume)",
        "go on with --resume.",
        "--seed NAME",
    ):
        assert COMMAND_LINE.search(words)
    for other in ("--folder", "python -m PromptOnceLib.worker", "promptonce", "a--b", "promptonce-"):
        assert not COMMAND_LINE.search(other)
