"""One's own data: a folder of images with references beside them, or a table that names both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from PromptOnceLib.batch.planning.case_names import image_suffix, stem
from PromptOnceLib.batch.planning.manifest import read_manifest
from PromptOnceLib.batch.planning.patterns import Pattern
from PromptOnceLib.batch.planning.plan import PromptChoice
from PromptOnceLib.batch.planning.scan_folder import FoundImage, find_images
from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.datasets.data_set import DataSet, Notify, StudyCase

_IMAGES = ("images", "image", "imagesTr")
_REFERENCES = ("labels", "masks", "references", "segmentations", "label", "mask", "labelsTr")
_ENDINGS = ("", "_seg", "-seg", "_mask", "-mask", "_label", "-label", "_gt", "_lung")
_SUFFIXES = (".seg.nrrd",)  # before .nrrd, which it ends in
ONE_GROUP = "all"
"""The group of cases of which nothing else is said."""


def _folder(folder: Path, notify: Notify) -> Iterator[StudyCase]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.")
    images = next((folder / name for name in _IMAGES if (folder / name).is_dir()), folder)
    found = _with_references(images, folder, notify)
    left_out = [item.name for item in found if item.reference is None]
    if left_out:
        more = " and others" if len(left_out) > 5 else ""
        notify(f"Without a reference, and so left out: {', '.join(left_out[:5])}{more}.")
    for item in found:
        if item.reference is not None:
            below = item.image.relative_to(images).parts
            yield StudyCase(item.name, below[0] if len(below) > 1 else ONE_GROUP, item.image, (item.reference,))


def _with_references(images: Path, folder: Path, notify: Notify) -> list[FoundImage]:
    """The images with their references, by the pattern that finds most of them."""
    best: list[FoundImage] = []
    notices: list[str] = []
    for of_images, of_references in _patterns(images, folder):
        said: list[str] = []
        found = find_images(images, of_images, of_references, said.append)
        if _paired(found) > _paired(best):
            best, notices = found, said
    if not best:
        raise InputError(f"No image in {folder} has a reference.")
    for notice in notices:
        notify(notice)
    return best


def _paired(found: list[FoundImage]) -> int:
    return sum(item.reference is not None for item in found)


def _patterns(images: Path, folder: Path) -> Iterator[tuple[str | None, str]]:
    """Patterns of images, None for all, and of references, that may lead somewhere by what lies in the folders."""
    for name in _REFERENCES:
        place = folder / name
        if place.is_dir():
            for ending, suffix in _in_use(place):
                yield None, f"{place.as_posix()}/{{case}}{ending}{suffix}"
    suffixes = set()
    for ending, suffix in _in_use(images):
        suffixes.add(suffix)
        if ending or suffix in _SUFFIXES:
            yield None, f"{{case}}{ending}{suffix}"
    for suffix in sorted(suffixes):
        for form in ("{{case}}_{word}{suffix}", "{word}_{{case}}{suffix}"):
            own = form.format(word="image", suffix=suffix)
            if any(Pattern(own).case_of(PurePath(path.name)) is not None for path in images.rglob("*")):
                yield from ((own, form.format(word=word, suffix=suffix)) for word in ("label", "mask", "seg"))


def _in_use(place: Path) -> list[tuple[str, str]]:
    """Endings of stems and of names that files in a folder and below have, such as ("_seg", ".nii.gz")."""
    found = set()
    for path in place.rglob("*"):
        suffix = next((s for s in _SUFFIXES if path.name.lower().endswith(s)), image_suffix(path.name))
        if suffix is not None and path.is_file() and not path.name.startswith("."):
            own = path.name[: -len(suffix)] if suffix in _SUFFIXES else stem(path)
            found |= {(ending, suffix) for ending in _ENDINGS if own.lower().endswith(ending)}
    return sorted(found)


def _table(path: Path, notify: Notify) -> Iterator[StudyCase]:
    for case in read_manifest(path, PromptChoice(kind="reference")):
        if case.reference is None:
            raise InputError(f"The case {case.name} of {path.name} has no reference.")
        assert case.image is not None  # a manifest names one
        yield StudyCase(case.name, case.group or ONE_GROUP, case.image, (case.reference,))


FOLDER = DataSet(
    name="folder",
    title="A folder of your own",
    licence="",
    address="",
    layout="Expected are the folders images and labels (or masks) with files of the same names, or references beside "
    "the images, called as these with _seg, _mask or _label at the end, or with label in their names where these have "
    "image. Anything else can be named in a table.",
    complete=0,
    find=_folder,
    same_grid=False,
)

CSV = DataSet(
    name="csv",
    title="A table of your own",
    licence="",
    address="",
    layout="Expected is a CSV file with the columns image and reference, and case and group where you want them; paths "
    "are relative to the file, a reference may name labels as in FILE:1,2.",
    complete=0,
    find=_table,
    same_grid=False,
)
