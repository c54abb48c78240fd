"""Pixels of DICOM files through GDCM. Compressed ones are decoded in a child process: a damaged code stream can hang a
decoder, or end the whole process.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from PromptOnceLib.errors import DiskFullError
from PromptOnceLib.imaging.formats.quiet import quiet_itk
from PromptOnceLib.imaging.screening.screen import check_outcome, seconds_for
from PromptOnceLib.imaging.volume import Array
from PromptOnceLib.processes.memory_limit import says_no_memory
from PromptOnceLib.processes.trial import run_child, try_in_child

_NO_ROOM = b"no room"


def decode(paths: Sequence[Path], name: str, compressed: bool, as_float: bool = False) -> Array:
    """Values of the frames of one file, or of a series of single frames, (frames, rows, columns) with a last axis for
    colour; rescaled as the files say.

    name: for the user. compressed: whether any of them is. as_float: of a series, as float32. Raises RuntimeError where
    the decoder refuses, ReaderCrashError where it hangs or dies, OutOfMemoryError, DiskFullError.
    """
    if not compressed:
        return _decode(paths, as_float)
    with tempfile.TemporaryDirectory(prefix="promptonce-") as folder:
        target = Path(folder) / "pixels.npy"
        message = json.dumps({"paths": list(map(str, paths)), "as_float": as_float, "target": str(target)})
        seconds = sum(map(seconds_for, paths))
        outcome, said = try_in_child("PromptOnceLib.imaging.dicom.decoding", message.encode(), seconds)
        if _NO_ROOM in said:
            raise DiskFullError(
                "The disk for temporary files is full: free some space, or set TMPDIR to another folder."
            )
        check_outcome(name, outcome)
        if not target.exists():
            raise RuntimeError("the decoder refused")
        array: Array = np.load(target)
        return array


def read_alone(message: bytes) -> None:
    """In a child process: decode into a .npy file, or leave none where the decoder refuses. Raises MemoryError."""
    asked = json.loads(message)
    try:
        array = _decode([Path(path) for path in asked["paths"]], asked["as_float"])
    except RuntimeError as error:
        if says_no_memory(error):
            raise MemoryError from error
        return
    try:
        np.save(asked["target"], array, allow_pickle=False)
    except OSError:
        print(_NO_ROOM.decode())


def _decode(paths: Sequence[Path], as_float: bool) -> Array:
    reader: Any  # both kinds have the same methods, without types
    if len(paths) == 1:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(paths[0]))
    else:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(list(map(str, paths)))
    if as_float:
        reader.SetOutputPixelType(sitk.sitkFloat32)
    reader.SetImageIO("GDCMImageIO")
    with quiet_itk():
        image = reader.Execute()
    array: Array = sitk.GetArrayFromImage(image)
    return array[np.newaxis] if image.GetDimension() == 2 else array


if __name__ == "__main__":
    run_child(read_alone)
