"""The logic as a person uses it from Slicer's Python console, with a real worker and the embedded model."""

from __future__ import annotations

import inspect
import pydoc

import numpy as np
import pytest
import slicer
import vtk

from mrml.chest import MIDDLE, SHAPE, chest, lungs, mask_of, phantom
from mrml.volumes import add_volume, ijk_to_ras
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.worker.segmenter import Segmenter, Settings

__all__ = ["chest", "lungs", "phantom"]


def test_a_volume_is_segmented_from_a_reference_and_compared_with_it(logic, application, chest, lungs, phantom):
    events, seen = application.events, []

    def look(run) -> None:
        seen.append((run.job.progress.done, int(mask_of(run, chest).sum())))

    prompt = logic.promptFromReference(chest, lungs, name="lungs")
    run = logic.segmentVolume(chest, prompt, window="lung", device="cpu", reference=lungs, onProgress=look)
    assert run.finished
    assert run.error is None
    assert application.events > events
    assert len(seen) == seen[-1][0] == SHAPE[0]
    assert seen[0][1] > 0, "the first slice is shown while the others are computed"
    mask = mask_of(run, chest)
    assert dice(mask, phantom[1]) > 0.7
    table = slicer.util.getNode("PromptOnce slices")
    per_slice = slicer.util.arrayFromTableColumn(table, "Dice")
    assert per_slice[MIDDLE] == pytest.approx(dice(mask[MIDDLE], phantom[1][MIDDLE]), abs=1e-4)
    assert run.outcome().totals.dice == pytest.approx(dice(mask, phantom[1]))


def test_the_segment_says_what_made_it_and_nothing_of_the_patient(logic, chest):
    chest.SetName("DOE JANE 1970")
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    run = logic.segmentVolume(chest, prompt, window="lung", device="cpu", earlyStop=True)
    assert run.job.settings == Settings(stop_when_absent=True)
    segment = run.writer.node.GetSegmentation().GetSegment(run.writer.segment_ids[0])
    tags = {}
    for name in (
        "Model",
        "CheckpointSHA256",
        "PromptedSlice",
        "Axis",
        "Window",
        "Version",
        "Packages",
        "Device",
        "EarlyStop",
    ):
        value = vtk.reference("")
        assert segment.GetTag(f"PromptOnce.{name}", value), name
        tags[name] = str(value)
    assert (tags["Model"], tags["PromptedSlice"], tags["Axis"], tags["Device"]) == ("nano", "2", "k", "cpu")
    assert tags["Window"].startswith("lung (-1400")
    assert tags["EarlyStop"] == "yes"
    assert "torch" in tags["Packages"]
    assert not any("DOE" in value for value in tags.values())


def test_a_call_that_does_not_wait_returns_at_once_and_calls_back(logic, application, chest, phantom):
    finished = []
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)], name="lung")
    run = logic.segmentVolume(chest, prompt, axis="k", device="cpu", wait=False, onFinished=finished.append)
    assert not run.finished
    application.run_until_idle()
    assert finished == [run]
    assert run.job.result.computed.all()
    assert np.array_equal(mask_of(run, chest), run.job.result.to_volume_order(0))


def test_a_range_and_an_existing_segment_leave_the_other_slices_as_they_were(logic, chest, lungs, phantom):
    segment_id = lungs.GetSegmentation().GetNthSegmentID(0)
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    run = logic.segmentVolume(
        chest, prompt, device="cpu", firstSlice=1, lastSlice=2, segmentationNode=lungs, segmentIds=[segment_id]
    )
    expected = phantom[1].copy()
    expected[1:3] = run.job.result.to_volume_order(0)[1:3]
    assert np.array_equal(mask_of(run, chest), expected)


def test_a_segments_mask_is_the_prompt_and_other_segments_are_kept_out(logic, chest, lungs, phantom):
    prompt = logic.promptFromReference(chest, lungs, name="lungs", asMask=True)
    assert prompt.as_mask
    others = new_segmentation(chest, "others")
    half = phantom[1].copy()
    half[:, :, : SHAPE[2] // 2] = 0
    segment_id = others.GetSegmentation().AddEmptySegment("half")
    slicer.util.updateSegmentBinaryLabelmapFromArray(half, others, segment_id, chest)
    run = logic.segmentVolume(chest, prompt, window="lung", device="cpu", keepOut=others, firstSlice=2, lastSlice=4)
    mask = mask_of(run, chest)
    assert dice(mask[MIDDLE][:, : SHAPE[2] // 2], phantom[1][MIDDLE][:, : SHAPE[2] // 2]) > 0.8
    assert not mask[half > 0].any()


def test_the_window_of_the_display_is_what_the_model_sees(logic, chest):
    chest.GetDisplayNode().SetAutoWindowLevel(False)
    chest.GetDisplayNode().SetWindowLevel(400.0, 40.0)
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])
    run = logic.segmentVolume(chest, prompt, window="display", device="cpu", firstSlice=MIDDLE, lastSlice=MIDDLE)
    assert (run.case.stack.window.lower, run.case.stack.window.upper) == (-160, 240)
    chest.SetAndObserveDisplayNodeID(None)
    with pytest.raises(InputError, match="not shown with a window"):
        logic.segmentVolume(chest, prompt, window="display")


def test_segments_are_evaluated_against_a_reference(logic, chest, lungs, phantom):
    smaller = phantom[1].copy()
    smaller[:, :48] = 0
    evaluation = logic.evaluate(chest, lungs, None, _label_map(chest, smaller))
    assert evaluation.totals.dice == pytest.approx(dice(phantom[1], smaller))
    assert dict(evaluation.words)["Dice"] == f"{dice(phantom[1], smaller):.4f}"
    assert len(evaluation.rows) == SHAPE[0]
    column = slicer.util.arrayFromTableColumn(evaluation.tables.table, "Dice")
    assert column[MIDDLE] == pytest.approx(dice(phantom[1][MIDDLE], smaller[MIDDLE]), abs=1e-4)
    assert evaluation.tables.chart.GetNumberOfPlotSeriesNodes() == 2


def test_an_x_ray_of_one_slice_is_segmented(scene, logic):
    y, x = np.mgrid[:64, :80]
    picture = np.where(np.hypot(x - 40, y - 30) < 14, 220, 30).astype(np.uint8)[None]
    volume = add_volume(picture, ijk_to_ras(np.eye(3), (0.2, 0.2, 1.0)))
    run = logic.segmentVolume(volume, logic.promptFromIJK(volume, box=((24, 14, 0), (56, 46, 0))), device="cpu")
    assert dice(mask_of(run, volume), picture > 100) > 0.8


def test_masks_are_those_of_the_command_line(logic, chest, phantom):
    # The last test: afterwards the worker holds what this logic has not told it.
    prompt = logic.promptFromReference(chest, _label_map(chest, phantom[1]), name="lungs")
    run = logic.segmentVolume(chest, prompt, device="cpu")
    case = prepare_case(Volume(phantom[0], volume_geometry(chest)), Labels(phantom[1], "lungs"))
    segmenter = Segmenter(logic.session.client)
    segmenter.use_model(resolve_model("nano"), device="cpu")
    segmenter.use_stack(case.stack)
    result = segmenter.propagate(case.prompt, Settings()).result
    assert result.to_volume_order(0).any()
    assert np.array_equal(mask_of(run, chest), result.to_volume_order(0))


def test_every_public_name_of_the_console_documents_itself(logic):
    names = [
        "segmentVolume", "promptFromIJK", "promptFromRAS", "promptFromMarkups", "promptFromReference", "promptFromSeed",
        "seeds", "matchSeeds", "saveSeed", "seedRoundTrip", "runBatch", "evaluate", "cancel", "pump", "close",
    ]  # fmt: skip
    assert all(inspect.getdoc(getattr(logic, name)) for name in names)
    assert "earlyStop" in inspect.signature(logic.segmentVolume).parameters
    assert "segmentVolume(volumeNode" in pydoc.render_doc(logic.segmentVolume, renderer=pydoc.plaintext)


def _label_map(volume, array: np.ndarray):
    node = add_volume(array, nodeClassName="vtkMRMLLabelMapVolumeNode")
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    return node


def test_without_a_model_every_method_takes_the_best_there_is(logic: Console) -> None:
    methods = inspect.getmembers(logic, inspect.ismethod)
    parameters = {name: inspect.signature(method).parameters for name, method in methods}
    chosen = {name: given["model"].default for name, given in parameters.items() if "model" in given}
    assert {"segmentVolume", "correctSlice", "propagateChanges"} <= chosen.keys()
    assert set(chosen.values()) == {"auto"}
