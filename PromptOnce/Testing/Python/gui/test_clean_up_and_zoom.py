"""Clean-up and zoom in the panel: what is told to the worker, what is shown, and going back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from worker.fake_process import INSTEAD, fake_python

from gui.user import COLUMNS, ROWS, User

SLICES = 10
SPECK = (1, slice(5, 8), slice(90, 94))


@pytest.fixture
def _quick_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes what is bright for the object."""
    monkeypatch.setenv(INSTEAD, str(fake_python(tmp_path)))


def load_rod_and_speck() -> Any:
    """A bright rod on the middle slices, and a bright speck on another one."""
    array = np.random.default_rng(0).normal(-60, 8, (SLICES, ROWS, COLUMNS))
    rows, columns = np.indices((ROWS, COLUMNS))
    array[3:8] += np.where(np.hypot(columns - 56, rows - 48) < 28, 180, 0)
    array[SPECK] += 180
    matrix = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 3.0, 1.0]))
    return slicer.util.addVolumeFromArray(array.astype(np.int16), matrix, "rod")


@pytest.mark.usefixtures("_quick_worker")
def test_a_clean_up_is_told_and_can_be_gone_back_on(user: User) -> None:
    user.choose(load_rod_and_speck())
    panel, runs = user.panel.run, user.work.runs
    assert not panel.clean_up.undo.enabled
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    assert "Clean-up: 12 voxels in 1 piece apart from the rest were removed from object" in panel.notice.text
    assert not user.result()[SPECK].any()
    rod = user.result()

    panel.options.collapsed = False
    user.bench.settle()
    heard = []
    runs.finished.connect(lambda result, _keys: heard.append(int(result.masks.sum())))
    user.bench.click(panel.clean_up.undo)
    user.wait_for_panel()
    assert user.result()[SPECK].all()
    assert user.result().sum() == rod.sum() + 12 == heard[-1]
    assert runs.writer.corrections() == [("object", [])], "putting back counts as a correction by hand"
    assert panel.clean_up.undo.text == "Redo clean-up"

    user.bench.click(panel.clean_up.undo)
    user.wait_for_panel()
    assert np.array_equal(user.result(), rod)
    user.bench.click(panel.undo)
    user.wait_for_panel()
    assert not panel.clean_up.undo.enabled, "of a run that was taken back"


@pytest.mark.usefixtures("_quick_worker")
def test_all_pieces_are_kept_where_that_is_chosen(user: User) -> None:
    user.choose(load_rod_and_speck())
    user.panel.run.options.collapsed = False
    user.pick(user.panel.run.clean_up.rule, "all")
    assert type(user.work.choices.node)(user.work.choices.node.parameterNode).cleanUp == "all"
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    assert user.result()[SPECK].all()


def test_the_preview_frames_what_the_network_sees(user: User) -> None:
    user.choose(user.load_ball())
    user.panel.run.options.collapsed = False
    user.box_the_ball()
    user.wait_for_mask()
    preview = user.work.preview
    assert set(preview.masks[1].crops.values()) == {whole(preview)}, "the ball fills most of the slice"
    names = [segment_name(preview._overlay, i) for i in range(count(preview._overlay))]
    assert names == ["object"]

    user.pick(user.panel.run.zoom, "1.5")
    user.bench.wait_until(lambda: count(preview._overlay) == 2, "the frame", 90)
    (crop,) = preview.masks[1].crops.values()
    assert crop != whole(preview)
    assert segment_name(preview._overlay, 1) == "Zoom"
    user.propagate()
    user.wait_for_run()
    assert user.work.runs.job.settings.zoom == 1.5
    assert user.work.runs.job.result.crops == {"object": crop}


def whole(preview: Any) -> Any:
    from PromptOnceLib.imaging.views.crop import Crop

    return Crop.whole(preview.masks[1].masks.shape[1:])


def count(overlay: Any) -> int:
    return overlay.node.GetSegmentation().GetNumberOfSegments()


def segment_name(overlay: Any, index: int) -> str:
    return overlay.node.GetSegmentation().GetNthSegment(index).GetName()
