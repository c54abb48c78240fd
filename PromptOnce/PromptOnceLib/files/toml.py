"""TOML files read: settings of the command line, designs of studies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from PromptOnceLib.errors import InputError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file. what: it is, for the sentence where it cannot be read, such as "The settings".

    Raises InputError.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read: {error.strerror or error}.", repr(error)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} is no TOML file: {error}.", repr(error)) from error
    return content
