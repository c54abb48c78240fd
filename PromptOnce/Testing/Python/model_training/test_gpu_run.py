"""The quarter of an hour on a GPU: what it refuses, what it does by default, and its calibration."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from PromptOnceLib.prompts.from_mask import prompt_from_mask
from training import gpu_run
from training.calibrate import SHIFTS, calibrate, until_absent
from training.evaluation.scores import Example
from training.network import CONFIG

CHECKPOINT = CONFIG.with_name("nano.pt")
BIAS = "sam_mask_decoder.pred_obj_score_head.layers.2.bias"


def test_on_the_cpu_amounts_are_those_of_a_rehearsal(monkeypatch, tmp_path):
    monkeypatch.setenv("OUT", str(tmp_path))
    real, rehearsal = gpu_run.parse([]), gpu_run.parse(["--device", "cpu", "--minutes", "1"])

    assert real.device.type == "cuda"
    assert (real.minutes, real.bench_minutes, real.phantoms) == (8.0, 2, 800)
    assert (rehearsal.minutes, rehearsal.bench_minutes) == (1.0, 0)
    assert rehearsal.phantoms < 50
    assert real.output == rehearsal.output == tmp_path


def test_without_cuda_it_ends_with_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match=r"no CUDA device.*--device cpu"):
        gpu_run.check(torch.device("cuda"), 4, tmp_path)


def test_without_room_for_the_phantoms_it_ends_with_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_run, "POOL", tmp_path)
    with pytest.raises(SystemExit, match="phantoms need"):
        gpu_run.check(torch.device("cpu"), 10**9, tmp_path)


def test_calibration_writes_the_checkpoint_with_the_best_shift(tmp_path):
    frames = np.full((3, 256, 256), 40, np.uint8)
    mask = np.zeros_like(frames)
    mask[:, 80:176, 64:160] = 1
    frames[mask > 0] = 200
    example = Example("phantoms", "one", "square", frames, mask, prompt_from_mask(mask[1]).prompt, seed=1)

    found = calibrate(CHECKPOINT, tmp_path / "new.pt", [example], torch.device("cpu"))

    old, new = (torch.load(path, weights_only=True)["model"][BIAS] for path in (CHECKPOINT, tmp_path / "new.pt"))
    best = max(found, key=lambda shift: found[shift].volume)
    assert tuple(found) == SHIFTS
    assert found[best].volume > 0.8
    assert found[best].found == 1.0
    assert float(new - old) == pytest.approx(best, abs=0.01)
    assert (tmp_path / "new.pt").stat().st_size < 16 * 2**20


@pytest.mark.parametrize(
    ("absent", "seed", "kept"),
    [([], 4, range(9)), ([0, 1, 7], 4, range(2, 7)), ([4, 8], 6, range(5, 8)), ([3, 5], 4, [4])],
)
def test_an_object_ends_with_the_first_slice_that_does_without_it_on_either_side(absent, seed, kept):
    present = np.isin(np.arange(9), absent, invert=True)
    found = until_absent(np.ones((9, 2, 2), bool), present, seed)
    assert np.flatnonzero(found.any((1, 2))).tolist() == list(kept)


def test_the_curve_is_drawn_of_a_log_with_a_single_entry(tmp_path):
    pytest.importorskip("matplotlib")
    entry = '{"stage": 4, "step": 7, "loss": 3.1, "dice": [0.6, NaN]}'
    (tmp_path / "log.jsonl").write_text(entry + "\n")

    gpu_run.draw(tmp_path)

    assert (tmp_path / "curve.png").stat().st_size > 1000
