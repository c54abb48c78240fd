"""Which frames belong together: the series of a folder, and the volumes that one series or file holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.files.names import check_name
from PromptOnceLib.imaging.dicom.frames import Frame, NoImage, read_frames
from PromptOnceLib.imaging.dicom.grid import positions_of
from PromptOnceLib.imaging.dicom.labels import ALWAYS, in_words
from PromptOnceLib.imaging.dicom.tags import OnProgress, same_pixels

_FEWEST_ALONE = 3  # series of a single slice that are taken for one series whose UIDs were changed


@dataclass(frozen=True, eq=False)
class FrameStack:
    """Frames of one series that lie parallel to each other; or all frames of a file that states no places."""

    frames: list[Frame]
    notices: tuple[str, ...] = ()

    @property
    def is_localizer(self) -> bool:
        """Whether it shows where other images lie."""
        return self.frames[0].file.localizer

    @property
    def has_places(self) -> bool:
        """Whether its frames state where they lie."""
        return self.frames[0].place is not None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(dict.fromkeys(frame.path for frame in self.frames))


@dataclass(frozen=True, eq=False)
class Choice:
    """One volume of a stack. words: what tells it from the others, such as "echo 2"."""

    stack: FrameStack
    frames: list[Frame]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Folder:
    """What lies directly in a folder. others: files that give no images."""

    stacks: list[FrameStack] = field(default_factory=list)
    others: list[NoImage] = field(default_factory=list)


def read_folder(folder: Path, on_progress: OnProgress | None = None) -> Folder:
    """The stacks of the DICOM images directly in a folder, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    frames: list[Frame] = []
    others = []
    for number, path in enumerate(files, start=1):
        check_name(path, VolumeError)
        found = read_frames(path)
        if on_progress is not None:
            on_progress(number, len(files))
        if isinstance(found, NoImage):
            others.append(found)
        else:
            frames += found
    return Folder(_joined(group_by_stack(frames)), others)


def group_by_stack(frames: list[Frame]) -> list[FrameStack]:
    """Frames grouped into stacks; projections and files without places are stacks of their own."""
    groups: dict[tuple[object, ...], list[list[Frame]]] = {}
    for frame in frames:
        same_series = groups.setdefault(_series_of(frame), [])
        group = next((group for group in same_series if _parallel(frame, group[0])), None)
        if group is None:
            same_series.append([frame])
        else:
            group.append(frame)
    return [FrameStack(group) for same_series in groups.values() for group in same_series]


def volumes_of(stack: FrameStack) -> list[Choice]:
    """The volumes of a stack in the order of their frames: one, or several where images lie at the same places.

    Images are told apart by the labels that divide them into volumes of about as many positions each.
    """
    if len(stack.frames) == 1 or stack.frames[0].place is None:
        return [Choice(stack, stack.frames)]
    return [Choice(stack, frames, words) for frames, words in _divided(stack.frames, ())]


def without_copies(stack: FrameStack) -> FrameStack:
    """Leaves out files that hold the same pixels at the same place as another, under the same labels."""
    kept: dict[tuple[object, ...], list[Frame]] = {}
    copies = 0
    for frame in stack.frames:
        place = () if frame.place is None else tuple(round(value, 3) for value in frame.place.position)
        same = kept.setdefault((place, tuple(frame.labels.items())), [])
        if frame.file.count == 1 and any(same_pixels(frame.path, other.path) for other in same):
            copies += 1
        else:
            same.append(frame)
    if not copies:
        return stack
    left = {id(frame) for frames in kept.values() for frame in frames}
    notice = f"{copies} files of the series are copies, with the pixels and the place of others, and were left out."
    return FrameStack([frame for frame in stack.frames if id(frame) in left], (*stack.notices, notice))


def _series_of(frame: Frame) -> tuple[object, ...]:
    """What frames of one stack share. A file of many frames is a series by itself unless it is part of a larger one."""
    file = frame.file
    series = file.series
    if frame.place is None or file.count > 1:
        series = file.concatenation or str(file.path)
    return series, file.subject, file.scanner.modality, file.size, file.samples


def _parallel(frame: Frame, other: Frame) -> bool:
    if frame.place is None or other.place is None:
        return frame.place is other.place
    return bool(np.allclose(frame.spacing, other.spacing, rtol=1e-3)) and frame.place.parallel_to(other.place)


def _joined(stacks: list[FrameStack]) -> list[FrameStack]:
    """Series of a single slice each that agree in everything else are one series."""
    alone: dict[tuple[object, ...], list[FrameStack]] = {}
    for stack in stacks:
        frame = stack.frames[0]
        file, known = frame.file, frame.place is not None and len(stack.frames) == 1
        if known and file.study and file.frame_of_reference:
            where = file.study, file.subject, file.frame_of_reference
            alone.setdefault((*where, file.scanner, file.size, file.samples, file.localizer), []).append(stack)
    joined: list[FrameStack] = []
    for same in alone.values():
        parts = [stack for stack in same if _parallel(stack.frames[0], same[0].frames[0])]
        if len(parts) >= _FEWEST_ALONE:
            frames = [stack.frames[0] for stack in parts]
            notice = (
                f"Each of {len(frames)} slices states a series of its own. They agree in study, frame of reference, "
                "scanner and description: they were taken as one series."
            )
            joined.append(FrameStack(frames, (notice,)))
    taken = {id(frame) for stack in joined for frame in stack.frames}
    return [*joined, *(stack for stack in stacks if id(stack.frames[0]) not in taken)]


def _divided(frames: list[Frame], words: tuple[str, ...]) -> list[tuple[list[Frame], tuple[str, ...]]]:
    numbers = positions_of(frames)
    double = len(set(numbers.tolist())) < len(frames)
    for name in dict.fromkeys(name for frame in frames for name in frame.labels):
        values = list(dict.fromkeys(frame.labels.get(name, "") for frame in frames))
        if len(values) < 2 or not (double or name in ALWAYS):
            continue
        chosen = [np.array([frame.labels.get(name, "") == value for frame in frames]) for value in values]
        if not _divides([numbers[mask] for mask in chosen], double, name):
            continue
        parts = []
        for value, mask in zip(values, chosen, strict=True):
            part = [frame for frame, taken in zip(frames, mask, strict=True) if taken]
            parts += _divided(part, (*words, in_words(name, value, values)))
        return parts
    return [(frames, words)]


def _divides(parts: list[NDArray[np.int_]], double: bool, name: str) -> bool:
    """Whether parts, given by the numbers of their positions, are volumes.

    Where positions are double, each part fills more than half of them; else each has several slices, and lies among
    those of the others, or is a stack by itself.
    """
    sets = [set(part.tolist()) for part in parts]
    every = set.union(*sets)
    if double:
        return all(2 * len(part) > len(every) for part in sets)
    if min(map(len, sets)) < 2:
        return False
    ranges = sorted((min(part), max(part)) for part in sets)
    return name == "stack" or all(after[0] < before[1] for before, after in pairwise(ranges))
