"""A corrected case of a run: the result stays, the correction lies beside it, record and report say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batch.sample_runs import Sample, leaking, write_sample_run
from PromptOnceLib.batch.corrections import CaseCorrection
from PromptOnceLib.batch.file_names import PLAN
from PromptOnceLib.batch.planning.plan import (
    BatchOptions,
    BatchPlan,
    PlannedCase,
    PromptChoice,
    RecordedPlan,
    Selection,
)
from PromptOnceLib.batch.run_folder.records import CORRECTED, is_whole, read_case_record, write_case_record
from PromptOnceLib.cases.correction_record import TAG
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.result import read_csv


@pytest.fixture
def case(tmp_path: Path) -> CaseCorrection:
    """A case whose mask leaks, with the right one as reference."""
    folder = tmp_path / "run"
    write_sample_run(folder, [Sample("a", disturb=leaking), Sample("b")])
    result = folder / "cases" / "a" / "segmentation.seg.nrrd"
    right = read_segmentation(folder / "cases" / "b" / result.name)
    segments, _, geometry = read_segmentation(result)
    write_segmentation(tmp_path / "right.nii.gz", right.masks, segments, geometry)
    planned = PlannedCase(
        name="a", image=None, prompt=PromptChoice(kind="seed", name="x"), reference=f"{tmp_path / 'right.nii.gz'}:1"
    )
    plan = BatchPlan(selection=Selection(), cases=(planned,))
    (folder / PLAN).write_text(RecordedPlan(plan=plan, options=BatchOptions()).model_dump_json(), encoding="utf-8")
    found = CaseCorrection.of(result)
    assert found is not None
    return found


def corrected(case: CaseCorrection) -> np.ndarray:
    """Write the correction: what leaks is taken away."""
    result = case.folder / "segmentation.seg.nrrd"
    segments, masks, geometry = read_segmentation(result)
    mask = masks[0].copy()
    last = np.flatnonzero(mask.any((1, 2)))[-1]
    mask[last - 2 : last + 1] = 0
    tag = read_tags(result, TAG)[0]
    assert tag is not None
    write_segmentation(case.target, [mask], segments, geometry, {TAG: tag})
    return mask


def test_record_table_and_report_tell_of_the_correction(case: CaseCorrection) -> None:
    before = read_case_record(case.folder)
    assert before.corrected is None
    mask = corrected(case)
    notices = case.note()
    assert any("count as corrected by hand" in notice for notice in notices)
    record = read_case_record(case.folder)
    assert record.review.state == "corrected"
    assert record.figures == before.figures
    assert is_whole(case.folder)
    assert record.corrected is not None
    assert record.corrected.dice is not None
    assert record.corrected.millilitres < record.figures.millilitres
    rows = read_csv(case.folder / "corrected.csv")
    assert [row.area for row in rows] == mask.sum((1, 2)).tolist()
    case.renew_report()
    assert f"Dice {record.corrected.dice:.4f}" in (case.run / "report.html").read_text(encoding="utf-8")


def test_without_its_reference_a_correction_is_noted_all_the_same(case: CaseCorrection) -> None:
    corrected(case)
    (case.run.parent / "right.nii.gz").unlink()
    notices = case.note()
    assert any("not compared with the reference" in notice for notice in notices)
    record = read_case_record(case.folder)
    assert record.review.state == "corrected"
    assert record.corrected is not None
    assert record.corrected.dice is None


def test_no_millilitres_are_made_up_where_the_size_of_a_pixel_is_not_known(case: CaseCorrection) -> None:
    before = read_case_record(case.folder)
    figures = before.figures.model_copy(update={"measured": False})
    write_case_record(case.folder, before.model_copy(update={"figures": figures}))
    corrected(case)
    case.note()
    record = read_case_record(case.folder)
    assert record.corrected is not None
    assert record.corrected.volume is None


def test_a_correction_goes_on_from_the_one_before(case: CaseCorrection) -> None:
    result = case.folder / "segmentation.seg.nrrd"
    assert case.source(result) == result
    corrected(case)
    assert case.source(result) == case.target == case.folder / CORRECTED
    assert CaseCorrection.of(case.target) == case


def test_files_elsewhere_are_of_no_run(case: CaseCorrection, tmp_path: Path) -> None:
    assert CaseCorrection.of(case.folder / "other.seg.nrrd") is None
    assert CaseCorrection.of(tmp_path / "right.nii.gz") is None
