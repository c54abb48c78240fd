"""Arrays in the session folder, through which the two sides of a worker hand each other frames and masks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import WorkerError

_FULL = "The disk for temporary files is full: free some space or set TMPDIR to another folder."


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file. Raises WorkerError, and leaves nothing, where the disk is full."""
    try:
        np.save(path, array, allow_pickle=False)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise WorkerError(_FULL, str(error)) from error


def load_frames(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Grey values, uint8 (slices, rows, columns) or (rows, columns), left on the disk until they are read.

    Raises WorkerError for anything else.
    """
    frames: NDArray[np.uint8] = _load(path, "r", "The worker cannot read the slices it was given.")
    if frames.dtype != np.uint8 or frames.ndim != dimensions or frames.size == 0:
        raise WorkerError("The worker was given slices of a wrong form.", f"{frames.dtype} {frames.shape}")
    return frames


def load_result(path: Path, mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Numbers that the worker has written. Raises WorkerError where they cannot be read."""
    problem = "What the worker made cannot be read; try again."
    array = _load(path, mmap_mode, problem)
    if array.dtype.kind not in "bfiu":
        raise WorkerError(problem, str(array.dtype))
    return array


def _load(path: Path, mmap_mode: Literal["r"] | None, problem: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except Exception as error:  # NumPy has Python parse the header, which raises whatever a damaged one brings about
        raise WorkerError(problem, f"{type(error).__name__}: {error}") from error
    return array


class Pictures(Sequence[NDArray[np.uint8]]):
    """Frames of different sizes, uint8 (rows, columns), one file each; opened when asked for, as files may be many.

    Raises WorkerError for a file that holds anything else.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        for path in self._paths:
            load_frames(path, 2)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: Any) -> Any:
        return load_frames(self._paths[index], 2)


class StackMasks:
    """All masks of a stack in one file, uint8 (objects, slices, rows, columns)."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._masks = new_mask_file(path, shape)

    def put(self, index: int, masks: NDArray[np.uint8], objects: Sequence[int] | None = None) -> None:
        """Keep the masks (objects, rows, columns) of a slice. objects: their places, None for all."""
        self._masks[slice(None) if objects is None else list(objects), index] = masks


class PictureMasks:
    """The masks of every picture in a file of its own, uint8 (objects, rows, columns)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, index: int, masks: NDArray[np.uint8], objects: Sequence[int] | None = None) -> None:
        """Keep the masks of a picture, of all objects. Raises WorkerError where the disk is full."""
        assert objects is None
        save_array(picture_masks_path(self._path, index), masks)


def picture_masks_path(path: Path, index: int) -> Path:
    """Where the masks of a picture lie when a propagation over pictures is told to write to `path`."""
    return path.with_name(f"{path.stem}-{index}.npy")


def new_mask_file(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    """A file of zeros opened as array. Its space is taken at once where the system can: writing to a memory map on a
    full disk would kill the process instead of raising OSError.
    """
    try:
        masks = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise WorkerError(_FULL, str(error)) from error
    return masks
