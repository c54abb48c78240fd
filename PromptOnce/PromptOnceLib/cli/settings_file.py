"""A file of settings for what is typed often, in TOML: options by the command they belong to, or for all commands.

    [all]
    model = "tiny"
    device = "cuda"

    [segment]
    window = "lung"
    early-stop = true

    [seeds.save]
    author = "A. Person"

What stands on the command line goes before environment variables, these before the file.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.toml import read_toml

FOR_ALL = ("model", "model-config", "device", "precision", "window", "axis", "library", "overwrite", "quiet")
_NOT_SET_HERE = ("json", "help", "version")


def settings_for(path: Path, command: click.Command, name: str) -> dict[str, Any]:
    """What the file says for one command, as click's default map of the group above it: {name: {parameter: value}}.

    Raises InputError for a file that cannot be read, and for settings that the command does not have.
    """
    content = _read(path)
    common = content.pop("all", {})
    unknown = [key for key in common if key not in FOR_ALL]
    if unknown:
        raise InputError(f"{path.name}: [all] has no setting {unknown[0]}. It takes {', '.join(FOR_ALL)}.")
    return {name: _values(path, command, content.get(name, {}), common, name)}


def check_commands(path: Path, known: list[str]) -> None:
    """Raise InputError where the file has a table of no command."""
    for name in _read(path):
        if name != "all" and name not in known:
            raise InputError(f"{path.name}: there is no command {name}.{_meant(name, known)}")


def _read(path: Path) -> dict[str, Any]:
    content = read_toml(path, "The settings")
    for name, table in content.items():
        if not isinstance(table, dict):
            raise InputError(f"{path.name}: {name} stands in no table. Put it under [all] or [segment], for example.")
    return content


def _values(
    path: Path, command: click.Command, own: dict[str, Any], common: dict[str, Any], name: str
) -> dict[str, Any]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        found: dict[str, Any] = {}
        for key, table in own.items():
            inner = command.get_command(context, key) if isinstance(table, dict) else None
            if inner is None:
                raise InputError(
                    f"{path.name}: [{name}] has no command {key}.{_meant(key, command.list_commands(context))}"
                )
            found[key] = _values(path, inner, table, common, f"{name}.{key}")
        for key in command.list_commands(context) if common else ():
            inner = command.get_command(context, key)
            if key not in found and inner is not None:
                found[key] = _values(path, inner, {}, common, f"{name}.{key}")
        return found
    options = {
        text.lstrip("-"): option
        for option in command.params
        if isinstance(option, click.Option)
        for text in option.opts
        if text.startswith("--") and text.lstrip("-") not in _NOT_SET_HERE
    }
    for key in own:
        if key not in options:
            raise InputError(f"{path.name}: [{name}] has no setting {key}.{_meant(key, list(options))}")
    chosen = {**{key: value for key, value in common.items() if key in options}, **own}
    return {str(options[key].name): _value(options[key], value) for key, value in chosen.items()}


def _value(option: click.Option, value: Any) -> Any:
    """A list for options that take several."""
    if not option.multiple:
        return value
    return list(value) if isinstance(value, list) else [value]


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {near[0]}?" if near else ""
