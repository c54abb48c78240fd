"""DICOM images: a whole series from its folder or from one of its files, one volume of several, or a single X-ray."""

from __future__ import annotations

import re
from pathlib import Path

from PromptOnceLib.errors import SeveralVolumesError, VolumeError
from PromptOnceLib.imaging.dicom.frames import SLICE_MODALITIES, Frame, NoImage, read_frames
from PromptOnceLib.imaging.dicom.grid import order_slices
from PromptOnceLib.imaging.dicom.stacks import (
    Choice,
    FrameStack,
    group_by_stack,
    read_folder,
    volumes_of,
    without_copies,
)
from PromptOnceLib.imaging.dicom.tags import OnProgress
from PromptOnceLib.imaging.dicom.values import read_values
from PromptOnceLib.imaging.dicom_source import DicomSource
from PromptOnceLib.imaging.formats.quiet import quiet_itk
from PromptOnceLib.imaging.volume import Geometry, Volume

_SUFFIXES = (".dcm", ".dicom", ".ima")
_MOST_LISTED = 20


def read_dicom_folder(folder: Path, volume: str | None = None, on_progress: OnProgress | None = None) -> Volume:
    """The series in a folder; of several the one with most slices, localizers last, with a notice.

    volume: which one of all volumes in the folder, by number (from 1) or name. Raises VolumeError where the folder
    directly holds no DICOM image, for series that fill no regular grid, and where files are damaged that seem to
    belong to the series; SeveralVolumesError where there are several to choose from.
    """
    with quiet_itk():
        found = read_folder(folder, on_progress)
        if not found.stacks:
            raise VolumeError(_nothing_in(folder, found.others))
        stacks = [without_copies(stack) for stack in found.stacks]
        main = [stack for stack in stacks if not stack.is_localizer] or stacks
        if volume is not None:
            choice, notices = _chosen(main, volume), []
        else:
            longest = max(main, key=lambda stack: len(stack.frames))
            _check_places(longest, main)
            choice = _only(longest, main)
            notices = [_of_several(longest, len(main))] if len(main) > 1 else []
        return _read(choice, [*notices, *_about_damaged(choice, found.others)])


def read_dicom_file(path: Path, volume: str | None = None, on_progress: OnProgress | None = None) -> Volume:
    """The image of a file; a slice of a series brings the whole series from its folder, with a notice.

    volume: which one of the volumes in the file or its series, by number (from 1) or name. Raises VolumeError for DICOM
    files that are not images, and as read_dicom_folder.
    """
    with quiet_itk():
        frames = read_frames(path, on_progress)
        if isinstance(frames, NoImage):
            raise VolumeError(_sentence(frames))
        stacks, others = group_by_stack(frames), []
        if frames[0].place is not None and (frames[0].file.count == 1 or frames[0].file.concatenation):
            beside = read_folder(path.parent, on_progress)
            others = beside.others
            stacks = [stack for stack in beside.stacks if path in stack.paths] or stacks
            _check_places(stacks[0], beside.stacks)
        stacks = [without_copies(stack) for stack in stacks]
        files = len({other for stack in stacks for other in stack.paths})
        notices = []
        if files > 1:
            slices = sum(len(stack.frames) for stack in stacks)
            notices.append(f"{path.name} belongs to a series of {slices} slices: the whole series was read.")
        if volume is not None:
            choice = _chosen(stacks, volume)
        elif len(stacks) > 1:
            raise _several(stacks)
        else:
            choice = _only(stacks[0], stacks)
        return _read(choice, [*notices, *_about_damaged(choice, others)])


def _only(stack: FrameStack, stacks: list[FrameStack]) -> Choice:
    """The volume of a stack that holds one; SeveralVolumesError lists all that are in the stacks."""
    volumes = volumes_of(stack)
    if len(volumes) > 1:
        raise _several(stacks)
    return volumes[0]


def _chosen(stacks: list[FrameStack], wanted: str) -> Choice:
    choices = [choice for stack in stacks for choice in volumes_of(stack)]
    text = wanted.strip().casefold()
    if text.isdecimal() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    names = [_name(choice, stacks).casefold() for choice in choices]
    exact = [c for c, name in zip(choices, names, strict=True) if text == name or text in name.split(", ")]
    found = exact or [c for c, name in zip(choices, names, strict=True) if text and text in name]
    if len(found) == 1:
        return found[0]
    problem = f'"{wanted}" is {"none" if not found else "more than one"} of the volumes'
    raise SeveralVolumesError(f"{problem}: {_listed(stacks)}.")


def _several(stacks: list[FrameStack]) -> SeveralVolumesError:
    count = sum(len(volumes_of(stack)) for stack in stacks)
    return SeveralVolumesError(f"There are {count} volumes, choose one by number or name: {_listed(stacks)}.")


def _listed(stacks: list[FrameStack]) -> str:
    choices = [choice for stack in stacks for choice in volumes_of(stack)]
    lines = [f"{number} ({_name(choice, stacks)})" for number, choice in enumerate(choices, start=1)]
    more = len(lines) - _MOST_LISTED
    return ", ".join(lines[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _name(choice: Choice, stacks: list[FrameStack]) -> str:
    """What tells a volume from the others: its labels; where there are several series, plane and description."""
    parts = list(choice.words)
    first = choice.frames[0]
    if len(stacks) > 1:
        if len({stack.frames[0].file.series for stack in stacks}) > 1:
            parts = [first.file.scanner.series_description, *parts]
        if first.place is not None:
            parts.append(first.place.plane())
    return ", ".join([part for part in parts if part] + [f"{len(choice.frames)} slices"])


def _of_several(stack: FrameStack, count: int) -> str:
    scanner = stack.frames[0].file.scanner
    parts = [f"{len(stack.frames)} slices", scanner.modality, scanner.series_description]
    return (
        f"The folder holds {count} image series; the one with most slices was taken "
        f"({', '.join(part for part in parts if part)}). To choose another, give a file of that series instead of the "
        "folder."
    )


def _read(choice: Choice, notices: list[str]) -> Volume:
    frames = choice.frames
    found: list[str] = []
    first = frames[0]
    if first.place is not None:
        frames, geometry, found = order_slices(frames)
    else:
        geometry = _geometry_of_file(first)
        found = _without_places(first)
    values = read_values(frames)
    if not first.file.spacing_stated:
        found.append("The image states no pixel size: 1 mm is assumed, so distances are in pixels.")
    told = (*choice.stack.notices, *notices, *found, *values.notices)
    scanner = first.file.scanner
    return Volume(
        values.array,
        geometry,
        scanner.modality,
        scanner,
        told,
        values.window,
        values.padding,
        first.file.spacing_stated,
        DicomSource.of((frame.path for frame in frames), first.place is not None),
    )


def _geometry_of_file(first: Frame) -> Geometry:
    """Of all frames of a file in their order, where these have no places of their own."""
    size, spacing = (*first.file.size, first.file.count), (*first.spacing, _between(first))
    place = first.file.first_place
    return Geometry(size, spacing) if place is None else Geometry(size, spacing, place.position, place.direction())


def _between(first: Frame) -> float:
    return 1.0 if first.file.count == 1 or first.thickness is None else first.thickness


def _without_places(first: Frame) -> list[str]:
    """Notices about an image whose place in the patient is not stated."""
    file = first.file
    if file.count > 1:
        apart = f"{_between(first):.4g} mm apart" + ("" if first.thickness else ", which is assumed")
        return [f"The file holds {file.count} frames without places: they are taken as slices in their order, {apart}."]
    if file.scanner.modality in SLICE_MODALITIES:
        return [f"{file.path.name} does not state where it lies in the patient: it is taken by itself."]
    return []


def _check_places(chosen: FrameStack, stacks: list[FrameStack]) -> None:
    """VolumeError where slices of the series do not state where they lie."""
    file = chosen.frames[0].file
    same = [frame.file for stack in stacks for frame in stack.frames if frame.file.series == file.series]
    first = [stack.frames[0].file for stack in stacks if not stack.has_places]
    lost = [other for other in first if other.series == file.series]
    if file.count > 1 or file.scanner.modality not in SLICE_MODALITIES or len(same) < 2 or not lost:
        return
    raise VolumeError(
        f"{len(lost)} of {len(same)} files of the series do not state where they lie in the patient, among them "
        f"{lost[0].path.name}: their order is unknown. Export the series again with positions; one file by itself can "
        "be given, too."
    )


def _about_damaged(choice: Choice, others: list[NoImage]) -> list[str]:
    """Notices about damaged files; VolumeError for those that are called like files of the series."""
    damaged = [other for other in others if other.damaged]
    shapes = {_shape(frame.path) for frame in choice.frames}
    missing = [other for other in damaged if _shape(other.path) in shapes]
    if missing:
        more = f" ({len(missing)} such files)" if len(missing) > 1 else ""
        raise VolumeError(
            f"{missing[0].path.name} {missing[0].reason}{more}: a slice of the series may be missing. Copy the series "
            "again, or take the file out of the folder if it does not belong to it."
        )
    named = [other for other in damaged if other.path.suffix.lower() in _SUFFIXES]
    return [f"{other.path.name} {other.reason}: it was left out." for other in named]


def _shape(path: Path) -> str:
    """A file name without its numbers, decimal or hexadecimal: files of one series are called alike."""
    return re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", path.name.lower())


def _nothing_in(folder: Path, others: list[NoImage]) -> str:
    what = next((f" {_sentence(other)}" for other in others if other.known), "")
    return (
        f"{folder} holds no DICOM image.{what} Give the folder in which the DICOM files themselves lie, or the file of "
        "an image."
    )


def _sentence(other: NoImage) -> str:
    todo = "Copy or export it again." if other.damaged else "Choose a file of the image series."
    return f"{other.path.name} {other.reason}. {todo}"
