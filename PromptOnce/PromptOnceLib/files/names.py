"""File names that other libraries can be given."""

from __future__ import annotations

import os

from PromptOnceLib.errors import InputError


def check_name(path: str | os.PathLike[str], error: type[InputError] = InputError) -> None:
    """Raise `error` for a name with bytes that are no text: ITK would end the whole process over it."""
    name = os.fspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise error(f"The name {shown} holds bytes that are not text: rename the file.") from None
