"""The DICOM files a volume was read from, for results that are to refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.imaging.dicom.frames import Frame


@dataclass(frozen=True)
class DicomSource:
    """files: in the order of the slices, each once. placed: whether their slices lie in the patient's space.

    The files of an archive are gone once it was read.
    """

    files: tuple[Path, ...]
    placed: bool

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> DicomSource:
        """From the frames of a volume in the order of its slices."""
        return cls(tuple(dict.fromkeys(frame.path for frame in frames)), frames[0].place is not None)

    @property
    def there(self) -> bool:
        """Whether all files can still be read."""
        return all(path.is_file() for path in self.files)
