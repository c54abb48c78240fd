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
from PromptOnceLib.models.registry import load_registry


def write_labels(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> None:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


@pytest.mark.parametrize("folder", ["afile", "/proc/made"])
def test_a_demo_that_cannot_write_says_so_at_once(run: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "afile").write_text("in the way")
    ended = run("demo", "--phantom", "-o", folder)
    assert ended.status == 2
    assert "folder" in ended.err
    assert "Traceback" not in ended.err


def test_models_are_listed_with_where_they_are(run: Run, tmp_path: Path) -> None:
    listed = run("models", "list", "--folder", tmp_path / "models", "--json").json
    assert [model["name"] for model in listed] == load_registry().names
    assert [model["name"] for model in listed if model["default"]] == ["nano"]
    assert [model["present"] for model in listed] == [name == "nano" for name in load_registry().names]
    words = run("models", "list", "--folder", tmp_path / "models").out
    assert "to download" in words
    assert run("models", "path", "--folder", tmp_path / "models").out.strip() == str(tmp_path / "models")


@pytest.mark.parametrize("command", [["report"], ["review"], ["study", "run"], ["evaluate", "a.nii.gz"]])
def test_what_this_user_may_not_open_is_a_sentence(run: Run, closed_folder: Path, command: list[str]) -> None:
    ended = run(*command, closed_folder / "x.seg.nrrd", *(["-o", "out"] if "study" in command else []))
    assert ended.status == 2
    assert "x.seg.nrrd" in ended.err
    assert "cannot be opened" in ended.err
    assert "Traceback" not in ended.err


def test_the_model_that_is_used_where_none_is_named_can_be_chosen(run: Run, tmp_path: Path) -> None:
    folder = ("--folder", tmp_path / "models")
    assert run("models", "use", "nano", *folder).out == "nano\n"
    assert (tmp_path / "models" / "default-model.txt").read_text() == "nano\n"
    assert run("models", "list", *folder).out.startswith("* nano")
    absent = run("models", "use", "tiny", *folder)
    assert absent.status == 2
    assert "`promptonce models download tiny` gets it" in absent.err
    assert run("models", "use", "--best", *folder).status == 0
    assert not (tmp_path / "models" / "default-model.txt").exists()
    assert run("models", "use", *folder).status == 2


def test_the_licence_of_weights_is_shown_before_their_download(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    ended = run("models", "download", "medsam2", "--quiet", "--folder", tmp_path)
    assert ended.status != 0
    assert ended.err.startswith("MedSAM2, 156 MB. Licence of the weights: CC BY-SA 4.0.")
    assert "could not be downloaded" in ended.err
    assert "Licence" in run("models", "list", "--folder", tmp_path).out


def test_verify_tells_a_damaged_checkpoint(run: Run, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    assert run("models", "verify", "nano").status == 0
    (models / "sam2.1_hiera_tiny.pt").write_bytes(b"damaged")
    ended = run("models", "verify", "tiny", "--folder", models)
    assert ended.status == 2
    assert "tiny" in ended.err
    (models / "sam2.1_hiera_small.pt").write_bytes(b"damaged")
    both = run("models", "verify", "tiny", "small", "nano", "--folder", models)
    assert both.status == 2
    assert [both.err.count(f"sam2.1_hiera_{size}.pt") for size in ("tiny", "small")] == [1, 1]
    assert "nano: as it should be" in both.out


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
