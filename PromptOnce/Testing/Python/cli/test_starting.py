"""How the command line starts: with nothing loaded that the command does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from PromptOnceLib.cli.lazy_group import LazyGroup, Place
from PromptOnceLib.cli.main import main

# What takes long to load, and is needed by those commands alone that read images, draw or download.
HEAVY = {"SimpleITK", "slicerio", "requests", "torch", "sam2"}
# What every command needs for its work, but not the help of all.
FOR_THE_WORK = {"numpy", "pydantic", "PIL"}


def loaded_after(statements: str) -> set[str]:
    """Top packages that a Python of its own has loaded after these statements."""
    code = f"{statements}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    return set(json.loads(ended.stdout.splitlines()[-1]))


def lazy_groups() -> list[LazyGroup]:
    """main, and the groups in it that load their commands late."""
    return [main, *(command for place in main.places.values() if isinstance(command := place.load(), LazyGroup))]


def places() -> list[Place]:
    return [place for group in lazy_groups() for place in group.places.values()]


def test_the_command_line_loads_only_what_parses_it() -> None:
    assert not loaded_after("import PromptOnceLib.cli") & (HEAVY | FOR_THE_WORK)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["seeds", "--help"], ["dance"]])
def test_help_and_mistakes_load_no_more(arguments: list[str]) -> None:
    start = f"from PromptOnceLib.cli import main\ntry:\n    main({arguments})\nexcept SystemExit:\n    pass"
    assert not loaded_after(start) & (HEAVY | FOR_THE_WORK)


def test_the_options_of_no_command_need_what_loads_slowly() -> None:
    modules = sorted({place.attribute.split(":")[0] for place in places()})
    assert not loaded_after("\n".join(f"import {module}" for module in modules)) & HEAVY


def test_a_worker_starts_without_what_it_does_not_need() -> None:
    assert not loaded_after("import PromptOnceLib.worker.server") & HEAVY
    assert not loaded_after("import PromptOnceLib.worker.handlers") & (HEAVY - {"torch", "sam2"})


def test_every_command_is_where_its_group_says_and_has_that_help() -> None:
    for group in lazy_groups():
        for name, place in group.places.items():
            command = place.load()
            assert command.name == name
            assert place.help == command.get_short_help_str(limit=1000)


def test_the_help_of_a_group_lists_all_its_commands_in_full() -> None:
    for group in lazy_groups():
        with click.Context(group) as context:
            shown = " ".join(group.get_help(context).split())
        for name, place in group.places.items():
            assert f"{name} {place.help}" in shown
