"""A result is reviewed and corrected from a script as on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from batch.sample_runs import Sample, sample_run, write_sample_run

import PromptOnceLib as po
from api.test_segment import disk_labels, disk_volume
from PromptOnceLib.batch.file_names import PLAN
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, RecordedPlan, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.cases.correction import read_saved_result
from PromptOnceLib.errors import InputError

BOX = (30, 20, 70, 62)


@pytest.fixture(scope="module")
def session() -> Iterator[po.Session]:
    with po.Session(device="cpu", precision="float32", threads=1) as opened:
        yield opened


def test_a_file_is_corrected_and_reviewed_like_the_result_it_came_from(session: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    result = po.segment(volume, box=BOX, window="full", name="disk", model=session)
    path = tmp_path / "r.seg.nrrd"
    result.save(path)
    # A file keeps scores to four digits.
    of_file, of_result = po.review(path, "disk"), po.review(result)
    assert {one.slice: one.state for one in of_file} == {one.slice: one.state for one in of_result}
    assert of_file[0].confidence == pytest.approx(of_result[0].confidence, abs=1e-3)
    drawn = disk_labels(volume)[8]
    assert po.correct(volume, path, 8, mask=drawn, model=session) == path
    without_worker = po.Session(device="cpu")
    assert po.correct(volume, path, 2, accept=True, model=without_worker) == path
    assert without_worker._started is None
    found = read_saved_result(volume, path)
    assert found.prompts.object("disk").indices == (2, 5, 8)
    np.testing.assert_array_equal(found.result.masks[0, 8], drawn)
    np.testing.assert_array_equal(found.result.masks[0, :5], result.run.result.masks[0, :5])
    states = {one.slice: one.state for one in po.review(path)}
    assert (states[2], states[5], states[8]) == ("accepted", "prompted", "corrected")
    with pytest.raises(InputError, match="one correction"):
        po.correct(volume, path, 3, model=session)
    with pytest.raises(InputError, match='no object "liver"'):
        po.correct(volume, path, 3, accept=True, name="liver", model=session)


def test_other_segments_are_kept_out(session: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    others = np.zeros(volume.array.shape, np.uint8)
    others[:, :, 52:] = 1
    result = po.segment(volume, box=BOX, window="full", keep_out=others, model=session)
    assert result.mask.any()
    assert not result.mask[others > 0].any()
    result.save(tmp_path / "r.seg.nrrd")
    po.correct(volume, tmp_path / "r.seg.nrrd", 7, box=BOX, keep_out=others, model=session)
    found = read_saved_result(volume, tmp_path / "r.seg.nrrd").result.to_volume_order(0)
    assert found[7].any()
    assert not found[others > 0].any()


def test_the_result_of_a_batch_stays(session: po.Session, tmp_path: Path) -> None:
    write_sample_run(tmp_path / "run", [Sample("a")])
    plan = RecordedPlan(plan=BatchPlan(selection=Selection(), cases=()), options=BatchOptions())
    (tmp_path / "run" / PLAN).write_text(plan.model_dump_json(), encoding="utf-8")
    result = tmp_path / "run" / "cases" / "a" / "segmentation.seg.nrrd"
    before = result.read_bytes()
    written = po.correct(sample_run(Sample("a")).case.volume, result, 2, accept=True, model=session)
    assert written == result.with_name("corrected.seg.nrrd")
    assert result.read_bytes() == before
    assert read_case_record(result.parent).review.state == "corrected"


def test_an_array_with_its_spacing_and_what_is_to_be_said(session: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    array, spacing, path = np.asarray(volume.array), (2.5, 0.8, 0.7), tmp_path / "r.seg.nrrd"
    po.segment(array, spacing=spacing, box=BOX, window="full", model=session).save(path)
    told: list[str] = []
    po.correct(array, path, 3, spacing=spacing, accept=True, model=session, on_notice=told.append)
    assert told == []
    po.correct(array[::-1], path, 3, spacing=spacing, accept=True, model=session)
    assert any("not the one that r.seg.nrrd was made from" in notice for notice in session.notices)
