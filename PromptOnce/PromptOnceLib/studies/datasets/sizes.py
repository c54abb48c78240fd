"""Whether images and their references have the same size, from their headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.image_file import PICTURE_SUFFIXES, check_readable, read_size
from PromptOnceLib.imaging.screening.screen import screen_file
from PromptOnceLib.segmentation.io import keeps_names
from PromptOnceLib.segmentation.reference import parse_reference


def check_sizes(pairs: Sequence[tuple[Path, Sequence[str]]], volumes_too: bool) -> None:
    """Compare every image with its references (FILE or FILE:LABEL,...).

    volumes_too: False for references that may lie on another grid; those of pictures have no place in space and must
    fit in any case. DICOM and .seg.nrrd, which keep their own grid, are passed over. Raises VolumeError for a file that
    cannot be opened, GeometryError where the sizes differ.
    """
    for image, references in pairs:
        check_readable(image)
        picture = image.suffix.lower() in PICTURE_SUFFIXES
        files = [parse_reference(text)[0] for text in references]
        for file in files:
            check_readable(file)
        compared = [file for file in files if not keeps_names(file)] if volumes_too or picture else []
        if not compared or image.is_dir():
            continue
        size = _size(image)
        for file in compared:
            own = _size(file)
            if own != size:
                raise GeometryError(
                    f"{image.name} has {_words(size)} voxels, its reference {file.name} has {_words(own)}. Choose the "
                    "reference that was made on this image."
                )


def _size(path: Path) -> tuple[int, int, int]:
    screen_file(path)
    return read_size(path)


def _words(size: tuple[int, int, int]) -> str:
    return " x ".join(map(str, size))
