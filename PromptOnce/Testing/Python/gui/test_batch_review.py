"""What becomes of a batch's cases in review when somebody does something else to them in the scene."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

from gui.batch_runs import SHAPE, finished_run
from gui.test_batch_panel import open_run, user
from gui.user import User
from PromptOnceLib.batch.run_folder.records import CASES, CORRECTED
from PromptOnceLib.segmentation.io import read_segmentation

__all__ = ["user"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a shell script")


def test_a_segment_renamed_in_review_is_a_correction(user: User, tmp_path: Path) -> None:
    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.next)
    user.wait_for_panel()
    node = user.work.target.segmentation
    node.GetSegmentation().GetNthSegment(0).SetName("the left one")
    user.bench.click(panel.accept)
    user.wait_for_panel()
    assert "press Save correction" in panel.notice.text
    user.bench.click(panel.correct)
    user.wait_for_panel()
    corrected = read_segmentation(out / CASES / "leaks" / CORRECTED)
    assert corrected.segments[0].name == "the left one"
    assert node.GetScene() is None, "the next case is shown, and nothing of this one is lost"


@pytest.mark.parametrize("drawn", [False, True])
def test_a_result_whose_volume_was_deleted_in_review_goes_unless_it_was_changed(
    user: User, tmp_path: Path, drawn: bool
) -> None:
    panel = open_run(user, finished_run(tmp_path))
    user.bench.click(panel.next)
    user.wait_for_panel()
    node, volume = user.work.target.segmentation, user.case.node
    if drawn:
        mask = np.zeros(SHAPE, np.uint8)
        mask[2, 3:9, 3:9] = 1
        segment_id = node.GetSegmentation().GetNthSegmentID(0)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    slicer.mrmlScene.RemoveNode(volume)
    user.wait_for_panel()
    assert not panel.accept.enabled
    user.bench.click(panel.next)
    user.wait_for_panel()
    assert user.work.reviews.current == "leaks"
    assert (node.GetScene() is not None) == drawn
    assert ("was not saved: it stays in the scene" in panel.notice.text) == drawn


def test_a_volume_that_was_cropped_in_review_gives_no_correction(user: User, tmp_path: Path) -> None:
    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.next)
    user.wait_for_panel()
    volume = user.case.node
    slicer.util.updateVolumeFromArray(volume, slicer.util.arrayFromVolume(volume)[:5].copy())
    user.wait_for_panel()
    user.bench.click(panel.correct)
    user.wait_for_panel()
    assert "another size since: load the case again" in panel.notice.text
    assert not (out / CASES / "leaks" / CORRECTED).exists()
