"""What a batch leaves for people: cases.csv, the report with links, missing references as notices of their cases."""

from __future__ import annotations

import csv
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import Run
from PromptOnceLib.batch.report.cases_table import COLUMNS
from PromptOnceLib.batch.run_folder.records import set_review

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Images of two bright blocks, one with labels 5 and 1 on them beside the folder, one without, one unreadable."""
    array = np.zeros((4, 48, 48), np.int16)
    array[:, 8:20, 8:20], array[:3, 30:40, 25:45] = 200, 180
    labels = np.where(array == 200, 5, 0) + (array == 180)
    for name, content in (("images/p1", array), ("images/p 2", array), ("labels/p1", labels.astype(np.uint8))):
        image = sitk.GetImageFromArray(content)
        image.SetSpacing((1, 1, 4))
        path = tmp_path / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        sitk.WriteImage(image, str(path))
    (tmp_path / "images" / "p3.nii.gz").write_bytes(b"no image")
    return tmp_path / "images"


def test_every_case_and_object_has_its_row_and_the_report_its_links(run: Run, study: Path, tmp_path: Path) -> None:
    reference = ["--reference", "labels/{case}.nii.gz:5=liver,1=spleen"]
    ended = run("batch", study, "--prompt-from", "reference", *reference, "-o", "run", "--window", "full")
    assert ended.status == 1
    assert f"Report: {Path('run') / 'report.html'}" in ended.out
    set_review(tmp_path / "run" / "cases" / "p1", "accepted")
    assert run("report", "run").status == 0
    rows = list(csv.DictReader((tmp_path / "run" / "cases.csv").open()))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["case"], row["object"], row["status"]) for row in rows] == [
        ("p-2", "", "failed"), ("p1", "liver", "finished"), ("p1", "spleen", "finished"), ("p3", "", "failed"),
    ]  # fmt: skip
    liver, spleen = rows[1:3]
    assert float(liver["reference_millilitres"]) == pytest.approx(4 * 12 * 12 * 4 / 1000)
    assert float(spleen["reference_millilitres"]) == pytest.approx(3 * 10 * 20 * 4 / 1000)
    # The stand-in for the model marks both blocks for each object.
    assert float(liver["dice"]) == pytest.approx(2 * 576 / (576 + 1176))
    assert float(liver["hausdorff95_mm"]) > 0
    assert float(liver["predicted_iou"]) > 0
    assert liver["reviewed"] == "accepted"
    assert 0 <= int(liver["slice_to_look_at"]) < 4
    assert "has none" in rows[0]["notices"]

    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    links = [unquote(unescape(link)) for link in re.findall(r'href="([^"]+)"', page)]
    assert {"cases.csv", "results.csv", "cases/p1/segmentation.seg.nrrd", "cases/p1/sheet.png"} <= set(links)
    assert all((tmp_path / "run" / link).is_file() for link in links)
    assert "liver, spleen" in page
    assert "a file .nii.gz, labels 5=liver, 1=spleen" in page
    assert str(tmp_path) not in page
    # The slices' tables: of the union, which the papers' tables are made from, and of every object.
    assert len(list(csv.DictReader((tmp_path / "run/cases/p1/slices.csv").open()))) == 4
    by_object = list(csv.DictReader((tmp_path / "run/cases/p1/slices-by-object.csv").open()))
    assert [row["object"] for row in by_object] == ["liver"] * 4 + ["spleen"] * 4
    assert len(list(csv.DictReader((tmp_path / "run/joint_raw_data.csv").open()))) == 4


def test_a_missing_reference_is_a_notice_of_its_case(run: Run, study: Path, tmp_path: Path) -> None:
    (study / "p3.nii.gz").unlink()
    (tmp_path / "p.json").write_text(
        json.dumps({"slice": 1, "objects": [{"name": "a", "box": {"x0": 5, "y0": 5, "x1": 25, "y1": 25}}]})
    )
    ended = run("batch", study, "--prompt", "p.json", "--reference", "labels/{case}.nii.gz:5", "-o", "run", "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["version"], ended.json["report"]) == (1, str(Path("run") / "report.html"))
    notices = {
        name: json.loads((tmp_path / "run" / "cases" / name / "record.json").read_text())["notices"]
        for name in ("p1", "p-2")
    }
    assert not any("No reference" in notice for notice in notices["p1"])
    assert any("No reference was found for this case" in notice for notice in notices["p-2"])
    rows = {row["case"]: row for row in csv.DictReader((tmp_path / "run" / "cases.csv").open())}
    assert rows["p-2"]["dice"] == ""
    assert float(rows["p1"]["dice"]) > 0


def test_the_object_of_references_gets_a_name(run: Run, study: Path, tmp_path: Path) -> None:
    (study / "p3.nii.gz").unlink()
    command = ["batch", study, "--prompt-from", "reference", "--reference", "labels/{case}.nii.gz", "-o", "run"]
    assert run(*command, "--name", "organs").status == 1
    record = json.loads((tmp_path / "run" / "cases" / "p1" / "record.json").read_text())
    assert record["objects"] == ["organs"]
    assert "prompt: reference x S5" in run(*command, "--name", "x", "--strategy", "S5", "--dry-run").out
    assert "goes with --prompt-from" in run("batch", study, "--seed", "auto", "--name", "x", "-o", "run").err
    nowhere = run("batch", study, "--seed", "auto", "--reference", "masks/{case}.nii.gz", "--dry-run")
    assert nowhere.status == 2
    assert str(tmp_path / "masks") in nowhere.err
