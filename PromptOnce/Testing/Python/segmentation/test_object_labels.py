"""Objects of a segmentation file by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import Segment, write_segmentation
from PromptOnceLib.segmentation.object_labels import named_objects


def test_objects_of_one_file_share_their_voxels_and_one_may_lie_outside_the_image(tmp_path: Path) -> None:
    larger = Geometry((20, 20, 12))
    masks = np.zeros((3, *larger.shape), bool)
    masks[0, 2:5, 3:6, 3:6], masks[1, 2:5, 8:12, 3:6], masks[2, 10:, 15:, 15:] = True, True, True
    path = tmp_path / "organs.seg.nrrd"
    write_segmentation(path, list(masks), [Segment(name) for name in ("liver", "spleen", "far away")], larger)
    image = Geometry((14, 14, 6))
    found = named_objects(str(path), image)
    assert isinstance(found, list)
    assert [item.name for item in found] == ["liver", "spleen", "far away"]
    assert found[0].array is found[1].array is found[2].array
    for item, mask in zip(found, masks, strict=True):
        np.testing.assert_array_equal(item.holding != 0, mask[:6, :14, :14])
    together = named_objects(f"{path}:liver=both,spleen=both", image)
    assert isinstance(together, list)
    np.testing.assert_array_equal(together[0].holding != 0, (masks[0] | masks[1])[:6, :14, :14])


def test_objects_that_overlap_keep_all_their_voxels(tmp_path: Path) -> None:
    geometry = Geometry((10, 10, 6))
    masks = np.zeros((2, *geometry.shape), bool)
    masks[0, 1:5, 2:8, 2:8], masks[1, 2:4, 4:6, 4:6] = True, True
    path = tmp_path / "organs.seg.nrrd"
    write_segmentation(path, list(masks), [Segment("liver"), Segment("cyst")], geometry)
    found = named_objects(str(path), geometry)
    assert isinstance(found, list)
    for item, mask in zip(found, masks, strict=True):
        np.testing.assert_array_equal(item.holding != 0, mask)
