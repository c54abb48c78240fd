"""One volume made ready: axis, prompt, window and frames chosen and checked. Every way in comes by here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.prompt_source import PromptSource, choose_axis_for, choose_prompt
from PromptOnceLib.errors import PromptError
from PromptOnceLib.imaging.stack import AxisChoice, Stack, make_stack, slices_along
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.imaging.window import Window, window_from_text
from PromptOnceLib.prompts.conditioning import AnyPrompt, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.walls import Walls, with_points_on_walls
from PromptOnceLib.seeds.apply import SeedSource, seed_window
from PromptOnceLib.segmentation.segment import Labels

Reference = Array | Sequence[Labels]
"""Labels on the volume's grid, KJI, compared where they are not 0; or objects by name."""

_POINT_REACH = 2  # pixels around a positive point that tell what tissue it lies in


@dataclass(frozen=True, eq=False)
class Case:
    """A volume with everything that a propagation needs.

    axis: with the reason for it. prompt: on a slice of the stack or on several, or seeds of other images in its place.
    reference: uint8 0 or 1 in the stack's order (n, rows, columns), or None. references: the same for objects by their
    names, where the reference names any.
    """

    volume: Volume
    axis: AxisChoice
    stack: Stack
    prompt: AnyPrompt
    reference: NDArray[np.uint8] | None
    notices: tuple[str, ...]
    references: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    def reference_of(self, index: int) -> NDArray[np.uint8] | None:
        """What the object at this place is compared with; the whole reference where there is one object alone."""
        objects = self.prompt.objects
        named = self.references.get(objects[index].name.casefold())
        return self.reference if named is None and len(objects) == 1 else named

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


def prepare_case(
    volume: Volume,
    source: PromptSource,
    axis: str = "auto",
    slice_index: int | None = None,
    window: str = "auto",
    reference: Reference | None = None,
    notices: Iterable[str] = (),
) -> Case:
    """Choose axis, prompted slice, window and frames for a prompt.

    source: a complete prompt, which brings its slice; one object, to be put on `slice_index` (None: the central slice);
    markups in mm, whose slice is that of their points; labels, whose slice gives the prompt of the papers; several of
    these three, an object each; or seeds of a library, whose plane is the "auto" axis and whose window is the "auto"
    window, and with which `slice_index` is where the propagation starts. axis: as parse_axis takes it. window: as
    window_from_text takes it. reference: labels on the volume's grid, KJI, compared where they are not 0; or objects,
    compared with those of the same names, all of them together with the union. notices: what reading the labels gave.

    Raises InputError and its children for what does not fit together.
    """
    choice = choose_axis_for(volume, source, axis)
    slices = slices_along(volume.array, choice.axis)
    prompt, of_prompt = choose_prompt(source, volume, choice.axis, slice_index)
    prompt.validate_for(slices.shape)
    if isinstance(source, SeedSource) and window.strip().lower() == "auto":
        chosen = seed_window(source.seeds[0], volume)
    else:
        chosen = window_for(window, volume, slices, None if isinstance(prompt, SharedSeed) else prompt)
    framed = frame_image(volume, choice, chosen)
    return case_of(framed, prompt, reference, (*notices, *of_prompt))


def frame_image(volume: Volume, axis: AxisChoice, window: Window) -> FramedImage:
    """The frames of a volume's slices along an axis under a window, to be kept for as many cases as need them."""
    stack = make_stack(volume, axis.axis, window)
    black = () if stack.frames.any() else ("The image shows nothing under this window: all slices are black.",)
    return FramedImage(volume, axis, stack, black)


def case_of(
    framed: FramedImage,
    prompt: AnyPrompt,
    reference: Reference | None = None,
    notices: Iterable[str] = (),
) -> Case:
    """A prompt, or seeds in its place, on frames that are made already.

    reference: as prepare_case takes it. notices: on prompt and reference. Raises PromptError for a prompt that does not
    fit the frames.
    """
    prompt.validate_for(framed.stack.frames.shape)
    whole, by_name, of_reference = in_stack(reference, framed.axis.axis, prompt)
    all_notices = (*framed.volume.notices, *notices, *of_reference, *framed.notices)
    return Case(framed.volume, framed.axis, framed.stack, prompt, whole, all_notices, by_name)


def in_stack(
    reference: Reference | None, axis: int, prompt: AnyPrompt
) -> tuple[NDArray[np.uint8] | None, dict[str, NDArray[np.uint8]], tuple[str, ...]]:
    """The whole reference, and those of its objects that the prompt has, too, by name: in the order of a stack along an
    axis; and what is to be said of them.
    """

    def turned(array: Array) -> NDArray[np.uint8]:
        return np.ascontiguousarray(slices_along(array, axis) != 0).astype(np.uint8)

    if reference is None or isinstance(reference, np.ndarray):
        return None if reference is None else turned(reference), {}, ()
    wanted = {item.name.casefold(): item.name for item in prompt.objects}
    whole = np.zeros([0], np.uint8)
    by_name: dict[str, NDArray[np.uint8]] = {}
    for item in reference:
        mask = turned(item.holding)
        whole = np.maximum(whole, mask) if whole.size else mask
        if item.name.casefold() in wanted:
            by_name[item.name.casefold()] = mask
    missing = [name for key, name in wanted.items() if key not in by_name]
    if not missing or len(wanted) == 1:
        return whole, by_name, ()
    there = ", ".join(item.name for item in reference)
    return whole, by_name, (f"The reference holds nothing called {', '.join(missing)}; it holds: {there}.",)


def with_walls(case: Case, others: Array) -> tuple[Case, Walls]:
    """A case that other segments are kept out of: negative points on them beside the boxes of its prompt; and the walls
    that Settings takes.

    others: labels on the volume's grid, KJI, not 0 where the voxels belong to others.
    """
    walls = np.ascontiguousarray(slices_along(others, case.axis.axis) != 0)
    if isinstance(case.prompt, SharedSeed):
        return case, walls
    return replace(case, prompt=with_points_on_walls(case.prompt, walls)), walls


def window_for(window: str, volume: Volume, slices: Array, prompt: Prompt | PromptSet | None) -> Window:
    """The window of this name, as window_from_text takes it; "auto" looks at what is prompted.

    slices: of the volume along the axis, (n, rows, columns). prompt: on one of them, or on several, where one counts.
    Raises InputError for what is no window.
    """
    marked = prompt.on(prompt.slice) if isinstance(prompt, PromptSet) else prompt
    values = None if marked is None else prompted_values(slices[marked.slice], marked.objects)
    return window_from_text(window, volume, values)


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
