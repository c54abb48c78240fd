"""Batches in the panel: begun, followed, cancelled, and their results reviewed and corrected."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from batch.studies import quick_options, study, write_disk_prompt, write_image
from imaging.enhanced_files import blob, slices, write_enhanced
from worker.gate import Gate

from gui.batch_runs import SHAPE, finished_run
from gui.user import User
from PromptOnceLib.batch.file_names import PLAN
from PromptOnceLib.batch.run_folder.open_run import read_recorded
from PromptOnceLib.batch.run_folder.records import CASES, read_case_record, read_run_record
from PromptOnceLib.segmentation.io import read_segmentation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a shell script")


@pytest.fixture
def user(bench: Any, tmp_path: Path) -> User:
    """Somebody whose engine is a worker without torch."""
    import qt

    qt.QSettings().setValue("PromptOnce/kind", "existing")
    qt.QSettings().setValue("PromptOnce/python", str(quick_options(tmp_path).python))
    qt.QSettings().setValue("PromptOnce/device", "cpu")
    qt.QSettings().setValue("PromptOnce/seeds_folder", str(tmp_path / "library"))
    return User(bench)


def open_run(user: User, folder: Path) -> Any:
    panel = user.panel.batch
    panel.widget.collapsed = False
    user.wait_for_panel()
    user.bench.process_events()  # the layout
    user.bench.dialogs.answer(str(folder))
    user.bench.click(panel.open)
    user.wait_for_panel()
    return panel


def column(panel: Any, number: int) -> list[str]:
    return [panel.table.item(row, number).text() for row in range(panel.table.rowCount)]


def test_the_table_begins_with_what_needs_a_look_and_says_why(user: User, tmp_path: Path) -> None:
    panel = open_run(user, finished_run(tmp_path))
    assert column(panel, 0) == ["broken", "leaks", "unsure", "good"]
    assert column(panel, 1)[:2] == ["failed", "look"]
    assert column(panel, 2)[0] == "It is empty."
    assert column(panel, 2)[1] == "presence 0.10, slice 8"
    assert panel.count.text == "0 of 3 reviewed, 1 without a result"


def test_next_case_loads_image_and_result_at_the_slice_that_needs_a_look(user: User, tmp_path: Path) -> None:
    from PromptOnceLib.gui.volume import slice_views

    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.next)
    user.wait_for_panel()
    record = read_case_record(out / CASES / "leaks")
    assert user.work.reviews.current == "leaks"
    assert user.case.image.node.GetName() == "leaks"
    assert slice_views.shown_slice(user.case.image.grid) == record.look_first.slice
    node = user.work.choices.node.segmentation
    expected = read_segmentation(out / CASES / "leaks" / "segmentation.seg.nrrd").masks[0]
    segment_id = node.GetSegmentation().GetNthSegmentID(0)
    shown = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.image.node)
    assert np.array_equal(shown, expected)
    assert panel.doubts.text.startswith("leaks: ")


def test_accepting_is_kept_in_the_record_and_goes_on_to_the_next_case(user: User, tmp_path: Path) -> None:
    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.next)
    for name in ("leaks", "unsure", "good"):
        user.wait_for_panel()
        assert user.work.reviews.current == name
        user.bench.click(panel.accept)
        assert read_case_record(out / CASES / name).review.state == "accepted"
    user.wait_for_panel()
    assert panel.count.text.startswith("3 of 3 reviewed")
    assert panel.notice.text == "All results are reviewed."
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 1, "earlier cases leave the scene"
    again = open_run(user, out)
    assert again.count.text.startswith("3 of 3 reviewed")


def test_a_correction_is_saved_beside_the_original_and_shown_again_later(user: User, tmp_path: Path) -> None:
    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.go_on)
    user.bench.click(panel.next)
    user.wait_for_panel()
    node = user.work.choices.node.segmentation
    mask = np.zeros(SHAPE, np.uint8)
    mask[3, 5:9, 6:10] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        mask, node, node.GetSegmentation().GetNthSegmentID(0), user.case.image.node
    )
    user.bench.click(panel.accept)
    user.wait_for_panel()
    assert "press Save correction" in panel.notice.text
    user.bench.click(panel.correct)
    user.wait_for_panel()
    folder = out / CASES / "leaks"
    assert read_case_record(folder).review.state == "corrected"
    assert column(panel, 1)[1] == "corrected"
    saved = read_segmentation(folder / "corrected.seg.nrrd")
    assert np.array_equal(saved.masks[0], mask)
    assert saved.segments[0].name == "lungs"
    assert read_segmentation(folder / "segmentation.seg.nrrd").masks[0].sum() > mask.sum()
    user.bench.click(panel.next)
    user.wait_for_panel()
    panel.table.cellDoubleClicked.emit(1, 0)
    user.wait_for_panel()
    node = user.work.choices.node.segmentation
    segment_id = node.GetSegmentation().GetNthSegmentID(0)
    assert slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.image.node).sum() == mask.sum()


def test_unsaved_changes_stay_in_the_scene_and_a_missing_image_is_said(user: User, tmp_path: Path) -> None:
    out = finished_run(tmp_path)
    panel = open_run(user, out)
    user.bench.click(panel.next)
    user.wait_for_panel()
    node = user.work.choices.node.segmentation
    segment_id = node.GetSegmentation().GetNthSegmentID(0)
    empty = np.zeros(SHAPE, np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(empty, node, segment_id, user.case.image.node)
    user.bench.click(panel.next)
    user.wait_for_panel()
    assert "leaks was not saved: it stays" in panel.notice.text
    assert node.GetScene() is not None
    (tmp_path / "good.nrrd").unlink()
    panel.table.cellDoubleClicked.emit(3, 0)
    user.wait_for_panel()
    assert "does not exist" in panel.notice.text
    assert user.work.reviews.current == "unsure"
    panel.table.cellDoubleClicked.emit(0, 0)
    user.wait_for_panel()
    assert panel.notice.text == "broken: It is empty."


def test_one_of_several_volumes_in_a_file_is_shown_for_review(user: User, tmp_path: Path) -> None:
    out, (count, *shape) = finished_run(tmp_path), SHAPE
    groups = [{"FrameContentSequence": {"TemporalPositionIndex": time}} for time in (1, 2) for _ in range(count)]
    pixels = [blob(100 * time + index, tuple(shape)) for time in (1, 2) for index in range(count)]
    image = write_enhanced(tmp_path / "mf.dcm", pixels, slices(count) * 2, groups=groups)
    recorded = read_recorded(out)
    cases = tuple(
        case.model_copy(update={"image": image, "volume": "time 2"} if case.name == "leaks" else {})
        for case in recorded.plan.cases
    )
    plan = recorded.plan.model_copy(update={"cases": cases})
    (out / PLAN).write_text(recorded.model_copy(update={"plan": plan}).model_dump_json())
    panel = open_run(user, out)
    user.bench.click(panel.next)
    user.wait_for_panel()
    assert panel.notice.text == ""
    assert user.work.reviews.current == "leaks"
    assert slicer.util.arrayFromVolume(user.case.image.node).max() == 200 + count - 1


def test_closing_the_scene_leaves_the_run_open(user: User, tmp_path: Path) -> None:
    panel = open_run(user, finished_run(tmp_path))
    user.bench.click(panel.next)
    user.wait_for_panel()
    slicer.mrmlScene.Clear(0)
    user.wait_for_panel()
    assert user.work.reviews.current == ""
    assert not panel.accept.enabled
    user.bench.click(panel.next)
    user.wait_for_panel()
    assert user.work.reviews.current == "leaks"


def test_a_folder_without_a_run_is_refused(user: User, tmp_path: Path) -> None:
    panel = open_run(user, tmp_path)
    assert "holds no run of a batch" in panel.notice.text
    assert not panel.table.visible


def begin(user: User, source: Path, output: Path) -> Any:
    """Fill in the form and press Start."""
    panel = fill_in(user, source, output)
    user.bench.click(panel.start.begin)
    return panel


def fill_in(user: User, source: Path, output: Path) -> Any:
    panel = user.panel.batch
    panel.widget.collapsed = False
    panel.start.widget.collapsed = False
    user.wait_for_panel()
    user.bench.type_text(panel.start.source, str(source))
    user.bench.type_text(panel.start.output, str(output))
    return panel


def manifest(folder: Path, names: Sequence[str], slices: int = 5) -> Path:
    prompt = write_disk_prompt(folder / "prompt.json")
    for seed, name in enumerate(names):
        write_image(folder / f"{name}.nii.gz", seed, slices)
    path = folder / "cases.csv"
    path.write_text("image,prompt\n" + "".join(f"{name}.nii.gz,{prompt.name}\n" for name in names))
    return path


def test_a_run_is_begun_in_the_panel_followed_and_open_for_review_at_its_end(user: User, tmp_path: Path) -> None:
    panel = begin(user, manifest(tmp_path, "ab"), tmp_path / "run")
    assert user.work.batches.running
    user.bench.wait_until(lambda: not user.work.batches.running, "the end of the batch", 90)
    user.wait_for_panel()
    assert panel.notice.text == "2 of 2 cases have a result."
    assert sorted(column(panel, 0)) == ["a", "b"]
    assert panel.count.text == "0 of 2 reviewed"
    assert "2 of 2 cases have a result" in slicer.util.mainWindow().statusBar().currentMessage()
    assert read_run_record(tmp_path / "run").options["early_stop"] is False


def test_a_run_can_be_cancelled_and_gone_on_with(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = manifest(tmp_path, "abc", slices=9)
    with Gate(slices=9 + 2) as gate:  # the second case has two slices
        monkeypatch.setenv(*gate.variable)
        panel = begin(user, source, tmp_path / "run")
        user.bench.wait_until(lambda: gate.stopped() and user.work.batches.job.ended, "the second case", 90)
        user.wait_for_panel()
        user.bench.click(panel.cancel)
        user.bench.wait_until(lambda: not user.work.batches.running, "the end of the batch", 90)
    user.wait_for_panel()
    assert user.work.batches.job.summary.finished == 1
    assert "cancelled" in panel.notice.text
    user.bench.click(panel.start.resume)
    user.bench.click(panel.start.begin)
    user.bench.wait_until(lambda: not user.work.batches.running, "the end of the second run", 90)
    assert user.work.batches.job.summary.reused == 1
    assert user.work.batches.job.summary.succeeded


@pytest.mark.slow
def test_an_early_stop_is_an_option_of_the_run(user: User, tmp_path: Path) -> None:
    panel = fill_in(user, manifest(tmp_path, "a"), tmp_path / "run")
    user.bench.click(panel.start.early_stop)
    user.bench.click(panel.start.begin)
    user.bench.wait_until(lambda: not user.work.batches.running, "the end of the batch", 90)
    assert read_run_record(tmp_path / "run").options["early_stop"] is True
    assert user.work.batches.job.summary.finished == 1


def test_what_cannot_be_run_is_said(user: User, tmp_path: Path) -> None:
    panel = begin(user, tmp_path / "nothing", tmp_path / "run")
    user.bench.wait_until(lambda: not user.work.batches.running, "the refusal", 90)
    user.wait_for_panel()
    assert "nothing" in panel.notice.text


def test_a_batch_of_the_console_shows_in_the_panel_and_does_not_wait(user: User, tmp_path: Path) -> None:
    logic = slicer.util.getModuleLogic("PromptOnce")
    panel = user.panel.batch
    panel.widget.collapsed = False
    study(tmp_path)
    ended: list[Any] = []
    job = logic.runBatch(
        tmp_path / "images",
        tmp_path / "run",
        prompt=tmp_path / "prompt.json",
        wait=False,
        onFinished=ended.append,
    )
    assert not job.finished
    assert user.work.batches.job is job
    user.bench.wait_until(lambda: ended, "the end of the batch", 90)
    user.wait_for_panel()
    assert job.summary.succeeded
    assert sorted(column(panel, 0)) == ["a", "b", "c"]
    assert user.bench.dialogs.shown == []
