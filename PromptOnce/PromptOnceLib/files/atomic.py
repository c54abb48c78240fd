"""Writing a file so that it is either complete or not there, and the one it replaces stays until then."""

from __future__ import annotations

import csv
import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PromptOnceLib.errors import InputError, OutputExistsError
from PromptOnceLib.files.disk import caused_by_full_disk
from PromptOnceLib.files.names import check_name, is_file, is_folder, is_there

PREFIX = ".promptonce-"
"""Start of the name of a temporary file; one that stays behind was left by a process that was killed."""


@contextmanager
def replacing(path: str | Path, suffix: str | None = None, error: type[InputError] = InputError) -> Iterator[Path]:
    """Give the path of an empty temporary file in the same folder; what the block writes there becomes the file.

    suffix: ending of the temporary file, for writers that choose the format by it; by default that of path. When the
    block raises, the temporary file goes away and an older file at path is left as it was. A symbolic link is followed.
    OSError becomes `error`, with a sentence that says what to do; other exceptions pass.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(PREFIX + secrets.token_hex(6) + (target.suffix if suffix is None else suffix))
    try:
        _make_beside(target, temporary)
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(target)
    except OSError as reason:
        raise error(failure_sentence(target, reason), detail=repr(reason)) from reason
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_csv_rows(path: str | Path, rows: Iterable[Iterable[object]]) -> None:
    """Write a table, its header among the rows. Raises InputError where the file cannot be written."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def check_writable(
    targets: Iterable[Path | None],
    inputs: Iterable[Path],
    error: type[InputError],
    is_precious: Callable[[Path], bool],
    overwrite: bool = True,
) -> None:
    """Find out before the work whether files can be written: `error` for the first that cannot; None is passed over.

    Refused are an input, a file that `is_precious` does not want to be replaced, a name given twice, a folder or device
    of that name, a missing or read-only folder. Without overwrite a file that is there: OutputExistsError.
    """
    taken = {Path(os.path.realpath(path)) for path in inputs}
    for target in targets:
        if target is None:
            continue
        check_name(target, error)
        real = Path(os.path.realpath(target))
        there = is_file(real)
        if real in taken or (there and is_precious(real)):
            raise error(f"{target} is an input or another output: choose another name.")
        if is_there(real) and not there and not is_folder(real):
            raise error(f"{target} is not an ordinary file: choose another name.")
        if there and not overwrite:
            raise OutputExistsError(f"{target} is there already, and is not replaced.")
        taken.add(real)
        _try_to_write(real, error)


def _try_to_write(target: Path, error: type[InputError]) -> None:
    trial = target.with_name(PREFIX + secrets.token_hex(6))
    try:
        _make_beside(target, trial)
        trial.unlink()
    except OSError as reason:
        raise error(failure_sentence(target, reason), detail=repr(reason)) from reason


def _make_beside(target: Path, temporary: Path) -> None:
    """Writers such as ITK do not say why they failed: a folder that cannot be written to is found here."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    temporary.touch()


def _flush_to_disk(path: Path) -> None:
    """Some file systems report a full disk only here; without it a power cut could leave an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def failure_sentence(target: Path, reason: OSError) -> str:
    """Why a file or folder could not be written, and what to do."""
    start = f"{target.name} could not be written"
    if reason.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{start}: the folder {target.parent} is read-only, or the file is open in another program. "
            "Close that program, or choose another folder."
        )
    if not is_folder(target.parent):
        return f"{start}: there is no folder {target.parent}. Create it, or choose another one."
    if reason.errno == errno.EISDIR:
        return f"{start}: there is a folder of that name. Choose another name."
    if caused_by_full_disk(reason):
        return f"{start}: the disk is full. Free some space, or choose another disk."
    return f"{start}: {reason.strerror or reason}. Choose another folder."
