"""Scenes as they come: other orders of voxels, names, transforms, changed volumes, and what others did to segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mrml.volumes import add_bending_transform

from gui.correct_steps import correct_here, fixed, press, show, states
from gui.stopped_run import stopped_run
from gui.test_correct_trouble import Stopped, stopped
from gui.test_corrections import correct as draw_squares
from gui.user import User, ball
from PromptOnceLib.cases.correction_record import TAG, correction_record
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.mrml.prompts.kept_slices import KeptSlices
from PromptOnceLib.mrml.volumes import volume_geometry
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.segmentation.io import write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import segments_of

__all__ = ["stopped"]

LEFT_HANDED = np.diag([-1.0, 1.0, 3.0, 1.0])
fake_worker = pytest.mark.usefixtures("_fake_worker")
boxed = ObjectPrompt(name="left", box=Box(x0=20, y0=20, x1=80, y1=80))


def loaded_again(user: User, folder: Path) -> bool:
    path = str(folder / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    read = slicer.mrmlScene.ReadFromMRB(path, True, None)
    user.wait_for_panel()
    return bool(read)


def file_of_a_result(folder: Path, geometry: Any) -> Path:
    """As the command line writes it: prompted on slice 2, with nothing on the last two slices."""
    path, mask = folder / "result.seg.nrrd", ball().astype(np.uint8)
    mask[8:] = 0
    prompt, result = Prompt(axis=0, slice=2, objects=(boxed,)), SegmentationResult.empty(("left",), mask.shape, 0)
    for index in range(10):
        result.set_slice(index, mask[None, index], [0.9], [0.8])
    record = correction_record(prompt, result, "full")
    write_segmentation(path, [mask], segments_of(prompt.objects), geometry, {TAG: record.to_tag()})
    return path


def load_segmentation(path: Path) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "result")
    node.AddDefaultStorageNode(str(path))
    assert node.GetStorageNode().ReadData(node)
    return node


def drawn_segment(volume: Any, name: str) -> tuple[Any, str]:
    """A segmentation on a volume with a segment that was drawn: a bar through all slices."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = node.GetSegmentation().AddEmptySegment("", name)
    mask = np.zeros(ball().shape, np.uint8)
    mask[:, 48, 50:60] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    return node, segment_id


def runs_into_drawn_segment(user: User, name: str) -> tuple[Any, str]:
    """A user whose next run goes into a segmentation that has such a segment."""
    volume = user.load_ball()
    node, segment_id = drawn_segment(volume, name)
    user.choose(volume)
    user.panel.run.options.collapsed = False
    user.pick_node(user.panel.run.segmentation, node)
    return node, segment_id


# Voxels in another order


@fake_worker
@pytest.mark.parametrize("hand", [1, -1])
def test_a_result_of_the_command_line_is_corrected_on_an_image_that_slicer_mirrors(
    user: User, tmp_path: Path, hand: int
) -> None:
    noise = np.random.default_rng(0).normal(0, 8, ball().shape)
    array = (np.where(ball(), 120, -60) + noise).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 3.0))
    image.SetDirection((1, 0, 0, 0, hand, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "case.nii.gz"))
    path = file_of_a_result(tmp_path, read_volume(tmp_path / "case.nii.gz").geometry)
    volume = slicer.modules.volumes.logic().AddArchetypeVolume(str(tmp_path / "case.nii.gz"), "case", 0)
    node = load_segmentation(path)
    user.choose(volume)
    assert user.work.target.segmentation is node
    ((prompted, _),) = fixed(user)
    assert np.array_equal(slicer.util.arrayFromVolume(volume)[prompted], array[2])
    accepted = 6 if hand == 1 else 3
    show(user, accepted)
    press(user, "accept")
    assert node.GetStorageNode().WriteData(node)
    recorded = read_recorded_result(path)
    settled = {one.slice for one in recorded.prompts.objects[0].slices}
    mirrored = not recorded.geometry.same_grid(volume_geometry(volume))
    assert settled == ({9 - prompted, 9 - accepted} if mirrored else {prompted, accepted})
    assert recorded.notices == ()


@fake_worker
def test_what_was_settled_and_drawn_stays_on_its_slices_when_loading_mirrors_the_volume(
    user: User, tmp_path: Path
) -> None:
    user.choose(user.load_ball(matrix=LEFT_HANDED))
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    show(user, 2)
    press(user, "accept")
    draw_squares(user, 8)
    case = user.case
    case.kept.keep(3, {case.selected.key: boxed})
    corner = case.image.grid.to_world(3, 20, 20)
    assert loaded_again(user, tmp_path)
    assert fixed(user) == [(4, "prompted"), (7, "accepted")]
    assert states(user)[1] == "edited"
    user.bench.click(user.panel.run.propagate)
    user.wait_for_panel()
    assert user.panel.run.question.text.text == (
        'Corrected by hand since the last run: slice 1 of "object". Corrected or accepted: slice 7 of "object".'
    )
    assert user.case.kept.slices == [6]
    assert np.allclose(user.case.image.grid.to_world(6, 20, 20), corner)


@fake_worker
def test_marks_kept_along_one_axis_stay_when_others_are_kept_along_another(done: User) -> None:
    along_k, along_j = KeptSlices(done.case.node, 0), KeptSlices(done.case.node, 1)
    along_k.keep(3, {"a": boxed})
    along_j.keep(4, {"b": boxed})
    assert (along_k.slices, along_j.slices) == ([3], [4])
    along_j.forget()
    assert along_k.slices == [3]


# Names


@fake_worker
def test_a_scene_with_an_and_sign_in_an_objects_name_can_be_loaded(user: User, tmp_path: Path) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.case.objects.describe_selected("liver & spleen", (1.0, 0.5, 0.0), None)
    assert loaded_again(user, tmp_path)
    assert user.case.selected.name == "liver & spleen"
    assert user.prompt is not None


# Transforms, and volumes that are changed


@fake_worker
def test_an_atlas_under_a_bending_transform_is_not_in_the_way(user: User) -> None:
    from PromptOnceLib.gui.volume import slice_views

    volume, (atlas, _) = user.load_ball(), drawn_segment(user.load_ball("moving"), "liver")
    atlas.SetNodeReferenceID(atlas.GetReferenceImageGeometryReferenceRole(), None)  # as one from a file
    atlas.SetAndObserveTransformNodeID(add_bending_transform().GetID())
    user.choose(volume)
    assert slice_views.is_shown(volume)
    user.box_the_ball()
    user.wait_for_mask()


@fake_worker
def test_a_volume_that_is_cropped_during_a_run_ends_it_with_a_sentence(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_run(user, monkeypatch):
        node = user.case.node
        slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(node)[:6].copy())
    user.wait_for_run()
    assert "another size during the run" in user.panel.run.notice.text


@fake_worker
def test_a_volume_deleted_during_a_correction_leaves_no_marks(done: User) -> None:
    correct_here(done, 7)
    slicer.mrmlScene.RemoveNode(done.case.node)
    done.wait_for_panel()
    assert done.case is None
    assert "was removed" in done.panel.volume.notice.text
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == []


@fake_worker
def test_a_range_chosen_on_a_longer_volume_is_what_the_panel_shows(user: User) -> None:
    panel = user.panel.run
    user.choose(user.load_ball("long", slices=20))
    panel.options.collapsed = False
    panel.limit.checked = True
    panel.first.value = 5
    user.choose(user.load_ball("short"))
    assert (panel.first.value, panel.last.value) == (5, 9)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    assert panel.notice.text == "Done: 5 slices."


# Where results go


@fake_worker
def test_a_segment_that_was_chosen_is_written_again_after_an_undo(user: User) -> None:
    _, segment_id = runs_into_drawn_segment(user, "tumour")
    user.pick(user.panel.run.segment, segment_id)
    user.box_the_ball()
    for _ in range(2):
        user.propagate()
        user.wait_for_run()
        assert user.work.runs.writer.segment_ids == (segment_id,)
        user.bench.click(user.panel.run.undo)
        user.wait_for_panel()


@fake_worker
def test_the_results_of_the_next_scene_are_taken_up_too(user: User, tmp_path: Path) -> None:
    path = file_of_a_result(tmp_path, volume_geometry(user.load_ball()))
    for _ in range(2):
        slicer.mrmlScene.Clear(0)
        volume, node = user.load_ball(), load_segmentation(path)
        user.choose(volume)
        assert user.work.target.segmentation is node


@fake_worker
def test_undo_says_what_was_drawn_on_segments_that_lost_voxels_to_the_run(user: User) -> None:
    node, segment_id = runs_into_drawn_segment(user, "vessel")
    user.panel.run.overwrite.checked = True
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    drawn = np.zeros(ball().shape, np.uint8)
    drawn[:, 5:15, 5:15] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, segment_id, user.case.node)
    user.bench.click(user.panel.run.undo)
    user.wait_for_panel()
    assert 'This also undid what was drawn on "vessel" since.' in user.panel.run.notice.text


@fake_worker
def test_a_run_is_not_undone_while_a_correction_of_it_is_computed(stopped: Stopped) -> None:
    assert not stopped.user.panel.run.undo.enabled
    stopped.go_on()
    assert stopped.user.panel.run.undo.enabled
