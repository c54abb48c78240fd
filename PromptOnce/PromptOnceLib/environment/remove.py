"""Removing the private environment, piece by piece, so that a window stays alive meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from PromptOnceLib.environment.installation import Layout, Note, read_note, write_note
from PromptOnceLib.errors import EngineError, InputError
from PromptOnceLib.files.atomic import PREFIX
from PromptOnceLib.files.lock import LockedError, exclusive_lock

PIECES = 200
"""Files that one call of `advance` removes: some milliseconds."""


class Removal:
    """Removes what an installation made, and the folder where nothing else is in it. Use from one thread.

    Only a folder that carries our note is touched, and in it only what is ours. A removal that was interrupted leaves
    the environment marked as unfinished, and can be started again.
    """

    def __init__(self, place: Layout) -> None:
        self._place = place
        self._held = ExitStack()
        self._size = 0
        self._pieces: Iterator[int] = iter(())
        self.freed_bytes = 0
        self.over = False

    def start(self) -> None:
        """Raises InputError where the folder is not an engine's or is read-only, EngineError while it is installed."""
        place, note = self._place, read_note(self._place)
        if note is None:
            raise InputError(f"There is no engine of PromptOnce in {place.folder}: nothing was removed.")
        try:
            self._held.enter_context(exclusive_lock(place.lock))
        except LockedError as error:
            raise EngineError(
                "The engine is being installed or removed by another window or program: wait until that has ended."
            ) from error
        except OSError as error:
            raise InputError(
                f"The folder {place.folder} cannot be written to: ask whoever owns it.", str(error)
            ) from error
        # On a full disk not even the note can be written, and removing is then all the more wanted.
        with suppress(InputError):
            write_note(place, Note(method=note.method, backend=note.backend, problem="It was being removed."))
        self._size = note.size_bytes
        self._pieces = _remove_all(place)

    def advance(self, pieces: int = PIECES) -> float:
        """Remove some more; the share that is done, 1.0 at the end, as far as the size was known.

        Raises EngineError where a file cannot be removed; what is left can be removed later.
        """
        try:
            for _ in range(pieces):
                freed = next(self._pieces, None)
                if freed is None:
                    self._end()
                    return 1.0
                self.freed_bytes += freed
        except OSError as error:
            self.cancel()
            raise EngineError(
                "The engine cannot be removed: close the programs that use it, then remove it again.", str(error)
            ) from error
        return min(self.freed_bytes / self._size, 0.99) if self._size else 0.0

    def cancel(self) -> None:
        """Stop here; the rest stays, marked as unfinished."""
        self.over = True
        self._held.close()

    def _end(self) -> None:
        self.over = True
        self._held.close()
        with suppress(OSError):  # Windows keeps the lock's file while it is open
            self._place.lock.unlink()
        with suppress(OSError):  # what else somebody put into the folder stays
            self._place.folder.rmdir()


def _remove_all(place: Layout) -> Iterator[int]:
    """Remove everything but the lock and the folder; gives the bytes each piece freed. The note goes last."""
    for part in place.parts():
        yield from _remove_tree(part)
    for file in (*place.folder.glob(PREFIX + "*"), place.log, place.note):
        yield _remove_file(file)


def _remove_tree(folder: Path) -> Iterator[int]:
    if folder.is_symlink():
        yield _remove_file(folder)
        return
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            yield _remove_file(Path(parent, name))
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                yield _remove_file(path)
            else:
                path.rmdir()
    with suppress(FileNotFoundError):
        folder.rmdir()


def _remove_file(path: Path) -> int:
    try:
        state = path.lstat()
        path.unlink()
    except FileNotFoundError:
        return 0
    except PermissionError:
        path.chmod(stat.S_IWRITE)  # Windows does not remove read-only files
        path.unlink()
    return state.st_size if state.st_nlink == 1 else 0
