"""The images in a folder and below: volumes, DICOM series and X-ray pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.planning.case_names import (
    VOLUME_SUFFIXES,
    image_suffix,
    names_a_segmentation,
    stem,
    unique_names,
)
from PromptOnceLib.batch.planning.patterns import Pattern
from PromptOnceLib.batch.planning.references import ReferenceFinder
from PromptOnceLib.batch.planning.walk import files_below
from PromptOnceLib.errors import InputError, VolumeError
from PromptOnceLib.files.names import check_name
from PromptOnceLib.imaging.dicom.stacks import read_folder
from PromptOnceLib.imaging.dicom.tags import is_dicom
from PromptOnceLib.imaging.formats.quiet import quiet_itk

_HEADER_SUFFIXES = (".nhdr", ".mhd", ".hdr", ".hdr.gz")  # their voxels lie in a file beside them
_DATA_SUFFIXES = (".raw", ".zraw", ".img", ".gz", ".bz2")
_PAIRED = (".hdr", ".hdr.gz")  # other programs call files so, too: an image only with its .img beside it


@dataclass(frozen=True)
class FoundImage:
    """An image in a folder. name: for the case. image: for `read_volume`. reference: FILE[:LABEL,...], or None."""

    name: str
    image: Path
    files: tuple[Path, ...]
    dicom: bool = False
    reference: str | None = None


def find_images(
    folder: Path,
    images: str | None = None,
    references: str | None = None,
    notify: Callable[[str], None] = lambda notice: None,
) -> list[FoundImage]:
    """All images in a folder and its subfolders, in the order of their paths, DICOM series last.

    images: take only files that match this pattern (see Pattern); its `{case}` names the cases. references: pattern of
    the reference that belongs to an image (see ReferenceFinder), with labels as FILE:LABEL,LABEL; what matches it is no
    image itself.
    Segmentations (.seg.nrrd), hidden files and folders that hold a batch's results are passed over. Every stack of
    slices of a DICOM series is an image, localizers are not; they are called series-001 and so on, because folders
    and files of DICOM data tend to be called after patients. A series whose slices lie in several folders is several
    images.
    Raises InputError where the folder cannot be read or holds no image, or where a pattern cannot be understood.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.")
    wanted = None if images is None else Pattern(images)
    reference = None if references is None else ReferenceFinder(references, folder)
    ordinary, others = _sorted_out(folder, notify)
    candidates = [path for path in ordinary if not path.name.lower().endswith(".seg.nrrd")]
    if wanted is not None:
        candidates = [path for path in candidates if wanted.case_of(_below(folder, path)) is not None]
    if reference is not None:
        candidates = [path for path in candidates if not reference.is_one(path)]
    candidates = _without_segmentations(candidates, notify)
    keys = [_case_key(_below(folder, path), wanted) for path in candidates]
    names = unique_names([PurePosixPath(_below(folder, p).parent, k) for p, k in zip(candidates, keys, strict=True)])
    found = [
        FoundImage(name, path, files_of(path), reference=None if reference is None else reference.of(path, key))
        for name, path, key in zip(names, candidates, keys, strict=True)
    ]
    if wanted is None:
        found += _series(others, notify)
    if not found:
        raise InputError(
            f"No image was found in {folder}. Looked for {', '.join(VOLUME_SUFFIXES)}, DICOM and X-ray pictures"
            + (f' that match "{images}".' if images else ".")
        )
    return found


def files_of(image: Path) -> tuple[Path, ...]:
    """All files an image is made of: a header brings its voxels, a DICOM folder its files."""
    if image.is_dir():
        return tuple(sorted(path for path in image.iterdir() if path.is_file()))
    if not image.name.lower().endswith(_HEADER_SUFFIXES):
        return (image,)
    beside = sorted(p for p in image.parent.glob("*") if p.name.startswith(stem(image) + ".") and p != image)
    return (image, *(path for path in beside if path.suffix.lower() in _DATA_SUFFIXES))


def dicom_files_of(image: Path) -> tuple[Path, ...]:
    """The files of the DICOM image that a file belongs to, its whole series; empty for what is not DICOM."""
    if image.is_dir():
        files = files_of(image)
        return files if any(map(is_dicom, files)) else ()
    if image_suffix(image.name) is not None or not is_dicom(image):
        return ()
    with quiet_itk():
        stacks = read_folder(image.parent).stacks
    return next((stack.paths for stack in stacks if image in stack.paths), (image,))


def _sorted_out(folder: Path, notify: Callable[[str], None]) -> tuple[list[Path], list[Path]]:
    """Files that are images by their ending, and all others, sorted; OSError becomes InputError."""
    try:
        files = sorted(files_below(folder, lambda place: not is_run_folder(place)))
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror or error}.", repr(error)) from error
    unnamable = [path for path in files if not _is_text(path)]
    if unnamable:
        notify(
            f"{_listed(unnamable)} left out: the name holds bytes that are not text. Rename what is to be segmented."
        )
    files = [path for path in files if path not in set(unnamable)]
    archives = [path for path in files if path.suffix.lower() == ".zip"]
    if archives:
        notify(f"{_listed(archives)} left out: unpack an archive, or name it in a manifest.")
    ordinary = [path for path in files if _is_image(path)]
    return ordinary, [path for path in files if image_suffix(path.name) is None]


def _is_text(path: Path) -> bool:
    try:
        check_name(path)
    except InputError:
        return False
    return True


def _is_image(path: Path) -> bool:
    suffix = image_suffix(path.name)
    return suffix is not None and (suffix not in _PAIRED or len(files_of(path)) > 1)


def _without_segmentations(images: list[Path], notify: Callable[[str], None]) -> list[Path]:
    """Images but for those called like a segmentation in a folder that holds others too."""
    with_images = {path.parent for path in images if not names_a_segmentation(path)}
    passed = [path for path in images if names_a_segmentation(path) and path.parent in with_images]
    if passed:
        notify(
            f"{_listed(passed)} left out: the name says that it is a segmentation of an image beside it. Rename it, or "
            "name it in a manifest, to segment it as an image."
        )
    return [path for path in images if path not in set(passed)]


def _listed(paths: Sequence[Path]) -> str:
    """Names of files for a notice, the first few of many; bytes that are no text are shown as such."""
    names = [path.name.encode("utf-8", "backslashreplace").decode() for path in paths]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more + (" were" if len(names) > 1 else " was")


def _series(files: list[Path], notify: Callable[[str], None]) -> list[FoundImage]:
    """DICOM images among the files, in the order of their folders.

    A folder is left out where a name in it is no text: that file may be a slice.
    """
    stacks = []
    with quiet_itk():
        for folder in sorted({path.parent for path in files if is_dicom(path)}):
            try:
                stacks += read_folder(folder).stacks
            except VolumeError as error:
                notify(f"The DICOM images in {folder.name} were left out. {error.message}")
    # By their files: stacks that share one, such as the three planes of a localizer, are chosen when it is read.
    shown = dict.fromkeys(stack.paths for stack in stacks if not stack.is_localizer)
    return [
        FoundImage(f"series-{number:03}", paths[0], paths, dicom=True) for number, paths in enumerate(shown, start=1)
    ]


def _case_key(path: PurePosixPath, wanted: Pattern | None) -> str:
    """What `{case}` stands for in the references' pattern."""
    named = wanted.case_of(path) if wanted is not None else None
    return named or unicodedata.normalize("NFC", stem(path))


def _below(folder: Path, path: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(folder).as_posix())
