"""The panel where Slicer puts it, in a dock 430 to 360 pixels wide: everything can be read, in every state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.batch_runs import finished_run
from gui.user import User, ball

WIDTHS = (430, 400, 360)
HEIGHT = 700


def look(user: User) -> None:
    """Find no fault at any width, as the panel is folded now and with all of its parts unfolded.

    Where more is shown than there is room for, nothing gets more than its least height.
    """
    folded = [panel.widget.collapsed for panel in user.panel.panels]
    look_at_it(user)
    for panel in user.panel.panels:
        panel.widget.collapsed = False
    look_at_it(user)
    for panel, collapsed in zip(user.panel.panels, folded, strict=True):
        panel.widget.collapsed = collapsed


def look_at_it(user: User) -> None:
    """Find no fault at any width."""
    user.wait_for_panel()
    for width in WIDTHS:
        user.bench.resize_panel(width, HEIGHT)
        found = user.bench.layout_faults(user.widget.parent)
        assert not found, f"at {width} pixels:\n" + "\n".join(found)


def truth(user: User) -> Any:
    """A segmentation with the ball, to compare with."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "a reference with quite a long name")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(user.case.node)
    segment = node.GetSegmentation().AddEmptySegment("", "right lung")
    slicer.util.updateSegmentBinaryLabelmapFromArray(ball().astype(np.uint8), node, segment, user.case.node)
    return node


@pytest.mark.usefixtures("_fake_worker")
def test_first_open(user: User) -> None:
    look(user)


@pytest.mark.usefixtures("_fake_worker")
def test_a_prompt_its_mask_a_run_and_its_figures(user: User) -> None:
    user.choose(user.load_ball("a volume with quite a long name, as a DICOM series has it"))
    look(user)
    user.bench.click(user.panel.prompt.tools["positive"])
    look(user)
    user.bench.click(user.panel.prompt.tools["positive"])
    user.box_the_ball()
    user.wait_for_mask()
    look(user)
    user.propagate()
    user.wait_for_run()
    look(user)
    user.panel.compare.widget.collapsed = False
    user.pick_node(user.panel.compare.reference, truth(user))
    look(user)


@pytest.mark.usefixtures("_fake_worker")
@pytest.mark.parametrize("slices", [10, 200])
def test_a_result_under_correction(user: User, slices: int) -> None:
    user.choose(user.load_ball(slices=slices))
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    corrections = user.work.corrections
    corrections.walk.go_to(3)
    corrections.accept()
    look(user)
    array = user.result().astype(np.uint8)
    array[[1, 4, 6, 8], 10:20, 10:20] = 1
    writer = user.work.runs.writer
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, writer.node, writer.segment_ids[0], user.case.node)
    corrections.begin()
    look(user)


@pytest.mark.usefixtures("_patient_worker")
def test_while_it_runs(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    look(user)
    user.bench.click(user.panel.run.cancel)
    user.wait_for_run()
    look(user)


def test_an_engine_that_is_missing(user: User, tmp_path: Any) -> None:
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    user.box_the_ball()
    look(user)


@pytest.mark.usefixtures("_fake_worker")
def test_seeds_with_all_their_parts(user: User, tmp_path: Any) -> None:
    user.work.seeds.library.use_folder(str(tmp_path / "library"))
    panel = user.panel.seeds
    panel.widget.collapsed = panel.form_button.widget.collapsed = panel.care.collapsed = False
    user.choose(user.load_ball())
    look(user)
    user.box_the_ball()
    user.wait_for_mask()
    look(user)


@pytest.mark.usefixtures("_fake_worker")
def test_a_batch_with_all_its_parts(user: User, tmp_path: Any) -> None:
    user.panel.batch.widget.collapsed = user.panel.batch.start.widget.collapsed = False
    look(user)
    user.work.reviews.open(finished_run(tmp_path))
    user.work.reviews.next_case()
    look(user)


@pytest.mark.usefixtures("_fake_worker")
@pytest.mark.parametrize(("kind", "model"), [("private", "large"), ("existing", "file"), ("own", "nano")])
def test_the_engine_with_every_kind_of_python_and_model(user: User, kind: str, model: str) -> None:
    user.panel.engine.widget.collapsed = False
    user.pick(user.panel.engine.kind, kind)
    user.pick(user.panel.engine.model, model)
    look(user)


@pytest.mark.usefixtures("_fake_worker")
def test_no_fold_and_no_long_name_makes_the_panel_wider(user: User, tmp_path: Any) -> None:
    user.work.seeds.library.use_folder(str(tmp_path / "a library in a folder with quite a long name"))
    user.choose(user.load_ball("a volume with quite a long name, as a DICOM series has it"))
    least = user.widget.parent.minimumSizeHint.width()
    panel, case = user.panel, user.case
    case.objects.describe_selected("an object that somebody has described in many words", (1.0, 0.5, 0.0), None)
    user.box_the_ball()
    user.wait_for_mask()
    for index in (0, 2, 4, 6, 8):
        case.kept.keep(index, case.objects.marked)
    batch, seeds = panel.batch.start.widget, (panel.seeds.form_button.widget, panel.seeds.care)
    for fold in (*(one.widget for one in panel.panels), panel.run.options, batch, *seeds, panel.keys_button):
        fold.collapsed = False
    user.wait_for_panel()
    user.bench.settle()
    assert user.widget.parent.minimumSizeHint.width() == least == 360
    look_at_it(user)
