"""The option --early-stop: what lies behind the object is left out, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import Run
from PromptOnceLib.batch.run_folder.records import read_case_record, read_run_record
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, write_prompt

SLICES, MIDDLE, REACH = 26, 13, 4  # a ball that leaves more empty slices at both ends than are waited for


@pytest.fixture
def ball_volume(tmp_path: Path) -> Path:
    y, x = np.mgrid[:96, :112]
    voxels = np.random.default_rng(5).normal(60, 6, (SLICES, 96, 112))
    for k in range(MIDDLE - REACH, MIDDLE + REACH + 1):
        radius = 18 * np.sqrt(1 - ((k - MIDDLE) / (REACH + 1)) ** 2)
        voxels[k][np.hypot(x - 50, y - 40) < radius] += 140
    path = tmp_path / "ball.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.int16)), str(path))
    return path


@pytest.mark.slow
def test_slices_behind_the_object_are_not_computed_and_the_result_is_the_same(
    run: Run, ball_volume: Path, tmp_path: Path
) -> None:
    arguments = ("--box", "32,22,68,58", "--positive", "50,40", "--window", "full", "--json")
    whole = run("segment", ball_volume, "-o", "whole.nii.gz", *arguments).json
    stopped = run("segment", ball_volume, "-o", "stopped.nii.gz", *arguments, "--early-stop").json

    computed = [row["slice"] for row in stopped["per_slice"] if row["computed"]]
    assert computed == list(range(computed[0], computed[-1] + 1))
    assert stopped["slices"] == len(computed) < whole["slices"] == SLICES
    assert set(range(MIDDLE - REACH, MIDDLE + REACH + 1)) < set(computed)
    assert not whole["notices"]
    assert f"from {computed[-1] + 1} to {SLICES - 1} were not computed" in " ".join(stopped["notices"])
    masks = [sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"{name}.nii.gz"))) for name in ("whole", "stopped")]
    np.testing.assert_array_equal(*masks)
    assert masks[0].any()


def test_a_batch_leaves_them_out_too_and_says_so_in_its_records(run: Run, ball_volume: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    ball_volume.rename(tmp_path / "images" / ball_volume.name)
    prompt = ObjectPrompt(name="ball", box=Box(x0=32, y0=22, x1=68, y1=58), points=(Point(x=50, y=40, positive=True),))
    write_prompt(tmp_path / "prompt.json", Prompt(axis=0, slice=MIDDLE, objects=(prompt,)))
    ended = run("batch", "images", "--prompt", "prompt.json", "-o", "out", "--window", "full", "--early-stop")
    assert ended.status == 0, ended.err
    assert read_run_record(tmp_path / "out").options["early_stop"] is True
    record = read_case_record(tmp_path / "out" / "cases" / "ball")
    assert record.status == "complete"
    assert 2 * REACH + 1 < record.figures.computed_slices < SLICES
    assert any("were not computed" in notice for notice in record.notices)
    again = run("batch", "-o", "out", "--resume", "--json")
    assert (again.status, again.json["reused"]) == (0, 1), "what is not named stays as it was"


@pytest.mark.parametrize(
    ("command", "option"), [("segment", "--early-stop"), ("batch", "--early-stop"), ("segment", "--compile")]
)
def test_the_help_names_the_switches_for_time(run: Run, command: str, option: str) -> None:
    ended = run(command, "--help")
    assert ended.status == 0
    assert option in ended.out
