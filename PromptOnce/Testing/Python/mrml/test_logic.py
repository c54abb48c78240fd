"""The logic as a person uses it from Slicer's Python console, with a real worker and the embedded model."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator

import numpy as np
import pytest
import slicer
import vtk

from mrml.volumes import OBLIQUE, TRANSFORMS, add_bending_transform, add_volume, ijk_to_ras
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import CancelledError, GeometryError, InputError, ModelError, PromptError
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.mrml.segmentations.writer import new_segmentation
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.worker.segmenter import Segmenter, Settings

SHAPE = (5, 96, 96)
SPACING = (3.7, 3.7, 20.0)
MIDDLE = 2


class Application:
    """What Slicer does for the logic: events while it waits, and a timer for what does not wait."""

    def __init__(self) -> None:
        self.events = 0
        self.pumping = None

    def process_events(self) -> None:
        self.events += 1

    def keep_pumping(self, pump) -> None:
        self.pumping = pump

    def run_until_idle(self) -> None:
        while self.pumping():
            pass


@pytest.fixture(scope="module")
def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Voxels of a small chest and its lungs."""
    volume, labels = chest_phantom(shape=SHAPE)
    return volume.array, np.isin(labels, [LABELS["right lung"], LABELS["left lung"]]).astype(np.uint8)


@pytest.fixture(scope="module")
def application() -> Application:
    return Application()


@pytest.fixture(scope="module")
def logic(application) -> Iterator[Console]:
    def start() -> SubprocessTransport:
        return SubprocessTransport(worker_command(), worker_environment())

    logic = Console(start, application.process_events, application.keep_pumping)
    yield logic
    logic.close()


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


def test_cancelling_keeps_what_is_done_and_one_undo_takes_it_back(logic, chest, lungs):
    before = lungs.GetSegmentation().GetNumberOfSegments()
    prompt = logic.promptFromIJK(chest, [(30, 45, MIDDLE)])

    def stop(run) -> None:
        if run.job.progress.done == 2:
            logic.cancel()

    run = logic.segmentVolume(chest, prompt, device="cpu", segmentationNode=lungs, onProgress=stop)
    assert run.cancelled
    assert 2 <= run.job.result.computed.sum() < SHAPE[0]
    assert np.array_equal(mask_of(run, chest), run.job.result.to_volume_order(0))
    run.writer.undo()
    assert lungs.GetSegmentation().GetNumberOfSegments() == before


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
