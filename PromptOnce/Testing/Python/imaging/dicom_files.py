"""Writes small synthetic DICOM files for tests."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

PATIENT = "DOE^JANE"


def write_dicom(path: Path, pixels: np.ndarray, origin=(0.0, 0.0, 0.0), spacing=(0.5, 0.75, 2.0), **tags: str) -> Path:
    """One DICOM file of pixels (frames, rows, columns); tags as t0008_0060="CT", added to those of an axial CT."""
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing(spacing)
    given = {
        "t0008_0060": "CT",
        "t0008_0008": "DERIVED\\SECONDARY\\AXIAL",
        "t0008_0018": f"1.2.3.{zlib.crc32(path.name.encode())}",
        "t0010_0010": PATIENT,
        "t0010_0020": "ID4711",
        "t0020_000e": "1.2.3",
        "t0020_0032": "\\".join(f"{value:.6f}" for value in origin),
        "t0020_0037": "1\\0\\0\\0\\1\\0",
    }
    for name, value in (given | tags).items():
        if value:
            image.SetMetaData(name[1:].replace("_", "|"), value)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(path))
    writer.Execute(image)
    return path


def write_series(folder: Path, positions, shape=(4, 5), value: int = 0, prefix: str = "a", **tags: str) -> list[Path]:
    """One axial file per position (mm along the normal); all voxels of slice n have the value `value` + n."""
    folder.mkdir(exist_ok=True)
    paths = []
    for index, position in enumerate(positions):
        pixels = np.full((1, *shape), value + index, dtype=np.int16)
        # File names run against the positions, so that an order by name would be wrong.
        path = folder / f"{prefix}{len(positions) - index:03}.dcm"
        paths.append(write_dicom(path, pixels, (10.0, 20.0, float(position)), **tags))
    return paths


def make_monochrome1(path: Path) -> Path:
    """Turns a MONOCHROME2 file into a MONOCHROME1 file with the same stored pixels."""
    contents = path.read_bytes()
    assert contents.count(b"MONOCHROME2 ") == 1
    path.write_bytes(contents.replace(b"MONOCHROME2 ", b"MONOCHROME1 "))
    return path
