"""Removing the private environment."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from PromptOnceLib.environment.installation import InstallManifest, Layout, changing, read_manifest, write_manifest
from PromptOnceLib.errors import EngineError, InputError
from PromptOnceLib.files.atomic import PREFIX


class Removal:
    """Removes what an installation made, and the folder where nothing else is in it, in a thread of its own.

    Only a folder that carries our manifest is touched, and in it only what is ours. A removal that was interrupted
    leaves the environment marked as unfinished, and can be started again. size_bytes: of the environment, 0 where that
    is not known.
    """

    def __init__(self, place: Layout) -> None:
        self._place = place
        self._held = ExitStack()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.size_bytes = 0

    def start(self) -> None:
        """Raises InputError where the folder is not an engine's or is read-only, EngineError while it is installed."""
        place, manifest = self._place, read_manifest(self._place)
        if manifest is None:
            raise InputError(f"There is no engine of PromptOnce in {place.folder}: nothing was removed.")
        self._held.enter_context(changing(place))
        # On a full disk not even the manifest can be written, and removing is then all the more wanted.
        with suppress(InputError):
            write_manifest(place, InstallManifest(backend=manifest.backend, problem="It was being removed."))
        self.size_bytes = manifest.size_bytes
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait up to this time, or until the end; whether it is over.

        Raises EngineError where a file cannot be removed; what is left can be removed later.
        """
        self._thread.join(seconds)
        if self._error is not None:
            raise EngineError(
                "The engine cannot be removed: close the programs that use it, then remove it again.", str(self._error)
            ) from self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        place = self._place
        with self._held:
            try:
                for folder in place.made_folders:
                    _remove_tree(folder)
                for file in (*place.folder.glob(PREFIX + "*"), place.log, place.manifest):  # the manifest goes last
                    file.unlink(missing_ok=True)
            except OSError as error:
                self._error = error
                return
        with suppress(OSError):  # what else somebody put into the folder stays
            place.folder.rmdir()


def _remove_tree(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder, onerror=_remove_read_only)


def _remove_read_only(remove: Callable[[str], object], path: str, error: tuple[Any, BaseException, Any]) -> None:
    """Windows does not remove read-only files before they are made writable."""
    if remove is not os.unlink or not isinstance(error[1], PermissionError) or Path(path).is_symlink():
        raise error[1]
    Path(path).chmod(stat.S_IWRITE)
    remove(path)
