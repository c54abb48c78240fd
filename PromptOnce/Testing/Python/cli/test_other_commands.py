"""promptonce evaluate, models, demo, and the help."""

from __future__ import annotations

import csv
import errno
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import Run
from PromptOnceLib.cases import outputs


def write_labels(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> None:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


def test_evaluate_gives_the_figures_worked_out_by_hand(run: Run, tmp_path: Path) -> None:
    result, reference = np.zeros((4, 8, 8)), np.zeros((4, 8, 8))
    reference[1:3, 2:4, 2:4] = 2
    result[1:3, 2:4, 2:5] = 1
    result[3, 0, 0] = 1
    write_labels(tmp_path / "result.nii.gz", result, (1, 1, 5))
    write_labels(tmp_path / "reference.nii.gz", reference, (1, 1, 5))

    report = run("evaluate", "result.nii.gz", "reference.nii.gz:2", "--json", "--csv", "slices.csv").json

    assert report["dice"] == pytest.approx(2 * 8 / (13 + 8))
    assert report["jaccard"] == pytest.approx(8 / 13)
    assert [row["dice"] for row in report["per_slice"]] == pytest.approx([None, 0.8, 0.8, 0.0])
    assert report["dice_per_slice"]["count"] == 2
    assert report["dice_per_slice"]["mean"] == pytest.approx(0.8)
    assert report["hausdorff_mm"] == pytest.approx(np.sqrt(2**2 + 2**2 + 5**2))
    assert report["hausdorff_pixels"] == pytest.approx(3.0)
    assert report["volume_ml"] == pytest.approx(13 * 5 / 1000)
    assert len(list(csv.DictReader((tmp_path / "slices.csv").open()))) == 4
    words = run("evaluate", "result.nii.gz", "reference.nii.gz:2")
    assert words.status == 0
    assert "0.7619" in words.out


def test_evaluate_refuses_what_cannot_be_compared(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.ones((3, 5, 5)))
    far = sitk.GetImageFromArray(np.ones((3, 5, 5), np.uint8))
    far.SetOrigin((1000, 0, 0))
    sitk.WriteImage(far, str(tmp_path / "far.nii.gz"))
    assert run("evaluate", "a.nii.gz", "far.nii.gz").status == 2
    assert run("evaluate", "a.nii.gz", "missing.nii.gz").status == 2
    assert run("evaluate", "a.nii.gz", "a.nii.gz:9").status == 2


def test_evaluate_does_not_overwrite_what_it_compares(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.ones((3, 5, 5)))
    before = (tmp_path / "a.nii.gz").read_bytes()
    assert run("evaluate", "a.nii.gz", "a.nii.gz", "--csv", "a.nii.gz").status == 2
    assert (tmp_path / "a.nii.gz").read_bytes() == before


def test_equal_masks_are_no_distance_apart(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.pad(np.ones((3, 5, 5)), 2))
    ended = run("evaluate", "a.nii.gz", "a.nii.gz", "--json")
    assert ended.json["hausdorff_mm"] == 0
    assert "-0.0" not in ended.out


@pytest.mark.parametrize("folder", ["afile", "/proc/made"])
def test_a_demo_that_cannot_write_says_so_at_once(run: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "afile").write_text("in the way")
    ended = run("demo", "--phantom", "-o", folder)
    assert ended.status == 2
    assert "folder" in ended.err
    assert "Traceback" not in ended.err


def test_models_are_listed_with_where_they_are(run: Run, tmp_path: Path) -> None:
    listed = run("models", "list", "--folder", tmp_path / "models", "--json").json
    assert [model["name"] for model in listed] == ["nano", "tiny", "small", "base_plus", "large"]
    assert [model["present"] for model in listed] == [True, False, False, False, False]
    words = run("models", "list", "--folder", tmp_path / "models").out
    assert "to download" in words
    assert run("models", "path", "--folder", tmp_path / "models").out.strip() == str(tmp_path / "models")


def test_verify_tells_a_damaged_checkpoint(run: Run, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    assert run("models", "verify", "nano").status == 0
    (models / "sam2.1_hiera_tiny.pt").write_bytes(b"damaged")
    ended = run("models", "verify", "tiny", "--folder", models)
    assert ended.status == 2
    assert "tiny" in ended.err


def test_a_download_without_network_says_what_to_do(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    ended = run("models", "download", "tiny", "--folder", tmp_path / "models")
    assert ended.status == 1
    assert "sam2.1_hiera_tiny.pt" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "models" / "sam2.1_hiera_tiny.pt").exists()


@pytest.mark.usefixtures("_fake_worker")
def test_a_demo_that_cannot_write_at_the_end_keeps_its_results(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = outputs.write_segmentation

    def gone(path: Path, *rest: object) -> object:
        if path.parent.name == "made":
            raise OSError(errno.EIO, "Input/output error")
        return write(path, *rest)

    monkeypatch.setattr(outputs, "write_segmentation", gone)
    ended = run("demo", "--phantom", "-o", "made")
    assert ended.status == 1
    (kept,) = tmp_path.glob("promptonce-results-*/phantom.seg.nrrd")
    assert str(kept.parent) in ended.err


@pytest.mark.real_worker
def test_the_demo_on_the_phantom_writes_everything_and_says_where(run_process: Run, tmp_path: Path) -> None:
    ended = run_process("demo", "--phantom", "-o", "made")
    assert ended.status == 0, ended.err
    for name in ("phantom.seg.nrrd", "phantom.csv", "phantom.png"):
        assert (tmp_path / "made" / name).stat().st_size > 0
        assert f"made/{name}" in ended.out
    rows = list(csv.DictReader((tmp_path / "made" / "phantom.csv").open()))
    assert len(rows) == 40
    assert float(rows[20]["dice"]) > 0.8


@pytest.mark.parametrize(
    "command", [[], ["segment"], ["evaluate"], ["models"], ["models", "download"], ["models", "list"], ["demo"]]
)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    ended = run(*command, "--help")
    assert ended.status == 0
    assert "Usage:" in ended.out


def test_the_help_has_examples(run: Run) -> None:
    for command in ("segment", "evaluate", "models"):
        assert f"promptonce {command}" in run(command, "--help").out.split("Usage:")[1].split("\n", 1)[1]


def test_a_mistyped_option_ends_with_status_2(run_process: Run) -> None:
    assert run_process("segment", "--bocks").status == 2
    assert run_process("dance").status == 2
