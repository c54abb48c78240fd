"""Where data of this user lies: in a folder that is named, or in the user's data folder."""

from __future__ import annotations

import os
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
    return Path(platformdirs.user_data_dir("PromptOnce", appauthor=False)) / name
