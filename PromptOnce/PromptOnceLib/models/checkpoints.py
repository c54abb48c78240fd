"""The folder of checkpoints: what is there, whether it is what it should be, and how it goes away.

Beside a checkpoint FILE the folder may hold FILE.checked (a note that its SHA-256 was compared, so that a large file is
not read twice at every start), FILE.part and FILE.part.json (a download that was interrupted) and FILE.lock (while a
download runs).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from PromptOnceLib.errors import CheckpointError, ModelError
from PromptOnceLib.files.folders import user_folder
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.files.names import is_file
from PromptOnceLib.files.stamp import FileStamp, OnBytes, file_sha256
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.pointer import pinned, pointer_path
from PromptOnceLib.resources import resource

FOLDER_VARIABLE = "PROMPTONCE_MODELS"


@dataclass(frozen=True)
class CheckpointStatus:
    """What is on this computer of one model.

    complete: the file is there and has the size it should have, as far as that is known. checked: its SHA-256 was
    compared since it last changed.
    """

    name: str
    path: Path
    present: bool
    complete: bool
    checked: bool


def checkpoints_folder(folder: str | Path | None = None) -> Path:
    """Folder of the checkpoints: the argument, else PROMPTONCE_MODELS, else "models" in the user's data folder.

    The folder need not exist yet.
    """
    return user_folder("models", FOLDER_VARIABLE, folder)


def checkpoint_path(entry: ModelEntry, folder: str | Path | None = None) -> Path:
    """Where the checkpoint of a model lies, or will lie."""
    return resource("Models", entry.file) if entry.embedded else checkpoints_folder(folder) / entry.file


def part_path(checkpoint: Path) -> Path:
    """File that an unfinished download of this checkpoint is written to."""
    return checkpoint.with_name(checkpoint.name + ".part")


def origin_path(checkpoint: Path) -> Path:
    """Side file that says which remote file the unfinished download belongs to."""
    return checkpoint.with_name(checkpoint.name + ".part.json")


def lock_path(checkpoint: Path) -> Path:
    """File that a running download of this checkpoint holds locked."""
    return checkpoint.with_name(checkpoint.name + ".lock")


def _note_path(checkpoint: Path) -> Path:
    return checkpoint.with_name(checkpoint.name + ".checked")


def status(entry: ModelEntry, folder: str | Path | None = None) -> CheckpointStatus:
    """Look, without reading the checkpoint's content, at what is there of a model."""
    path = checkpoint_path(entry, folder)
    entry = pinned(entry, path)
    present = is_file(path)
    size = path.stat().st_size if present else 0
    return CheckpointStatus(
        name=entry.name,
        path=path,
        present=present,
        complete=present and size > 0 and entry.bytes in (None, size),
        checked=present and _is_noted(entry, path),
    )


def verify(entry: ModelEntry, folder: str | Path | None = None, progress: OnBytes | None = None) -> Path:
    """Read the whole checkpoint, compare its SHA-256 and return its path.

    An embedded model without a recorded SHA-256 only has to be there. Raises CheckpointError where the file is missing
    or is not the model, ModelError where it cannot be read or is part of a broken installation.
    """
    path = checkpoint_path(entry, folder)
    entry = pinned(entry, path)
    current = status(entry, folder)
    if not current.present:
        raise _missing(entry, path)
    if entry.sha256 is None and not entry.embedded:
        raise _unknown(entry, path)
    try:
        # Taken before reading: a file that changes meanwhile does not match its note.
        state = path.stat()
        right = current.complete and entry.sha256 in (None, file_sha256(path, progress))
    except OSError as error:
        raise ModelError(f"The file {path} cannot be read: check that you may read it.", str(error)) from error
    if not right:
        _note_path(path).unlink(missing_ok=True)
        raise _damaged(entry, path)
    if not entry.embedded:
        write_checked_note(entry, path, state)
    return path


def check_before_use(entry: ModelEntry, folder: str | Path | None = None) -> Path:
    """Return the path of a checkpoint that is what it should be: verify, unless nothing changed since the last time.

    Raises ModelError like verify.
    """
    path = checkpoint_path(entry, folder)
    return path if is_file(path) and _is_noted(pinned(entry, path), path) else verify(entry, folder)


def delete(entry: ModelEntry, folder: str | Path | None = None) -> int:
    """Remove a checkpoint and what an interrupted download left of it; return the number of bytes freed.

    Raises ModelError for an embedded model, during a download, and for a file that cannot be removed.
    """
    if entry.embedded:
        raise ModelError(f"The model {entry.name} is part of PromptOnce and cannot be deleted.")
    path = checkpoint_path(entry, folder)
    freed = 0
    try:
        if not path.parent.is_dir():
            return 0
        with exclusive_lock(lock_path(path)):
            for file in (path, _note_path(path), pointer_path(path), part_path(path), origin_path(path)):
                if file.is_file():
                    freed += file.stat().st_size
                    file.unlink()
    except LockedError as error:
        raise ModelError(f"The model {entry.name} is being downloaded: cancel the download first.") from error
    except OSError as error:
        raise ModelError(
            f"The model {entry.name} cannot be deleted from {path.parent}: close the programs that use it, "
            "or ask whoever owns the folder.",
            str(error),
        ) from error
    return freed


def write_checked_note(entry: ModelEntry, path: Path, state: os.stat_result) -> None:
    """Note that the file's SHA-256 was compared, when the file was as state says, and is right."""
    note = FileStamp(sha256=str(entry.sha256), size=state.st_size, mtime_ns=state.st_mtime_ns)
    # In a folder shared read-only the note cannot be kept; the file is then compared at every start.
    with suppress(OSError):
        _note_path(path).unlink(missing_ok=True)  # never through a link
        _note_path(path).write_text(note.model_dump_json(), encoding="utf-8")


def _is_noted(entry: ModelEntry, path: Path) -> bool:
    try:
        note = FileStamp.model_validate_json(_note_path(path).read_bytes())
    except (OSError, ValidationError):
        return False
    return entry.sha256 is not None and note.sha256 == entry.sha256 and note.fits(path.stat())


def _missing(entry: ModelEntry, path: Path) -> ModelError:
    if entry.embedded:
        return ModelError(f"The model {entry.name} is missing from this installation: install PromptOnce again.")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return ModelError(f"The folder {path.parent} cannot be opened: check that you may read it.", str(error))
    single = " It segments single slices and cannot propagate." if entry.segments_single_slices else ""
    return CheckpointError(
        f"The model {entry.name} is not on this computer: download it ({entry.megabytes} MB).{single}", model=entry.name
    )


def _unknown(entry: ModelEntry, path: Path) -> ModelError:
    return CheckpointError(
        f"It is not known what the file {path} should be: download the model {entry.name}, or copy {path.name}.pointer "
        "beside it from the computer where it was downloaded.",
        model=entry.name,
    )


def _damaged(entry: ModelEntry, path: Path) -> ModelError:
    if entry.embedded:
        return ModelError(f"The model {entry.name} of this installation is damaged: install PromptOnce again.")
    return CheckpointError(
        f"The file {path} is not the model {entry.name} (incomplete or changed): download it again "
        f"({entry.megabytes} MB).",
        model=entry.name,
    )
