"""Where data of this user lies: in a folder that is named, or in the user's data folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from PromptOnceLib.files.names import expanded


def user_folder(name: str, variable: str, folder: str | Path | None = None) -> Path:
    """The argument, else what the environment variable says, else `name` in the user's data folder.

    The folder need not exist.
    """
    chosen = folder or os.environ.get(variable)
    if chosen:
        return expanded(chosen).absolute()
    return _data_folder() / name


def make_user_folder(folder: Path) -> None:
    """Make a folder of `user_folder`. One that nobody has chosen can be read by this user alone: it may show patients.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_relative_to(_data_folder()):
        with suppress(OSError):
            folder.chmod(0o700)


def _data_folder() -> Path:
    return Path(platformdirs.user_data_dir("PromptOnce", appauthor=False))
