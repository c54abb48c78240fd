"""Whether a file can be given to a reader of images: by its header, and where that does not tell, by a trial.

ITK's readers are large programs in C++: a damaged file can hang them or end the whole process. The header of a usual
file is checked in milliseconds. Only a file of which the header leaves a doubt is read in a child process first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import SimpleITK as sitk

from PromptOnceLib.errors import OutOfMemoryError, PromptOnceError, ReaderCrashError
from PromptOnceLib.imaging.screening.metaimage_header import vouch_for_metaimage
from PromptOnceLib.imaging.screening.nifti_header import vouch_for_nifti
from PromptOnceLib.imaging.screening.nrrd_header import vouch_for_nrrd
from PromptOnceLib.imaging.screening.picture_header import vouch_for_picture
from PromptOnceLib.processes.memory_limit import says_no_memory
from PromptOnceLib.processes.trial import Outcome, run_child, try_in_child

TRIAL_SECONDS = 60.0
_SECONDS_A_BYTE = 1e-6  # a slow network drive

# By the ending, as ITK chooses its readers; each may be wrong about the file and says so.
_KINDS: Sequence[tuple[tuple[str, ...], Callable[[Path], bool]]] = (
    ((".nii", ".nii.gz", ".hdr", ".img", ".img.gz"), vouch_for_nifti),
    ((".nrrd", ".nhdr"), vouch_for_nrrd),
    ((".mha", ".mhd"), vouch_for_metaimage),
    ((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"), vouch_for_picture),
)


def screen_file(path: Path) -> None:
    """Raises VolumeError or OutOfMemoryError, which name the file, for one that a reader must not get.

    path: an ordinary file. One that merely cannot be read passes: the reader says why.
    """
    if not (_is_dicom(path) or _vouched_for(path)):
        try_reader(path)


def try_reader(path: Path, seconds: float = TRIAL_SECONDS) -> None:
    """Read a file in a child process. Raises ReaderCrashError where that hangs or dies, OutOfMemoryError.

    seconds: for a small file; a large one gets more.
    """
    outcome, _ = try_in_child("PromptOnceLib.imaging.screening.screen", str(path).encode(), seconds_for(path, seconds))
    check_outcome(path.name, outcome)


def seconds_for(path: Path, seconds: float = TRIAL_SECONDS) -> float:
    """How long the reading of a file may take."""
    return seconds + path.stat().st_size * _SECONDS_A_BYTE


def check_outcome(name: str, outcome: Outcome) -> None:
    """Raises ReaderCrashError or OutOfMemoryError unless the reading of a file in a child process ended well."""
    if outcome is Outcome.NO_MEMORY:
        raise OutOfMemoryError(
            f"The computer's memory is too small for {name}: crop the image, or use a larger computer."
        )
    if outcome is not Outcome.FINE:
        what = "hangs" if outcome is Outcome.TOO_SLOW else "ends"
        raise ReaderCrashError(
            f"{name} cannot be read: it {what} the program that reads it. It is damaged: export or copy the image "
            "again.",
            outcome.value,
        )


def _vouched_for(path: Path) -> bool:
    name = path.name.lower()
    vouch = next((kind for endings, kind in _KINDS if name.endswith(endings)), None)
    try:
        return vouch is not None and vouch(path)
    except PromptOnceError:
        raise
    except Exception:  # what takes headers apart raises whatever a damaged one brings about
        return False


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(128)
        return file.read(4) == b"DICM"


def read_alone(message: bytes) -> None:
    """In a child process: read the file of this name and end. Raises MemoryError."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(message.decode())
    try:
        reader.Execute()
    except RuntimeError as error:  # the reader itself has noticed
        if says_no_memory(error):
            raise MemoryError from error


if __name__ == "__main__":
    run_child(read_alone)
