"""Where the files that ship with the code are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """Path of a shipped file, for example of ("Models", "registry.json").

    In the source tree and in Slicer the folder Resources lies beside the package, in an installed wheel inside it.
    """
    inside = _PACKAGE / "Resources"
    folder = inside if inside.is_dir() else _PACKAGE.parent / "Resources"
    return folder.joinpath(*parts)
