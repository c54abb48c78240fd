"""One slice of an image to be looked at before anything is segmented, with the prompt on it where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cases.prompt_source import PromptSource
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.facts import ImageFacts, edge_letters, image_facts
from PromptOnceLib.imaging.stack import AXIS_NAMES, central_slice, parse_axis, pixel_spacing, slices_along
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.imaging.window import to_uint8, window_from_text
from PromptOnceLib.prompts.drawn import marks_on
from PromptOnceLib.segmentation.ruled_picture import ruled_picture


@dataclass(frozen=True, eq=False)
class SliceView:
    """frame: uint8 (rows, columns) as stored, slice `index` along array axis `axis`. case: where there is a prompt."""

    volume: Volume
    facts: ImageFacts
    axis: int
    index: int
    frame: NDArray[np.uint8]
    case: Case | None
    notices: tuple[str, ...]


class ShowReport(ImageFacts):
    """What `promptonce show` says of an image. slice: the one of the picture. picture: the file that was written."""

    slice: int
    picture: str
    notices: list[str]


def slice_view(
    volume: Volume,
    source: PromptSource | None = None,
    axis: str = "auto",
    slice_index: int | None = None,
    window: str = "auto",
    notices: Sequence[str] = (),
) -> SliceView:
    """The slice of a prompt, or the one at slice_index, None for the central one; arguments as of prepare_case.

    Raises InputError and its children.
    """
    if source is not None:
        case = prepare_case(volume, source, axis, slice_index, window, notices=notices)
        index, choice, mapping = case.prompt.slice, case.axis, case.stack.window
        facts = image_facts(volume, choice, mapping)
        return SliceView(volume, facts, choice.axis, index, case.stack.frames[index], case, case.notices)
    choice = parse_axis(axis, volume.geometry)
    slices = slices_along(volume.array, choice.axis)
    index = central_slice(len(slices)) if slice_index is None else slice_index
    if index >= len(slices):
        raise InputError(f"There is no slice {index}: the volume has slices 0 to {len(slices) - 1} along this axis.")
    mapping = window_from_text(window, volume)
    frame = to_uint8(slices[index : index + 1], mapping)[0]
    facts = image_facts(volume, choice, mapping)
    return SliceView(volume, facts, choice.axis, index, frame, None, (*volume.notices, *notices))


def write_slice_view(view: SliceView, path: Path) -> None:
    """Write the slice between rulers as a PNG. Raises InputError where it cannot be written."""
    geometry, facts = view.volume.geometry, view.facts
    ruled_picture(
        view.frame,
        pixel_spacing(geometry, view.axis)[:2],
        path,
        title=f"slice {view.index} of {facts.slices} along {AXIS_NAMES[view.axis]}, as stored, window {facts.window}",
        sides=edge_letters(geometry, view.axis),
        marks=() if view.case is None else marks_on(view.case.prompt, view.index),
    )
