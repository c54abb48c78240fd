"""Segments as results that can be corrected: what they carry, in scenes and files, and what a correction writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer

from mrml.segmentations import SPLEEN, add_segment, masks, result_of, segment_array
from mrml.test_corrections import paint
from mrml.volumes import SHAPE, add_volume, reloaded
from PromptOnceLib.cases.correction_record import TAG, correction_record
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import Stack, slices_along
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.segmentations.records import read_record, settled_slices, write_record
from PromptOnceLib.mrml.segmentations.segment_result import (
    SegmentResult,
    note_run,
    read_segment_result,
    write_correction,
    write_settled,
)
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.segmentation.io import write_segmentation
from PromptOnceLib.segmentation.segment import Segment
from PromptOnceLib.workflows.correct import Correctable

WINDOW = Window(0, 100, "lung")
LIVER = Target(Segment("liver", (0.2, 0.4, 0.6)))


def prompt_on(index: int, axis: int, *names: str) -> Prompt:
    box = Box(x0=1, y0=1, x1=4, y1=4)
    return Prompt(axis=axis, slice=index, objects=tuple(ObjectPrompt(name=name, box=box) for name in names))


def run(
    volume: Any, found: np.ndarray, axis: int = 0, targets: Any = (LIVER,), slices: Any = None, **options: Any
) -> SegmentWriter:
    """A run that is over, from a prompt on its second slice."""
    writer = SegmentWriter(volume, axis, targets, **options)
    result = replace(result_of(found, axis, slices), names=tuple(target.segment.name for target in targets))
    index = int(np.flatnonzero(result.computed)[1])
    writer.finish(result)
    note_run(writer, prompt_on(index, axis, *result.names), result, WINDOW.name)
    return writer


def read(writer: SegmentWriter, axis: int = 0, place: int = 0) -> SegmentResult:
    return read_segment_result(writer.volume_node, writer.node, writer.segment_ids[place], axis)


def stack_of(segment: SegmentResult) -> Stack:
    return Stack(np.zeros(segment.result.masks.shape[1:], np.uint8), segment.axis, WINDOW)


def corrected(segment: SegmentResult, index: int, mask: np.ndarray) -> Correctable:
    """What a correction of a slice might have made of the result: another mask there and beside it."""
    new = segment.correctable(stack_of(segment)).fixing(segment.name, index, mask, "corrected")
    for other in (index - 1, index + 1):
        if 0 <= other < len(new.result.computed):
            new.result.masks[0, other] = mask
            new.result.presence[0, other] = 0.75
    return new


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_run_leaves_its_prompt_and_how_sure_it_was(scene: Any, axis: int) -> None:
    found = masks(1, 2)
    writer = run(add_volume(), found, axis, (LIVER, SPLEEN))
    for place, name in enumerate(("liver", "spleen")):
        segment = read(writer, axis, place)
        assert (segment.name, segment.axis, segment.window, segment.edited) == (name, axis, "lung", ())
        assert [(f.slice, f.state) for f in segment.prompts.object(name).slices] == [(1, "prompted")]
        assert segment.prompts.object(name).on(1).box == Box(x0=1, y0=1, x1=4, y1=4)
        assert np.array_equal(segment.result.masks[0], slices_along(found[place], axis))
        assert segment.result.predicted_iou[0] == pytest.approx(0.9)
        states = [one.state for one in segment.slices()]
        assert states[1] == "prompted"
        assert set(states) <= {"prompted", "confident", "doubtful"}


def test_what_a_segment_carries_is_saved_with_the_scene(scene: Any, tmp_path: Any) -> None:
    volume = add_volume(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.diag([-0.7, -0.8, 2.5, 1.0]))
    writer = run(volume, masks(2), 1)
    segment = read(writer, 1)
    accepted = segment.correctable(stack_of(segment)).accepting("liver", 4)
    write_settled(segment, accepted.prompts, "lung")
    volume = reloaded(scene, tmp_path)
    node = slicer.util.getNode("PromptOnce segmentation")
    (segment_id,) = node.GetSegmentation().GetSegmentIDs()
    loaded = read_segment_result(volume, node, segment_id, 1)
    assert [(f.slice, f.state) for f in loaded.prompts.object("liver").slices] == [(1, "prompted"), (4, "accepted")]
    assert loaded.window == "lung"
    assert np.allclose(loaded.result.presence, segment.result.presence)
    assert (loaded.edited, loaded.changed) == ((), ())


def test_a_renamed_segment_keeps_what_it_carries(scene: Any) -> None:
    writer = run(add_volume(), masks(2))
    writer.node.GetSegmentation().GetSegment(writer.segment_ids[0]).SetName("hepar")
    segment = read(writer)
    assert segment.name == "hepar"
    assert segment.prompts.object("hepar").indices == (1,)


def test_a_correction_writes_the_slices_that_differ_and_one_undo_takes_it_back(scene: Any) -> None:
    volume, found = add_volume(), masks(3)
    writer = run(volume, found)
    before, square = read(writer), np.zeros(SHAPE[1:], bool)
    square[1:4, 2:6] = True
    step = write_correction(before, corrected(before, 3, square), [3])
    now = segment_array(writer.node, writer.segment_ids[0], volume) > 0
    assert np.array_equal(now[:2], found[0][:2] > 0)
    assert np.array_equal(now[2:5], np.array([square] * 3))
    segment = read(writer)
    assert [(f.slice, f.state) for f in segment.prompts.object("liver").slices] == [(1, "prompted"), (3, "corrected")]
    assert segment.result.presence[0, 2] == pytest.approx(0.75)
    assert (segment.edited, settled_slices(writer.node, writer.segment_ids[0], 0, writer._grid)) == ((), [3])
    step.undo()
    again = read(writer)
    assert np.array_equal(again.result.masks, before.result.masks)
    assert again.prompts == before.prompts
    step.redo()
    assert read(writer).prompts == segment.prompts


def test_what_is_drawn_while_a_correction_is_computed_is_kept_and_said(scene: Any) -> None:
    volume = add_volume()
    writer = run(volume, masks(3))
    before = read(writer)
    new = corrected(before, 3, np.ones(SHAPE[1:], bool))
    paint(writer.node, writer.segment_ids[0], volume, (2, 0, 0), (0, 1, 1))
    drawn = segment_array(writer.node, writer.segment_ids[0], volume).copy()
    step = write_correction(before, new, [3])
    now = segment_array(writer.node, writer.segment_ids[0], volume)
    assert np.array_equal(now[[0, 1, 2]], drawn[[0, 1, 2]])
    assert now[3:].all()
    assert step.notices == ['Changed by hand meanwhile, and kept: slices 0 and 2 of "liver".']
    assert read(writer).edited == (0, 2)


def test_edits_by_hand_are_changes_to_propagate_and_an_emptied_slice_stays_empty(scene: Any) -> None:
    volume, ones = add_volume(), np.ones((1, *SHAPE), np.uint8)
    writer = run(volume, ones)
    array = segment_array(writer.node, writer.segment_ids[0], volume).copy()
    array[2], array[3, 0] = 0, 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, writer.node, writer.segment_ids[0], volume)
    before = read(writer)
    assert (before.edited, before.changed) == ((2, 3), (3,))
    new = corrected(before, 3, before.result.masks[0, 3] > 0)
    write_correction(before, new, [3])
    now = segment_array(writer.node, writer.segment_ids[0], volume)
    assert not now[2].any()
    assert np.array_equal(now[3], array[3])
    assert (read(writer).edited, read(writer).changed) == ((2,), ())


def test_a_segment_made_elsewhere_starts_from_what_is_accepted(scene: Any) -> None:
    volume, found = add_volume(), masks(4)[0]
    node = new_segmentation(volume)
    segment_id = add_segment(node, volume, "drawn", found)
    before = read_segment_result(volume, node, segment_id, 0)
    assert (before.window, before.changed, before.edited) == (None, (), ())
    assert {one.state for one in before.slices()} == {"not computed"}
    write_settled(before, before.correctable(stack_of(before)).accepting("drawn", 2).prompts, "lung")
    after = read_segment_result(volume, node, segment_id, 0)
    assert after.changed == (2,)
    new = corrected(after, 2, after.result.masks[0, 2] > 0)
    write_correction(after, new, [2])
    assert read_segment_result(volume, node, segment_id, 0).changed == ()
    assert read_segment_result(volume, node, segment_id, 0).edited == ()


def test_the_next_run_keeps_corrected_and_accepted_slices_and_what_it_does_not_reach(scene: Any) -> None:
    volume, found = add_volume(), masks(5)
    first = run(volume, found)
    segment = read(first)
    accepted = segment.correctable(stack_of(segment)).accepting("liver", 0).accepting("liver", 3)
    write_settled(segment, accepted.prompts, "lung")
    target = Target(LIVER.segment, first.segment_ids[0])
    second = run(volume, 1 - found, 0, (target,), [2, 3, 4], segmentation_node=first.node)
    assert second.kept == {first.segment_ids[0]: [0, 3]}
    assert second.notices == ['Corrected or accepted, and kept: slices 0 and 3 of "liver".']
    now = segment_array(first.node, first.segment_ids[0], volume)
    assert np.array_equal(now[[0, 1, 3]], found[0][[0, 1, 3]])
    assert np.array_equal(now[[2, 4]], 1 - found[0][[2, 4]])
    fixed = [(f.slice, f.state) for f in read(first).prompts.object("liver").slices]
    assert fixed == [(0, "accepted"), (1, "prompted"), (3, "accepted")]


def test_a_run_that_overwrites_leaves_nothing_settled_where_it_wrote(scene: Any) -> None:
    volume = add_volume()
    first = run(volume, masks(5))
    segment = read(first)
    write_settled(segment, segment.correctable(stack_of(segment)).accepting("liver", 3).prompts, "lung")
    target = Target(LIVER.segment, first.segment_ids[0])
    run(volume, masks(6), 0, (target,), [2, 3], segmentation_node=first.node, keep_corrections=False)
    assert [(f.slice, f.state) for f in read(first).prompts.object("liver").slices] == [
        (1, "prompted"), (3, "prompted"),
    ]  # fmt: skip


def test_a_file_of_the_command_line_is_found_and_the_others_keep_their_part(scene: Any, tmp_path: Any) -> None:
    volume, found = add_volume(), masks(7, 2)
    result = replace(result_of(found, 0), names=("liver", "spleen"))
    record = correction_record(prompt_on(2, 0, "liver", "spleen"), result, "lung")
    segments, path = [LIVER.segment, SPLEEN.segment], tmp_path / "result.seg.nrrd"
    write_segmentation(path, list(found), segments, volume_geometry(volume), {TAG: record.to_tag()})
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.AddDefaultStorageNode(str(path))
    assert node.GetStorageNode().ReadData(node)
    liver, spleen = node.GetSegmentation().GetSegmentIDs()
    assert read_record(node, spleen).prompts.objects[0].indices == (2,)
    write_record(node, liver, read_record(node, liver))
    assert len(read_record(node, liver).prompts.objects) == 1
    for segment_id, mask in zip((liver, spleen), found, strict=True):
        segment = read_segment_result(volume, node, segment_id, 0)
        assert np.array_equal(segment.result.masks[0], mask)
        assert segment.prompts.objects[0].indices == (2,)
        assert segment.result.predicted_iou[0] == pytest.approx(0.9)
    node.GetSegmentation().RemoveSegment(liver)
    assert read_segment_result(volume, node, spleen, 0).window == "lung"


def test_a_segmentation_that_slicer_saves_is_one_that_the_command_line_corrects(scene: Any, tmp_path: Any) -> None:
    volume = add_volume(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.diag([-0.7, -0.8, 2.5, 1.0]))
    found = masks(8, 2)
    writer = run(volume, found, 0, (LIVER, SPLEEN))
    add_segment(writer.node, volume, "somebody's", masks(9)[0])
    segment = read(writer, place=1)
    write_settled(segment, segment.correctable(stack_of(segment)).accepting("spleen", 4).prompts, "lung")
    paint(writer.node, writer.segment_ids[0], volume, (2, 3, 4))
    path = tmp_path / "result.seg.nrrd"
    writer.node.AddDefaultStorageNode(str(path))
    assert writer.node.GetStorageNode().WriteData(writer.node)
    recorded = read_recorded_result(path)
    assert recorded.window == "lung"
    fixed = {item.name: [(f.slice, f.state) for f in item.slices] for item in recorded.prompts.objects}
    assert fixed == {
        "liver": [(1, "prompted"), (2, "corrected")],
        "spleen": [(1, "prompted"), (4, "accepted")],
        "somebody's": [],
    }
    assert np.array_equal(recorded.result.masks[1], found[1])


@pytest.mark.parametrize("text", ["", "nonsense", "eJwDAAAAAAE="])
def test_a_tag_that_somebody_changed_is_as_none(scene: Any, text: str) -> None:
    writer = run(add_volume(), masks(2))
    writer.node.GetSegmentation().GetSegment(writer.segment_ids[0]).SetTag(TAG, text)
    assert read(writer).prompts.objects[0].slices == ()


def test_a_record_of_another_axis_or_size_does_not_count(scene: Any) -> None:
    writer = run(add_volume(), masks(2))
    assert read(writer, axis=1).window is None
    smaller = add_volume(np.zeros((3, 7, 9), np.int16))
    assert read_segment_result(smaller, writer.node, writer.segment_ids[0], 0).window is None


def test_a_removed_segment_is_said(scene: Any) -> None:
    writer = run(add_volume(), masks(2))
    before = read(writer)
    new = corrected(before, 3, np.ones(SHAPE[1:], bool))
    writer.node.GetSegmentation().RemoveSegment(writer.segment_ids[0])
    with pytest.raises(InputError, match="was removed"):
        write_correction(before, new, [3])
    with pytest.raises(InputError, match="has no segment"):
        read(writer)


def test_a_volume_of_another_size_is_said(scene: Any) -> None:
    volume = add_volume()
    writer = run(volume, masks(2))
    before = read(writer)
    new = corrected(before, 3, np.ones(SHAPE[1:], bool))
    slicer.util.updateVolumeFromArray(volume, np.zeros((4, 7, 9), np.int16))
    with pytest.raises(InputError, match="another size"):
        write_correction(before, new, [3])
