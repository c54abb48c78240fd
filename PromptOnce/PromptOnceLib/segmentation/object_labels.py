"""Objects of a segmentation file by name: for prompts, references and evaluation.

A file is written FILE, FILE:LABEL,LABEL (these labels make one object) or FILE:LABEL=NAME,LABEL=NAME (an object for
every name); labels are numbers or, for .seg.nrrd and DICOM SEG, names of segments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.segmentation.io import SegmentationFile, keeps_names, read_segmentation
from PromptOnceLib.segmentation.reference import (
    joined_segments,
    on_image_grid,
    parse_reference,
    place_of_segment,
    read_reference,
)
from PromptOnceLib.segmentation.segment import Labels


@dataclass(frozen=True)
class ObjectChoice:
    """What FILE:LABEL=NAME,... says. names: the labels of every name; empty where none is named."""

    path: Path
    labels: tuple[int | str, ...] | None
    names: dict[str, tuple[int | str, ...]]


def parse_objects(text: str) -> ObjectChoice:
    """Path, labels and names of a text. Raises SegmentationFileError where some labels have a name and others none."""
    path, labels = parse_reference(text)
    named: dict[str, tuple[int | str, ...]] = {}
    plain: list[int | str] = []
    for label in labels or ():
        key, equals, name = str(label).partition("=")
        key, name = key.strip(), name.strip()
        if not equals:
            plain.append(label)
            continue
        if not key or not name:
            raise SegmentationFileError(f'"{label}" is not LABEL=NAME, such as 5=liver.')
        named[name] = (*named.get(name, ()), int(key) if key.isdecimal() else key)
    if named and plain:
        raise SegmentationFileError(
            f"{', '.join(map(str, plain))} has no name, other labels have one. Give every label a name, LABEL=NAME, or "
            "none."
        )
    chosen = tuple(label for group in named.values() for label in group) if named else labels
    return ObjectChoice(path, chosen, named)


def read_objects(
    text: str, geometry: Geometry, notify: Callable[[str], None] = lambda notice: None, name: str = "object"
) -> list[Labels]:
    """The objects of FILE[:LABEL[=NAME],...] on the grid of an image, in the order in which they are named.

    Without names all labels together are the one object `name`; where these are several, `notify` gets a sentence that
    says so. Overlapping segments keep all their voxels where they are named. Errors and other notices are those of
    read_reference.
    """
    choice = parse_objects(text)
    if not choice.names:
        array = read_reference(choice.path, geometry, choice.labels, notify)
        values = [str(value) for value in np.unique(array) if value]
        if len(values) > 1:
            notify(
                f"The labels {_few(values)} of {choice.path.name} are taken as one object, {name}. To keep them apart "
                f"name them, FILE:{values[0]}=NAME,{values[1]}=NAME."
            )
        return [Labels(array, name)]
    if not keeps_names(choice.path):
        array = read_reference(choice.path, geometry, choice.labels, notify)
        return [Labels(array, key, tuple(map(int, values))) for key, values in choice.names.items()]
    return _from_segments(read_segmentation(choice.path), choice, geometry, notify)


def named_objects(
    text: str, geometry: Geometry, notify: Callable[[str], None] = lambda notice: None
) -> list[Labels] | Array:
    """A reference: its objects where they have names, as those of .seg.nrrd do, else all its labels as one array, KJI.

    Names in the text come before those of the file. Errors and notices are those of read_reference.
    """
    choice = parse_objects(text)
    if choice.names:
        return read_objects(text, geometry, notify)
    if keeps_names(choice.path):
        return segment_choice(choice, geometry, notify)
    return read_reference(choice.path, geometry, choice.labels, notify)


def segment_choice(choice: ObjectChoice, geometry: Geometry, notify: Callable[[str], None]) -> list[Labels]:
    """The segments of a file that keeps names, all of them or those that are chosen, each by itself."""
    file = read_segmentation(choice.path)
    wanted = range(1, len(file.segments) + 1) if choice.labels is None else choice.labels
    names: dict[str, tuple[int | str, ...]] = {}
    for place in dict.fromkeys(place_of_segment(file, one, choice.path) for one in wanted):
        name = file.segments[place].name
        names[f"{name} ({place + 1})" if name in names else name] = (place + 1,)
    return _from_segments(file, ObjectChoice(choice.path, None, names), geometry, notify)


def _from_segments(
    file: SegmentationFile, choice: ObjectChoice, geometry: Geometry, notify: Callable[[str], None]
) -> list[Labels]:
    """The objects that a choice names, each with all its voxels on the grid of an image; a notice is given once.

    They share one array where no voxel is part of several: a hundred of their own would fill the memory.
    """
    all_labels = [label for labels in choice.names.values() for label in labels]
    array, overlap = joined_segments(file, all_labels, choice.path)
    if not overlap:
        array = on_image_grid(array, file.geometry, choice.path, geometry, notify)
        return [
            Labels(array, name, tuple(place_of_segment(file, label, choice.path) + 1 for label in labels))
            for name, labels in choice.names.items()
        ]
    told: dict[str, None] = {}
    found = []
    for name, labels in choice.names.items():
        array, _ = joined_segments(file, labels, choice.path)
        found.append(Labels(on_image_grid(array, file.geometry, choice.path, geometry, told.setdefault), name))
    for notice in told:
        notify(notice)
    return found


def _few(values: list[str], most: int = 6) -> str:
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")
