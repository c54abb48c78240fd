"""What seeds need of nodes: what the user calls a volume's scanner, and masks as they were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.scanner import Scanner
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import SeedSource, shared_seed

_SCANNER = "PromptOnce.Scanner"


def scanner_name(volume_node: Any) -> str:
    """What the user calls the scanner of a series, "" where he has not named it; saved with the scene."""
    return str(volume_node.GetAttribute(_SCANNER) or "")


def name_scanner(volume_node: Any, name: str) -> None:
    """Keep what the user calls the scanner of a series; "" takes the name away."""
    volume_node.SetAttribute(_SCANNER, " ".join(name.split())[:200] or None)


def scanner_in_words(scanner: Scanner | None) -> str:
    """What the DICOM tags say about a scanner, in one line; "" where there are none."""
    if scanner is None:
        return ""
    parts = (scanner.manufacturer, scanner.model, scanner.station, scanner.kernel or scanner.sequence)
    return " ".join(part for part in parts if part)


def masks_of_segments(
    volume_node: Any, axis: int, index: int, segmentation_node: Any, segment_ids: Sequence[str] | None
) -> list[NDArray[np.bool_]]:
    """What segments hold on one slice of a volume, (rows, columns) each; by default all, in their order.

    Raises SeedError where a segment is gone.
    """
    labelmap.check_segmentation_node(segmentation_node)
    if segment_ids is None:
        segment_ids = segmentation_node.GetSegmentation().GetSegmentIDs()
    masks = []
    for segment_id in segment_ids:
        if segmentation_node.GetScene() is None or segmentation_node.GetSegmentation().GetSegment(segment_id) is None:
            raise SeedError("The segment with the accepted mask was removed. Segment the slice again.")
        array = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation_node, segment_id, volume_node)
        masks.append(slices_along(array, axis)[index] > 0)
    return masks


def placed(source: SeedSource, geometry: Geometry, axis: int) -> SharedSeed:
    """What takes the prompt's place for a volume, called by its seeds. Raises as shared_seed."""
    return replace(shared_seed(source, geometry, axis), label=source.label)
