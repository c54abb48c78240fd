"""Results corrected from Slicer's Python console, as the command line does it, with the embedded model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worker.disks import disk_frames

from mrml.segmentations import add_segment, segment_array
from mrml.test_corrections import paint
from mrml.volumes import add_volume
from PromptOnceLib.cases.correction import read_saved_result
from PromptOnceLib.errors import CancelledError, InputError, PromptError
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows.correct import Correctable, steps_of_correction
from PromptOnceLib.workflows.drive import run_steps

SLICES = 7
DISK = disk_frames(SLICES) > 130


@pytest.fixture
def volume(scene: Any) -> Any:
    return add_volume(disk_frames(SLICES), np.diag([-1.0, -1.0, 3.0, 1.0]))


@pytest.fixture
def run(logic: Console, volume: Any) -> Any:
    """The disk, propagated from slice 2."""
    prompt = logic.promptFromIJK(volume, box=((29, 22, 2), (65, 58, 2)), name="disk")
    return logic.segmentVolume(volume, prompt, window="full", device="cpu")


def mask_of(run: Any) -> np.ndarray:
    return segment_array(run.writer.node, run.writer.segment_ids[0], run.writer.volume_node).copy()


def click(logic: Console, volume: Any, index: int) -> Any:
    return logic.promptFromIJK(volume, positive=[(45 + index, 40, index)])


def test_the_first_slices_to_look_at_are_named_with_their_reasons(logic: Console, volume: Any, run: Any) -> None:
    found = logic.reviewSlices(volume, run.writer.node)
    assert sorted(one.slice for one in found) == list(range(SLICES))
    assert all(0 <= one.confidence <= 1 for one in found)
    assert (found[-1].slice, found[-1].state) == (2, "prompted")


def test_a_click_changes_the_slices_up_to_the_next_fixed_ones_alone(logic: Console, volume: Any, run: Any) -> None:
    accepted = logic.acceptSlices(volume, run.writer.node, [4])
    assert (accepted.slices, accepted.fixed) == (0, (2, 4))
    before, steps = mask_of(run), []
    done = logic.correctSlice(
        volume, click(logic, volume, 6), run.writer.node, device="cpu", onProgress=lambda *n: steps.append(n)
    )
    assert (done.slices, done.fixed) == (1, (2, 4, 6))
    assert steps[-1] == (2, 2)  # slice 6 itself, and slice 5
    after = mask_of(run)
    assert np.array_equal(after[:5], before[:5])
    assert dice(after[6], DISK[6]) > 0.7
    states = {one.slice: one.state for one in logic.reviewSlices(volume, run.writer.node)}
    assert (states[2], states[4], states[6]) == ("prompted", "accepted", "corrected")
    done.writer.undo()
    assert np.array_equal(mask_of(run), before)


def test_masks_are_those_of_the_command_line(logic: Console, volume: Any, run: Any, tmp_path: Any) -> None:
    path = tmp_path / "disk.seg.nrrd"
    run.writer.node.AddDefaultStorageNode(str(path))
    assert run.writer.node.GetStorageNode().WriteData(run.writer.node)
    logic.session.close()  # a new worker, as the command line has one
    logic.correctSlice(volume, click(logic, volume, 6), run.writer.node, device="cpu")
    saved = read_saved_result(read_volume_node(volume), path)
    old = Correctable(saved.case.stack, saved.result, saved.prompts)
    logic.session.close()
    segmenter = Segmenter(logic.session.client)
    segmenter.use_model(resolve_model("nano"), device="cpu")
    segmenter.use_stack(old.stack)
    marks = click(logic, volume, 6).objects[0]
    new = run_steps(segmenter, steps_of_correction(old, "disk", 6, marks))
    assert (new.result.masks != old.result.masks).any()
    assert np.array_equal(mask_of(run), new.result.to_volume_order(0))


def test_a_click_after_a_run_of_the_same_worker_uses_what_it_remembers(logic: Console, volume: Any, run: Any) -> None:
    stack = logic.session.stack
    logic.correctSlice(volume, click(logic, volume, 5), run.writer.node, device="cpu")
    assert logic.session.stack is stack


def test_a_mask_of_another_segment_is_taken_as_it_is(logic: Console, volume: Any, run: Any) -> None:
    node, drawn = new_segmentation(volume), np.zeros(DISK.shape, np.uint8)
    drawn[5, 20:60, 30:70] = 1
    segment_id = add_segment(node, volume, "drawn", drawn)
    prompt = logic.promptFromSegment(volume, node, segment_id)
    assert (prompt.slice, prompt.objects[0].name) == (5, "drawn")
    logic.correctSlice(volume, prompt, run.writer.node, device="cpu")
    assert np.array_equal(mask_of(run)[5], drawn[5])
    with pytest.raises(InputError, match="holds nothing on slice 4"):
        logic.promptFromSegment(volume, node, segment_id, 4)


def test_a_segments_slice_starts_a_propagation(logic: Console, volume: Any) -> None:
    node = new_segmentation(volume)
    segment_id = add_segment(node, volume, "disk", (DISK & (np.arange(SLICES) == 3)[:, None, None]).astype(np.uint8))
    prompt = logic.promptFromSegment(volume, node, segment_id)
    run = logic.segmentVolume(volume, prompt, window="full", device="cpu")
    assert dice(mask_of(run), DISK) > 0.8
    with pytest.raises(InputError, match="Nothing is known"):
        logic.reviewSlices(volume, node)
    logic.acceptSlices(volume, node, [3])
    done = logic.propagateChanges(volume, node, window="full", device="cpu")
    assert done.slices == SLICES - 1
    found = segment_array(node, segment_id, volume)
    assert dice(found, DISK) > 0.8
    assert np.array_equal(found[3], DISK[3])


def test_what_was_drawn_by_hand_is_propagated(logic: Console, volume: Any, run: Any) -> None:
    with pytest.raises(InputError, match="Nothing was changed"):
        logic.propagateChanges(volume, run.writer.node, device="cpu")
    logic.acceptSlices(volume, run.writer.node, [4])
    paint(run.writer.node, run.writer.segment_ids[0], volume, (6, 5, 5), (6, 5, 6))
    drawn = mask_of(run)
    done = logic.propagateChanges(volume, run.writer.node, device="cpu")
    assert (done.slices, done.fixed) == (1, (2, 4, 6))
    assert np.array_equal(mask_of(run)[[0, 1, 2, 3, 4, 6]], drawn[[0, 1, 2, 3, 4, 6]])


def test_a_cancelled_correction_leaves_the_segment_as_it_was(logic: Console, volume: Any, run: Any) -> None:
    before = mask_of(run)
    with pytest.raises(CancelledError):
        logic.correctSlice(
            volume, click(logic, volume, 6), run.writer.node, device="cpu", onProgress=lambda *_: logic.cancel()
        )
    assert np.array_equal(mask_of(run), before)


def test_what_cannot_be_corrected_is_said(logic: Console, volume: Any, run: Any) -> None:
    node = run.writer.node
    with pytest.raises(InputError, match="There is no slice 99"):
        logic.acceptSlices(volume, node, [99])
    with pytest.raises(PromptError, match="another axis"):
        logic.correctSlice(volume, logic.promptFromIJK(volume, positive=[(5, 5, 1)], axis="i"), node)
    prompt = click(logic, volume, 6)
    two = prompt.model_copy(update={"objects": (*prompt.objects, prompt.objects[0].model_copy(update={"name": "b"}))})
    with pytest.raises(PromptError, match="one object"):
        logic.correctSlice(volume, two, node)
    add_segment(node, volume, "second", DISK.astype(np.uint8))
    with pytest.raises(InputError, match="Name the segment"):
        logic.reviewSlices(volume, node)
