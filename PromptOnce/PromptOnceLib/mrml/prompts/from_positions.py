"""Prompts from what a console has at hand: voxel indices, positions in space, markups of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PromptOnceLib.errors import PromptError
from PromptOnceLib.mrml.grid import Floats, StackGrid
from PromptOnceLib.mrml.prompts.markups import box_of, defined_points, is_placed, roi_corners
from PromptOnceLib.mrml.prompts.prompt_nodes import find_prompts
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.segmentation.segment import Color

Position = Sequence[float]


def prompt_from_positions(
    grid: StackGrid,
    positive: Iterable[Floats],
    negative: Iterable[Floats] = (),
    corners: tuple[Floats, Floats] | None = None,
    name: str = "object",
    color: Color | None = None,
) -> Prompt:
    """A prompt from points and two opposite corners of a box, each (slice, x, y) as StackGrid gives them.

    Raises PromptError where they do not all lie on one slice.
    """
    on, beside, ends = list(positive), list(negative), list(corners or ())
    points = [Point(x=p[1], y=p[2], positive=True) for p in on]
    points += [Point(x=p[1], y=p[2], positive=False) for p in beside]
    box = Box(x0=ends[0][1], y0=ends[0][2], x1=ends[1][1], y1=ends[1][2]) if ends else None
    index = _common_slice([position[0] for position in (*on, *beside, *ends)])
    return Prompt(
        axis=grid.axis, slice=index, objects=(ObjectPrompt(name=name, color=color, box=box, points=tuple(points)),)
    )


def prompt_from_markups(
    grid: StackGrid, roi: Any | None, positive: Any | None, negative: Any | None, name: str = "object"
) -> Prompt:
    """A prompt from a ROI and lists of points, made by anybody; each may be None.

    The slice is that of the points, without points the middle of the ROI. Raises PromptError where the points lie on
    several slices, or where nothing is placed.
    """
    points, slices = [], []
    for node, is_positive in ((positive, True), (negative, False)):
        for _, position in [] if node is None else defined_points(grid, node):
            points.append(Point(x=position[1], y=position[2], positive=is_positive))
            slices.append(position[0])
    box = None
    if roi is not None and is_placed(roi):
        box = box_of(grid, roi)
        slices = slices or [float(roi_corners(grid, roi)[:, 0].mean())]
    return Prompt(
        axis=grid.axis, slice=_common_slice(slices), objects=(ObjectPrompt(name=name, box=box, points=tuple(points)),)
    )


def prompt_of_module(volume_node: Any) -> Prompt:
    """The prompt that was put on a volume with the module, all its objects.

    Raises PromptError where there is none, or where the objects lie on several slices.
    """
    placed = [(nodes, prompt) for nodes in find_prompts(volume_node) if (prompt := nodes.read()) is not None]
    if not placed:
        raise PromptError(f"There is no prompt on {volume_node.GetName()}. Put points or a box on the object.")
    axes = {nodes.grid.axis for nodes, _ in placed}
    if len(axes) > 1:
        raise PromptError("The objects were prompted along different axes. Prompt all of them along one axis.")
    slices = [float(nodes.slice_index() or 0) for nodes, _ in placed]
    return Prompt(axis=axes.pop(), slice=_common_slice(slices), objects=tuple(prompt for _, prompt in placed))


def _common_slice(positions: Sequence[float]) -> int:
    indices = sorted({round(float(position)) for position in positions})
    if not indices:
        raise PromptError("There is no point and no box. Put a point or a box on the object.")
    if len(indices) > 1:
        raise PromptError(
            f"The prompt lies on the slices {', '.join(map(str, indices))}; all of it has to be on one slice."
        )
    return indices[0]
