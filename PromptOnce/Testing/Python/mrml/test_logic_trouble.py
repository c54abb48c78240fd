"""Runs from Slicer's Python console that are cancelled, lose the node they write to, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.chest import MIDDLE, SHAPE, chest, lungs, mask_of, phantom
from mrml.volumes import add_bending_transform, add_volume
from PromptOnceLib.errors import CancelledError, GeometryError, InputError, ModelError, PromptError
from PromptOnceLib.imaging.phantom import chest_phantom
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation

__all__ = ["chest", "lungs", "phantom"]


def test_cancelling_keeps_what_is_done_and_one_undo_takes_it_back(logic, scene):
    many = 60  # the five slices of the chest may all be done before the worker hears of the cancel
    chest = add_volume(chest_phantom(shape=(many, *SHAPE[1:]))[0].array, np.diag([3.7, 3.7, 2.0, 1.0]))
    lungs = new_segmentation(chest, "truth")
    before = lungs.GetSegmentation().GetNumberOfSegments()
    prompt = logic.promptFromIJK(chest, [(30, 45, many // 2)])

    def stop(run) -> None:
        if run.job.progress.done >= 2:  # several slices may arrive at once
            logic.cancel()

    run = logic.segmentVolume(chest, prompt, device="cpu", segmentationNode=lungs, onProgress=stop)
    assert run.cancelled
    assert 2 <= run.job.result.computed.sum() < many
    assert np.array_equal(mask_of(run, chest), run.job.result.to_volume_order(0))
    run.writer.undo()
    assert lungs.GetSegmentation().GetNumberOfSegments() == before


def test_a_run_cancelled_before_its_first_slice_leaves_nothing(scene, logic, application, chest):
    nodes = scene.GetNumberOfNodes()
    run = logic.segmentVolume(chest, logic.promptFromIJK(chest, [(30, 45, MIDDLE)]), device="cpu", wait=False)
    logic.cancel()
    application.run_until_idle()
    assert isinstance(run.error, CancelledError)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert scene.GetNumberOfNodes() <= nodes + 1  # the subject hierarchy comes into being with the first question


def test_a_segmentation_removed_while_it_is_written_ends_the_run(scene, logic, chest):
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    with pytest.raises(InputError, match="removed from the scene"):
        logic.segmentVolume(chest, prompt, device="cpu", onProgress=lambda run: scene.RemoveNode(run.writer.node))
    logic.segmentVolume(chest, prompt, device="cpu")


def test_a_scene_closed_during_a_run_ends_it_without_harm(scene, logic, chest):
    with pytest.raises(InputError, match="removed from the scene"):
        logic.segmentVolume(
            chest, logic.promptFromIJK(chest, [(30, 45, MIDDLE)]), device="cpu", onProgress=lambda _: scene.Clear(0)
        )


def test_what_cannot_be_segmented_is_refused_before_anything_is_made(scene, logic, chest, phantom):
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = scene.GetNumberOfNodes()
    for error, options in (
        (ModelError, {"model": "huge"}),
        (InputError, {"window": "nonsense"}),
        (InputError, {"firstSlice": 3}),
        (InputError, {"segmentIds": [None, None]}),
        (InputError, {"reference": chest}),
        (PromptError, {"axis": "i"}),
    ):
        with pytest.raises(error):
            logic.segmentVolume(chest, prompt, **options)
    with pytest.raises(PromptError, match="outside"):
        logic.segmentVolume(chest, logic.promptFromIJK(chest, [(300, 45, MIDDLE)]))
    assert scene.GetNumberOfNodes() == nodes
    chest.SetAndObserveTransformNodeID(add_bending_transform().GetID())
    with pytest.raises(GeometryError, match="not linear"):
        logic.segmentVolume(chest, prompt)


def test_nodes_of_another_kind_are_refused_with_a_sentence_and_leave_nothing(scene, logic, chest, lungs):
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    nodes = scene.GetNumberOfNodes()
    for wrong, words in ((None, "No segmentation is chosen"), (chest, "is not a segmentation")):
        for ask in (
            lambda node: logic.reviewSlices(chest, node),
            lambda node: logic.acceptSlices(chest, node, [MIDDLE]),
            lambda node: logic.correctSlice(chest, prompt, node),
            lambda node: logic.promptFromSegment(chest, node, "lung"),
        ):
            with pytest.raises(InputError, match=words):
                ask(wrong)
    with pytest.raises(InputError, match="is not a segmentation"):
        logic.segmentVolume(chest, prompt, segmentationNode=chest)
    with pytest.raises(InputError, match="Name the segmentation"):
        logic.segmentVolume(chest, prompt, segmentIds=["lung"])
    with pytest.raises(PromptError, match="a prompt on it"):
        logic.correctSlice(
            chest, logic.promptFromReference(chest, lungs), lungs, lungs.GetSegmentation().GetNthSegmentID(0)
        )
    with pytest.raises(InputError, match="No volume is chosen"):
        logic.promptFromIJK(None, [(30, 45, MIDDLE)])
    assert scene.GetNumberOfNodes() == nodes


def test_slices_may_be_numbers_of_numpy(scene, logic, chest, lungs):
    segment = lungs.GetSegmentation().GetNthSegmentID(0)
    prompt = logic.promptFromSegment(chest, lungs, segment, slice=np.int64(MIDDLE))
    assert prompt.slice == MIDDLE
    accepted = logic.acceptSlices(chest, lungs, np.array([MIDDLE]), segment)
    assert accepted.fixed == (MIDDLE,)
