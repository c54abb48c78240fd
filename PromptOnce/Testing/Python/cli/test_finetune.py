"""promptonce finetune: from a folder to a model that the other commands take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.margins import margin_slices

import PromptOnceLib as po
from cli.conftest import Run
from PromptOnceLib.cli.json_reports import FineTuneReport
from PromptOnceLib.files.stamp import file_sha256

QUICKLY = ["--model", "nano", "--device", "cpu", "--epochs", "1", "--learning-rate", "0.001", "--batch-size", "4"]
REFERENCE = ["--reference", "labels/{case}.nii.gz"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for seed in range(3):
        for folder, array in zip(("images", "labels"), margin_slices(4, seed), strict=True):
            (tmp_path / folder).mkdir(exist_ok=True)
            image = sitk.GetImageFromArray(array.astype(np.int16))
            sitk.WriteImage(image, str(tmp_path / folder / f"patient{seed}.nii.gz"))
    return tmp_path / "images"


def test_a_folder_becomes_a_model(run: Run, images: Path, tmp_path: Path) -> None:
    ended = run("finetune", images, *REFERENCE, *QUICKLY, "-o", "margins.pt")
    assert ended.status == 0, ended.err
    assert "Validation, 4 masks of 1 cases: Dice" in ended.out
    assert "Wrote margins.pt and margins.card.json" in ended.out
    assert "Epoch 1: loss" in ended.err
    assert "Training: " in ended.err
    of_python = po.finetune(
        images,
        tmp_path / "other.pt",
        reference="labels/{case}.nii.gz",
        model="nano",
        device="cpu",
        epochs=1,
        learning_rate=0.001,
        batch_size=4,
    )
    assert of_python.sha256 == file_sha256(tmp_path / "margins.pt")
    assert "patient" not in (tmp_path / "margins.card.json").read_text(encoding="utf-8")
    sizes = []
    for model in ("nano", "margins.pt"):
        segmented = run(
            *("segment", images / "patient0.nii.gz", "--slice", "1", "--box", "10,4,48,44", "--model", model),
            *("--device", "cpu", "--precision", "float32", "-o", f"{Path(model).stem}.nii.gz"),
        )
        assert segmented.status == 0, segmented.err
        sizes.append(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"{Path(model).stem}.nii.gz"))).sum())
    assert sizes[0] != sizes[1]


def test_json_is_the_card_with_the_files(run: Run, images: Path) -> None:
    ended = run("finetune", images, *REFERENCE, *QUICKLY, "-o", "margins.pt", "--json", "--random-seed", "3")
    report = FineTuneReport.model_validate(ended.json)
    assert (report.output, report.card, report.settings.random_seed) == ("margins.pt", "margins.card.json", 3)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([*REFERENCE, "-o", "margins.onnx"], "bad_input"),
        ([*REFERENCE, "-o", "margins.pt", "--test", "0.8"], "bad_training_data"),
        (["--reference", "none/{case}.nii.gz", "-o", "margins.pt"], "bad_input"),
        ([*REFERENCE, "-o", "margins.pt", "--model", "images/patient0.nii.gz"], "bad_model"),
        ([*REFERENCE, "-o", "there.pt"], "output_exists"),
    ],
)
def test_what_cannot_be_used_is_told_before_a_worker_starts(
    run: Run, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str
) -> None:
    monkeypatch.setattr("PromptOnceLib.cli.worker_session.start_segmenter", pytest.fail)
    (tmp_path / "there.pt").touch()
    ended = run("finetune", images, "--model", "nano", *arguments, "--json")
    assert ended.status == 2
    assert ended.json["error"]["code"] == code, ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "labels", "there.pt"]


def test_a_training_that_leads_nowhere_ends_with_status_1(run: Run, images: Path, tmp_path: Path) -> None:
    ended = run("finetune", images, *REFERENCE, *QUICKLY, "--learning-rate", "1e-12", "-o", "margins.pt", "--json")
    assert (ended.status, ended.json["error"]["code"]) == (1, "not_improved")
    assert not list(tmp_path.glob("margins*"))
