"""One volume made ready: axis, prompt, window and frames chosen and checked. Every way in comes by here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import AxisChoice, Stack, central_slice, make_stack, parse_axis, slices_along
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.imaging.window import Window, window_from_text
from PromptOnceLib.prompts.conditioning import AnyPrompt, SharedSeed
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.markups_file import Markups
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.walls import Walls, with_points_on_walls
from PromptOnceLib.seeds.apply import SeedSource, seed_window, shared_seed

_MOST_LABELS = 50  # on one slice; more are no parts of one object, or no labels but grey values
_POINT_REACH = 2  # pixels around a positive point that tell what tissue it lies in


@dataclass(frozen=True, eq=False)
class Case:
    """A volume with everything that a propagation needs.

    axis: with the reason for it. prompt: on a slice of the stack or on several, or seeds of other images in its place.
    reference: uint8 0 or 1 in the stack's order (n, rows, columns), or None.
    """

    volume: Volume
    axis: AxisChoice
    stack: Stack
    prompt: AnyPrompt
    reference: NDArray[np.uint8] | None
    notices: tuple[str, ...]

    def starting_at(self, index: int) -> Case:
        """The same with a shared seed that starts on another slice, such as the one most like its frame.

        Raises PromptError where there is no such slice, and for a prompt, which belongs to its slice.
        """
        if not isinstance(self.prompt, SharedSeed):
            raise PromptError(f"The prompt belongs to slice {self.prompt.slice}: it cannot be put on slice {index}.")
        moved = replace(self.prompt, slice=index)
        moved.validate_for(self.stack.frames.shape)
        return replace(self, prompt=moved)


@dataclass(frozen=True, eq=False)
class FramedImage:
    """A volume as the frames of one stack: what a case has before its prompt, and may share with other cases.

    axis: with the reason for it. notices: on the frames; those on the volume are its own.
    """

    volume: Volume
    axis: AxisChoice
    stack: Stack
    notices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Labels:
    """A segmentation to take the prompt from: label values on the volume's grid, KJI.

    name: of the one object that all labels make together. as_mask: its mask on the slice is the prompt, in place of
    box and points as the papers take them.
    """

    array: Array
    name: str = "object"
    as_mask: bool = False


PromptSource = Prompt | PromptSet | ObjectPrompt | Markups | Labels | SeedSource


def prepare_case(
    volume: Volume,
    source: PromptSource,
    axis: str = "auto",
    slice_index: int | None = None,
    window: str = "auto",
    reference: Array | None = None,
    notices: Iterable[str] = (),
) -> Case:
    """Choose axis, prompted slice, window and frames for a prompt.

    source: a complete prompt, which brings its slice; one object, to be put on `slice_index` (None: the central slice);
    markups in mm, whose slice is that of their points; labels, whose slice gives the prompt of the papers; or seeds of
    a library, whose plane is the "auto" axis and whose window is the "auto" window, and with which `slice_index` is
    where the propagation starts. axis: as parse_axis takes it. window: as window_from_text takes it. reference: labels
    on the volume's grid, KJI, compared where they are not 0. notices: what reading the labels gave.

    Raises InputError and its children for what does not fit together.
    """
    choice = _choose_axis(volume, source, axis)
    slices = slices_along(volume.array, choice.axis)
    prompt, of_prompt = _choose_prompt(source, volume, choice.axis, slice_index)
    prompt.validate_for(slices.shape)
    framed = frame_image(volume, choice, _choose_window(window, volume, source, prompt, slices))
    return case_of(framed, prompt, reference, (*notices, *of_prompt))


def frame_image(volume: Volume, axis: AxisChoice, window: Window) -> FramedImage:
    """The frames of a volume's slices along an axis under a window, to be kept for as many cases as need them."""
    stack = make_stack(volume, axis.axis, window)
    black = () if stack.frames.any() else ("The image shows nothing under this window: all slices are black.",)
    return FramedImage(volume, axis, stack, black)


def case_of(
    framed: FramedImage,
    prompt: AnyPrompt,
    reference: Array | None = None,
    notices: Iterable[str] = (),
) -> Case:
    """A prompt, or seeds in its place, on frames that are made already.

    reference: labels on the volume's grid, KJI, compared where they are not 0. notices: on prompt and reference. Raises
    PromptError for a prompt that does not fit the frames.
    """
    prompt.validate_for(framed.stack.frames.shape)
    in_stack = None
    if reference is not None:
        in_stack = np.ascontiguousarray(slices_along(reference, framed.axis.axis) != 0).astype(np.uint8)
    all_notices = (*framed.volume.notices, *notices, *framed.notices)
    return Case(framed.volume, framed.axis, framed.stack, prompt, in_stack, all_notices)


def with_walls(case: Case, others: Array) -> tuple[Case, Walls]:
    """A case that other segments are kept out of: negative points on them beside the boxes of its prompt; and the walls
    that Settings takes.

    others: labels on the volume's grid, KJI, not 0 where the voxels belong to others.
    """
    walls = np.ascontiguousarray(slices_along(others, case.axis.axis) != 0)
    if isinstance(case.prompt, SharedSeed):
        return case, walls
    return replace(case, prompt=with_points_on_walls(case.prompt, walls)), walls


def prompted_values(slice_values: Array, objects: Iterable[ObjectPrompt]) -> Array:
    """Intensities of what is prompted on a slice (rows, columns): of the masks, around the positive points, or, where
    an object has neither, within its box. One-dimensional.
    """
    parts: list[Array] = []
    for item in objects:
        positive = [p for p in item.points if p.positive]
        if item.mask is not None:
            parts.append(slice_values[item.mask_array()])
        elif positive:
            for point in positive:
                row, column = round(point.y), round(point.x)
                rows = slice(max(0, row - _POINT_REACH), row + _POINT_REACH + 1)
                columns = slice(max(0, column - _POINT_REACH), column + _POINT_REACH + 1)
                parts.append(slice_values[rows, columns].ravel())
        elif item.box is not None:
            rows = slice(max(0, round(item.box.y0)), round(item.box.y1) + 1)
            columns = slice(max(0, round(item.box.x0)), round(item.box.x1) + 1)
            parts.append(slice_values[rows, columns].ravel())
    return np.concatenate(parts) if parts else slice_values[:0].ravel()


def _choose_window(window: str, volume: Volume, source: PromptSource, prompt: AnyPrompt, slices: Array) -> Window:
    if not isinstance(prompt, SharedSeed):
        marked = prompt.on(prompt.slice) if isinstance(prompt, PromptSet) else prompt
        values = None if marked is None else prompted_values(slices[marked.slice], marked.objects)
        return window_from_text(window, volume, values)
    assert isinstance(source, SeedSource)
    if window.strip().lower() == "auto":
        return seed_window(source.seeds[0], volume)
    return window_from_text(window, volume)


def _choose_axis(volume: Volume, source: PromptSource, axis: str) -> AxisChoice:
    if isinstance(source, SeedSource) and axis.strip().lower() == "auto" and 1 not in volume.geometry.shape:
        plane = source.seeds[0].record.plane
        planes = [FrameOrientation.of(volume.geometry, candidate).plane for candidate in range(3)]
        return AxisChoice(planes.index(plane), f"the seed is {plane}")
    if not isinstance(source, Prompt | PromptSet) or source.axis is None:
        return parse_axis(axis, volume.geometry)
    if axis != "auto" and parse_axis(axis, volume.geometry).axis != source.axis:
        raise PromptError("The prompt was made for slices along another axis: leave the axis to the prompt.")
    return AxisChoice(source.axis, "the prompt's axis")


def _choose_prompt(
    source: PromptSource, volume: Volume, axis: int, slice_index: int | None
) -> tuple[AnyPrompt, tuple[str, ...]]:
    slices = volume.geometry.shape[axis]
    if isinstance(source, Prompt | PromptSet):
        if slice_index not in (None, source.slice):
            raise PromptError(f"The prompt belongs to slice {source.slice}: it cannot be put on slice {slice_index}.")
        return source.model_copy(update={"axis": axis}), ()
    if slice_index is not None and not 0 <= slice_index < slices:
        raise InputError(f"There is no slice {slice_index}: the volume has slices 0 to {slices - 1} along this axis.")
    if isinstance(source, SeedSource):
        if slice_index is not None:
            source = replace(source, start=slice_index)
        return replace(shared_seed(source, volume.geometry, axis), label=source.label), source.notices
    if isinstance(source, Markups):
        return source.on_slice(volume.geometry, axis, slice_index), ()
    if isinstance(source, ObjectPrompt):
        index = central_slice(slices) if slice_index is None else slice_index
        return Prompt(axis=axis, slice=index, objects=(source,)), ()
    return _prompt_from_labels(slices_along(source.array, axis), source, axis, slice_index)


def _prompt_from_labels(
    labels: Array, source: Labels, axis: int, slice_index: int | None
) -> tuple[Prompt, tuple[str, ...]]:
    """The prompt on the volume's central slice or, where nothing is labelled there, on the object's own.

    labels: those of the source, in the stack's order.
    """
    index, notices = central_slice(len(labels)) if slice_index is None else slice_index, []
    if slice_index is None and not labels[index].any():
        labelled = np.flatnonzero(labels.any(axis=(1, 2)))
        if len(labelled) == 0:
            raise PromptError("The segmentation to take the prompt from is empty: choose one that shows the object.")
        notices.append(
            f"The central slice {index} holds no label: the prompt is on slice {labelled[len(labelled) // 2]}."
        )
        index = int(labelled[len(labelled) // 2])
    count = len(np.unique(labels[index]))
    if count > _MOST_LABELS:
        raise PromptError(
            f"The segmentation to take the prompt from holds {count} different labels on slice {index}: name "
            "those that make the object, FILE:LABEL,LABEL."
        )
    if source.as_mask:
        item = ObjectPrompt(name=source.name, mask=encode_mask(labels[index] != 0))
        return Prompt(axis=axis, slice=index, objects=(item,)), tuple(notices)
    selection = prompt_from_mask(labels[index], name=source.name)
    return Prompt(axis=axis, slice=index, objects=(selection.prompt,)), (*notices, *selection.notices)
