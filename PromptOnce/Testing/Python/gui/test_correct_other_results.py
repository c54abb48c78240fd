"""Correcting results that were not made just now: of a saved scene, drawn by hand, made on the command line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.correct_steps import correct_here, fixed, press, propagate_changes, said, show
from gui.user import User, ball
from PromptOnceLib.cases.correction_record import TAG, correction_record
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.segmentation.io import write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import segments_of

pytestmark = pytest.mark.usefixtures("_fake_worker")


def test_what_was_settled_is_found_in_a_scene_that_was_saved_and_loaded(done: User, tmp_path: Any) -> None:
    show(done, 3)
    press(done, "accept")
    correct_here(done, 7)
    confidence = [cell.confidence for cell in done.work.corrections.segment.cells]
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    done.wait_for_panel()
    assert fixed(done) == [(3, "accepted"), (5, "prompted")]
    assert [cell.confidence for cell in done.work.corrections.segment.cells] == pytest.approx(confidence, abs=1e-3)
    assert len(done.case.objects.objects) == 1
    assert done.prompt.slice == 5


def test_a_segment_that_was_drawn_is_where_a_propagation_starts(user: User) -> None:
    volume = user.load_ball()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = node.GetSegmentation().AddEmptySegment("", "tumour")
    mask = ball().astype(np.uint8)
    mask[np.arange(10) != 4] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    user.choose(volume)
    user.pick_node(user.panel.run.segmentation, node)
    user.pick(user.panel.correct.segment, segment_id)
    assert "was not made here" in user.panel.correct.hint.text
    show(user, 4)
    press(user, "accept")
    assert user.panel.correct.propagate.text == "Propagate changes (9 slices)"
    propagate_changes(user)
    found = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume) > 0
    assert found.any(axis=(1, 2)).all()
    assert np.array_equal(found[4], ball()[4])
    show(user, 0)
    press(user, "accept")
    assert user.work.corrections.changes == ()


def test_a_result_of_the_command_line_is_corrected_here_and_there_again(user: User, tmp_path: Any) -> None:
    path, volume = tmp_path / "result.seg.nrrd", user.load_ball()
    masks = np.array([ball(), np.roll(ball(), 20, axis=2)]).astype(np.uint8)
    names = ("left", "right")
    boxed = ObjectPrompt(box=Box(x0=20, y0=20, x1=80, y1=80))
    prompt = Prompt(axis=0, slice=5, objects=tuple(boxed.model_copy(update={"name": name}) for name in names))
    result = SegmentationResult.empty(names, ball().shape, 0)
    for index in range(10):
        result.set_slice(index, masks[:, index], [0.9, 0.9], [0.8, 0.8])
    record = correction_record(prompt, result, "full")
    write_segmentation(path, list(masks), segments_of(prompt.objects), volume_geometry(volume), {TAG: record.to_tag()})
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "result")
    node.AddDefaultStorageNode(str(path))
    assert node.GetStorageNode().ReadData(node)
    user.choose(volume)
    assert user.work.target.segmentation is node
    assert [item.name for item in user.case.objects.objects] == ["left", "right"]
    user.work.current.select_object(1)
    assert fixed(user) == [(5, "prompted")]
    show(user, 3)
    press(user, "accept")
    correct_here(user, 7)
    propagate_changes(user)
    assert said(user) == 'Slice 7 of "right" corrected.'
    assert node.GetStorageNode().WriteData(node)
    recorded = read_recorded_result(path)
    states = {item.name: [(f.slice, f.state) for f in item.slices] for item in recorded.prompts.objects}
    assert states == {"left": [(5, "prompted")], "right": [(3, "accepted"), (5, "prompted"), (7, "corrected")]}
    assert recorded.notices == ()
    assert np.array_equal(recorded.result.masks[0], masks[0])
