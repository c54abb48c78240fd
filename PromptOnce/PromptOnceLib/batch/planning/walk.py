"""The files in a folder and below, linked folders among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def files_below(folder: Path, enters: Callable[[Path], bool] = lambda folder: True) -> Iterator[Path]:
    """All files in a folder and below but hidden ones, as paths that begin with the folder's.

    enters: whether to look into a folder; hidden ones are never. Links to folders are followed, but none back into the
    folder, where all is found anyway, and none to one place twice. Raises OSError for a folder that cannot be read.
    """

    def stop(error: OSError) -> None:
        raise error

    root, seen = folder.resolve(), set[Path]()
    for parent, folders, files in os.walk(folder, onerror=stop, followlinks=True):
        here = Path(parent)
        place = here.resolve()
        back = place.is_relative_to(root) and place != root / here.relative_to(folder)
        if back or place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and enters(here / name))
        yield from (here / name for name in files if not name.startswith("."))


def place_of(path: Path) -> Path:
    """The same for one file by whatever links to folders it was reached; a link that is the file itself stays."""
    return path.parent.resolve() / path.name
