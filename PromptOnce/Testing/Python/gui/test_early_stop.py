"""The switch for an early stop in the panels: kept with the scene, told to the worker, and what it leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from gui.user import COLUMNS, ROWS, User
from PromptOnceLib.cli.options.common import early_stop_option
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation

SLICES, RADII = 16, {6: 14, 7: 28, 8: 28, 9: 14}


def load_short_rod() -> Any:
    """The volume node of a bright rod that tapers off with many slices left at both ends."""
    array = np.random.default_rng(0).normal(-60, 8, (SLICES, ROWS, COLUMNS))
    rows, columns = np.indices((ROWS, COLUMNS))
    for index, radius in RADII.items():
        array[index] += np.where(np.hypot(columns - 56, rows - 48) < radius, 180, 0)
    matrix = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 3.0, 1.0]))
    return slicer.util.addVolumeFromArray(array.astype(np.int16), matrix, "rod")


def test_the_switch_is_kept_with_the_scene_and_leaves_out_what_lies_behind_the_object(user: User) -> None:
    volume = load_short_rod()
    own = new_segmentation(volume, "the user's")
    earlier = own.GetSegmentation().AddEmptySegment("", "earlier")
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones((SLICES, ROWS, COLUMNS), np.uint8), own, earlier, volume)
    user.choose(volume)
    panel, work = user.panel.run, user.work
    assert not panel.early_stop.checked
    assert not work.runs.settings().stop_when_absent
    panel.options.collapsed = False
    user.bench.click(panel.early_stop)
    assert type(work.choices.node)(work.choices.node.parameterNode).earlyStop
    user.pick_node(panel.segmentation, own)
    user.pick(panel.segment, earlier)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()

    assert work.runs.job.settings.stop_when_absent
    computed = np.flatnonzero(work.runs.job.result.computed)
    assert set(RADII) <= set(computed)
    assert len(computed) < SLICES
    assert panel.notice.text.startswith(f"Done: {len(computed)} slices. Nothing more was found by slice ")
    drawn = user.result().any(axis=(1, 2))
    assert not drawn[[index for index in range(SLICES) if index not in computed]].any(), (
        "the earlier mask is left there"
    )
    assert drawn[8]
    user.bench.click(panel.undo)
    assert user.result().all()


def test_the_sentence_that_says_what_it_is_is_that_of_the_command_line(user: User) -> None:
    @early_stop_option
    def command() -> None:
        pass

    (option,) = command.__click_params__
    boxes = [user.panel.run.early_stop, user.panel.batch.start.early_stop]
    assert [box.toolTip + "." for box in boxes] == [option.help] * 2
