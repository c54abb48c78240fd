"""File names and files that other libraries can be given."""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from pathlib import Path

from PromptOnceLib.errors import InputError, PromptOnceError

LONGEST_NAME = 255
"""Of a file or folder, on every usual file system."""


def expanded(path: str | os.PathLike[str], error: type[PromptOnceError] = InputError) -> Path:
    """The path with the folder of a user in place of ~ or ~name; `error` where there is no such user or path."""
    check_name(path, error)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise error(f"{os.fspath(path)}: there is no user of that name. Write the whole path.") from None


def name_key(name: str) -> str:
    """Equal for names that differ in upper and lower case alone, or in how accents are stored: macOS may part them."""
    return unicodedata.normalize("NFC", name).casefold()


def is_there(path: Path) -> bool:
    """Whether there is something of that name; False in a folder that this user may not enter, where Path raises."""
    try:
        return path.exists()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether there is an ordinary file; False, too, in a folder that this user may not enter."""
    return is_there(path) and path.is_file()


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False, too, in one that this user may not enter."""
    return is_there(path) and path.is_dir()


def check_ordinary(path: str | os.PathLike[str], error: type[InputError] = InputError) -> None:
    """Raise `error` for a device, a pipe or a socket: to read one can last for ever. Raises OSError where none is."""
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise error(f"{os.fspath(path)} is not an ordinary file: save what it gives as a file, and name that one.")


def check_name(path: str | os.PathLike[str], error: type[PromptOnceError] = InputError) -> None:
    """Raise `error` for a name that no file can have, or with bytes that are no text: ITK would end the process."""
    name = os.fspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise error(f"The name {shown} holds bytes that are not text: rename the file.") from None
    longest = max(map(_length, Path(name).parts), default=0)
    if longest > LONGEST_NAME:
        raise error(f"The name {name[:40]}... is too long: a file or folder has {LONGEST_NAME} letters at most.")


def _length(part: str) -> int:
    """As the system counts: UTF-16 on Windows, bytes elsewhere."""
    return len(part.encode("utf-16-le")) // 2 if sys.platform == "win32" else len(part.encode())
