"""The benchmarks compare what they say they compare. Nothing here looks at time."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from benchmarks import propagation
from benchmarks.__main__ import cases_for, main
from benchmarks.machine import kind, machine
from benchmarks.volumes import disks, prompts, through_jpeg
from PromptOnceLib.prompts.prompt import Prompt


@pytest.mark.parametrize("shape", [(512, 512), (35, 51), (402, 489)])
def test_prompts_lie_in_the_image_and_on_their_disks(shape) -> None:
    frames = disks(5, *shape)
    objects = prompts(3, *shape)
    Prompt(slice=2, objects=tuple(objects)).validate_for((5, *shape))
    for item in objects:
        inside = item.points[0]
        assert frames[2, round(inside.y), round(inside.x)] > 90


def test_a_volume_filled_to_a_third_has_no_disks_elsewhere() -> None:
    bright = (disks(30, 64, 64, 1 / 3) > 130).any((1, 2))
    assert bright[15]
    assert 9 <= bright.sum() <= 11


def test_both_sides_get_the_pixels_of_the_files(tmp_path) -> None:
    frames = disks(3, 40, 48)
    read = through_jpeg(frames, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jpg", "1.jpg", "2.jpg"]
    assert (read != frames).any()
    assert np.abs(read.astype(int) - frames).mean() < 10


def test_differences_are_those_of_the_worst_slice() -> None:
    reference = np.full((1, 3, 4, 4), -1.0, np.float32)
    reference[0, 0, :2] = 1
    ours = reference.copy()
    ours[0, 0, 0] = -1
    ours[0, 1, 0, 0] = -1.5
    found = propagation._differences(reference, ours)
    assert found["min_slice_dice"] == pytest.approx(2 * 4 / (8 + 4))
    assert (found["max_logit_difference"], found["differing_pixels"], found["reference_pixels"]) == (2.0, 4, 8)


def test_results_do_not_name_the_computer() -> None:
    found = machine()
    name = platform.node()
    assert not name or name not in f"{found} {kind(found)}"
    assert kind(found) == kind(found).strip("-").lower()


def test_when_the_time_is_over_no_case_is_begun(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "--quick", "--minutes", "-1", "--output", str(tmp_path)])
    main()
    assert "Left out for want of time" in capsys.readouterr().out


@pytest.mark.slow
def test_sides_may_take_slices_at_different_sizes_and_ours_may_take_its_passes_in_turn() -> None:
    common = ["--model=nano", "--slices=3", "--size=48", "--precision=float32"]
    found = propagation.compare(propagation.parser().parse_args([*common, "--pixels=128", "--reference-pixels=256"]))
    assert "nano at 128" in found["case"]
    assert "float32 at 256" in found["case"]
    assert found["differing_pixels"] > 0
    found = propagation.compare(propagation.parser().parse_args([*common, "--compare=in_turn"]))
    assert found["max_logit_difference"] == 0


@pytest.mark.slow
def test_a_case_in_exact_precision_has_no_differences() -> None:
    options = propagation.parser().parse_args(["--model=nano", "--slices=3", "--size=48", "--precision=float32"])
    found = propagation.compare(options)
    wanted = {
        "reference_seconds", "ours_seconds", "ratio", "min_slice_dice", "max_logit_difference", "reference_peak_mib",
        "ours_peak_mib",
    }  # fmt: skip
    assert wanted <= set(found)
    assert found["max_logit_difference"] == 0
    assert found["min_slice_dice"] == 1
    assert found["differing_pixels"] == 0


def test_on_a_gpu_what_was_never_measured_comes_first_and_what_is_compiled_last() -> None:
    on_cpu, on_gpu = cases_for("cpu"), cases_for("cuda:0")

    compiled = [any(word in case for word in ("--compile", "vos_optimized")) for case in on_gpu]
    assert set(on_cpu) < set(on_gpu)
    assert len(set(on_gpu)) == len(on_gpu)
    assert "bfloat16" in on_gpu[0]
    assert compiled == sorted(compiled)
    assert any(compiled)
    assert not any("--compile" in case for case in on_cpu)
