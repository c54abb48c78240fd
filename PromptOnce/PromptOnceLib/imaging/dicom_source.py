"""The DICOM files a volume was read from, for results that are to refer to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DicomSource:
    """files: in the order of the slices, each once. placed: whether their slices lie in the patient's space.

    The files of an archive are gone once it was read.
    """

    files: tuple[Path, ...]
    placed: bool

    @classmethod
    def of(cls, slices: Iterable[Path], placed: bool) -> DicomSource:
        """From the file of every slice, in their order."""
        return cls(tuple(dict.fromkeys(slices)), placed)

    @property
    def there(self) -> bool:
        """Whether all files can still be read."""
        return all(path.is_file() for path in self.files)
