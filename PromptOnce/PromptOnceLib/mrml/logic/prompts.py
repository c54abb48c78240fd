"""Prompts for Python's console: from voxel indices, positions, markups and segmentations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from PromptOnceLib.imaging.stack import parse_axis
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.prompts.from_positions import (
    Position,
    prompt_from_markups,
    prompt_from_positions,
    prompt_of_module,
)
from PromptOnceLib.mrml.segmentations.reference import read_reference_node
from PromptOnceLib.mrml.segmentations.segment_result import read_segment_result
from PromptOnceLib.mrml.volumes import check_volume_node, volume_geometry
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.strategies.slice_prompts import check_prompted
from PromptOnceLib.segmentation.segment import Labels


class PromptLogic:
    """Part of Console. Positions are voxel indices IJK or RAS in mm, as the methods' names say."""

    def promptFromIJK(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        positive: Iterable[Position] = (),
        negative: Iterable[Position] = (),
        box: tuple[Position, Position] | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """A prompt from voxel indices (i, j, k): points on the object and beside it, two opposite corners of a box.

        Raises PromptError unless all of them lie on one slice along the axis.
        """
        grid = _grid(volumeNode, axis)
        ends = None if box is None else (grid.from_ijk(box[0]), grid.from_ijk(box[1]))
        return prompt_from_positions(grid, map(grid.from_ijk, positive), map(grid.from_ijk, negative), ends, name)

    def promptFromRAS(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        positive: Iterable[Position] = (),
        negative: Iterable[Position] = (),
        box: tuple[Position, Position] | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """As promptFromIJK, from positions in the world, RAS in mm; parent transforms count."""
        grid = _grid(volumeNode, axis)
        ends = None if box is None else (grid.from_world(box[0]), grid.from_world(box[1]))
        return prompt_from_positions(grid, map(grid.from_world, positive), map(grid.from_world, negative), ends, name)

    def promptFromMarkups(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        roi: Any | None = None,
        positive: Any | None = None,
        negative: Any | None = None,
        axis: str = "auto",
        name: str = "object",
    ) -> Prompt:
        """A prompt from a ROI node and point list nodes; without any, the one that was made with the module.

        Raises PromptError where nothing is placed or points lie on several slices.
        """
        if roi is None and positive is None and negative is None:
            return prompt_of_module(volumeNode)
        return prompt_from_markups(_grid(volumeNode, axis), roi, positive, negative, name)

    def promptFromReference(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        reference: Any,
        segmentIds: Sequence[str] | None = None,  # noqa: N803
        name: str = "object",
        asMask: bool = False,  # noqa: N803
        strategy: str = "paper",
    ) -> Labels:
        """The prompt that the papers take from a segmentation or label map node, on the volume's central slice.

        asMask: or the mask itself on that slice. strategy: or, of Huang et al., one positive point ("S2"), five ("S3"),
        five and five negative ones ("S4"), the box ("S5"), the box and one point ("S6"). Where nothing is labelled
        there it is taken from the middle of the labelled slices, with a notice of the run.
        """
        check_prompted(strategy)
        labels = read_reference_node(volumeNode, reference, segmentIds).labels
        return Labels(labels, name, as_mask=asMask, strategy=strategy)

    def promptFromSegment(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        segmentationNode: Any,  # noqa: N803
        segmentId: str,  # noqa: N803
        slice: int | None = None,
        axis: str = "auto",
    ) -> Prompt:
        """The mask of a segment on one slice as a prompt, with the segment's name, colour and terminology.

        slice: index along the axis, None for the one in the middle of the segment. Raises InputError where the segment
        is not there, or is empty on the slice.
        """
        along = parse_axis(axis, volume_geometry(volumeNode)).axis
        segment = read_segment_result(volumeNode, segmentationNode, segmentId, along)
        if slice is None:
            shown = np.flatnonzero(segment.result.masks[0].any(axis=(1, 2)))
            slice = int(shown[len(shown) // 2]) if len(shown) else 0
        return Prompt(axis=along, slice=slice, objects=(segment.marks(slice),))


def _grid(volume_node: Any, axis: str) -> StackGrid:
    check_volume_node(volume_node)
    return StackGrid(volume_node, parse_axis(axis, volume_geometry(volume_node)).axis)
