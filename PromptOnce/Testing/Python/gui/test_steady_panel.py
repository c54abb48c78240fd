"""The panel stays under the mouse: nothing jumps, what is opened is seen, the width is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.batch_runs import finished_run
from gui.user import User


def area() -> Any:
    return slicer.util.mainWindow().findChild("QScrollArea", "ModulePanel")


def top_of(widget: Any) -> int:
    """Where a widget is seen, from the top of the scroll area."""
    import qt

    return int(widget.mapTo(area().viewport(), qt.QPoint(0, 0)).y())


@pytest.mark.usefixtures("_fake_worker")
@pytest.mark.parametrize("part", ["seeds", "batch", "engine"])
def test_what_is_unfolded_is_scrolled_into_view(user: User, part: str) -> None:
    user.choose(user.load_ball())
    user.bench.resize_panel(430, 500)
    panel = getattr(user.panel, part)
    panel.widget.collapsed = False
    user.wait_for_panel()
    user.bench.settle()
    assert 0 <= top_of(panel.widget) < area().viewport().height - 100


def test_the_button_of_a_missing_engine_shows_where_it_is_installed(user: User, tmp_path: Any) -> None:
    user.use_private_environment(tmp_path / "engine")
    user.panel.engine.widget.collapsed = True
    user.bench.resize_panel(430, 500)
    user.bench.settle()
    user.bench.click(user.panel.model.button)
    user.wait_for_panel()
    user.bench.settle()
    assert user.panel.engine.install.visible
    assert 0 <= top_of(user.panel.engine.install) < area().viewport().height


@pytest.mark.usefixtures("_patient_worker")
def test_a_run_moves_nothing_and_the_focus_goes_to_cancel(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.bench.resize_panel(430, 500)
    slicer.util.mainWindow().activateWindow()
    user.panel.run.propagate.setFocus()
    area().ensureWidgetVisible(user.panel.run.propagate, 0, 0)
    user.bench.settle()
    before = top_of(user.panel.run.propagate)
    user.propagate()
    user.wait_for_panel()
    user.bench.settle()
    assert top_of(user.panel.run.propagate) == before
    assert user.panel.run.cancel.hasFocus()
    user.bench.click(user.panel.run.cancel)
    user.wait_for_run()
    user.bench.settle()
    assert top_of(user.panel.run.propagate) == before


@pytest.mark.usefixtures("_fake_worker")
def test_hints_notices_and_masks_move_no_button(user: User) -> None:
    user.choose(user.load_ball())
    buttons = [user.panel.prompt.tools["box"], user.panel.prompt.add, user.panel.run.propagate]

    def places() -> list[int]:
        user.wait_for_panel()
        user.bench.settle()
        return [top_of(button) for button in buttons]

    before = places()
    user.bench.click(user.panel.prompt.tools["positive"])
    assert places() == before
    user.bench.click(user.panel.prompt.tools["positive"])
    user.box_the_ball()
    user.wait_for_mask()
    assert places() == before
    user.work.notices.say("prompt", "A point was not on slice 5 and was put back.")
    assert places() == before
    user.propagate()
    user.wait_for_run()
    assert places() == before


@pytest.mark.usefixtures("_fake_worker")
def test_save_in_the_form_of_a_seed_stays_where_it_is(user: User, tmp_path: Any) -> None:
    user.work.seeds.library.use_folder(str(tmp_path))
    user.choose(user.load_ball())
    user.box_the_ball()
    user.wait_for_mask()
    form = user.panel.seeds.form_button
    user.panel.seeds.widget.collapsed = form.widget.collapsed = False
    user.wait_for_panel()
    user.bench.settle()
    before = top_of(form.save) - top_of(form.confirmed)
    form.name.text = "ball"
    form.confirmed.checked = True
    user.bench.settle()
    assert top_of(form.save) - top_of(form.confirmed) == before


@pytest.mark.usefixtures("_fake_worker")
def test_the_panel_asks_for_one_width_whatever_is_folded(user: User, tmp_path: Any) -> None:
    user.work.seeds.library.use_folder(str(tmp_path))
    user.choose(user.load_ball())
    widths = set()
    for collapsed in (True, False):
        for panel in user.panel.panels:
            panel.widget.collapsed = collapsed
            user.wait_for_panel()
            user.bench.settle()
            widths.add(area().widget().minimumSizeHint.width())
    assert widths == {360}


@pytest.mark.usefixtures("_fake_worker")
def test_another_volume_gets_a_segmentation_of_its_own(user: User) -> None:
    first = user.load_ball("first")
    user.choose(first)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    of_first = user.work.target.segmentation
    user.choose(user.load_ball("second"))
    assert user.work.target.segmentation is None
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    assert user.work.target.segmentation is not of_first
    assert of_first.GetSegmentation().GetNumberOfSegments() == 1
    user.choose(first)
    assert user.work.target.segmentation is of_first


@pytest.mark.usefixtures("_fake_worker")
def test_a_result_without_a_voxel_is_said(user: User) -> None:
    user.choose(slicer.util.addVolumeFromArray(np.full((4, 32, 40), -1000, np.int16), name="air"))
    user.pick(user.panel.volume.window, "soft tissue")
    user.draw_box(8, 8, 24, 24)
    user.bench.wait_until(lambda: user.case.objects.can_undo, "the box")
    user.propagate()
    user.wait_for_run()
    assert "Nothing was found of object" in user.panel.run.notice.text


@pytest.mark.usefixtures("_fake_worker")
def test_what_a_batch_lacks_is_said_beside_start_and_names_are_not_cut_at_their_ends(user: User, tmp_path: Any) -> None:
    import qt

    panel = user.panel.batch
    panel.widget.collapsed = panel.start.widget.collapsed = False
    user.work.reviews.open(finished_run(tmp_path))
    user.wait_for_panel()
    user.bench.settle()
    user.bench.click(panel.start.begin)
    user.wait_for_panel()
    user.bench.settle()
    assert "Choose the images" in panel.notice.text
    below = top_of(panel.notice) - top_of(panel.start.begin) - panel.start.begin.height
    assert 0 <= below < 40
    assert panel.table.textElideMode != qt.Qt.ElideRight
