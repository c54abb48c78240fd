"""A small chest as a volume node, its lungs, and what a run has found in it."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.volumes import OBLIQUE, TRANSFORMS, add_volume, ijk_to_ras
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation

SHAPE = (5, 96, 96)
SPACING = (3.7, 3.7, 20.0)
MIDDLE = 2


@pytest.fixture(scope="module")
def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Voxels of a small chest and its lungs."""
    volume, labels = chest_phantom(shape=SHAPE)
    return volume.array, np.isin(labels, [LABELS["right lung"], LABELS["left lung"]]).astype(np.uint8)


@pytest.fixture
def chest(scene, phantom):
    """The phantom on an oblique grid under a parent transform."""
    return add_volume(phantom[0], ijk_to_ras(OBLIQUE, SPACING), TRANSFORMS["rotated"])


@pytest.fixture
def lungs(chest, phantom):
    """A segmentation node with the lungs."""
    node = new_segmentation(chest, "truth")
    segment_id = node.GetSegmentation().AddEmptySegment("", "lungs")
    slicer.util.updateSegmentBinaryLabelmapFromArray(phantom[1], node, segment_id, chest)
    return node


def mask_of(run, volume, number: int = 0) -> np.ndarray:
    return slicer.util.arrayFromSegmentBinaryLabelmap(run.writer.node, run.writer.segment_ids[number], volume)
