"""Training: the clips' pass is inference's, a step changes the weights, and a run that was stopped goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt
from training import train
from training.dataset import Batch, Clips, batches
from training.forward import run_clips
from training.muon import orthogonal
from training.pool import make_pool, read_pool
from training.stages import STAGES as STAGES_OF_THE_RECIPE
from training.stages import Stage
from training.train import CONFIG, Trainer, set_size

CHECKPOINT = CONFIG.with_name("nano.pt")
STAGES = (Stage(2, 1, 2, 1, 64, 1e-3, (1.0, 1.0), 0.5, 3.0), Stage(2, 1, 1, 3, 64, 1e-3, (0.5, 0.0), 0.1, 1.0))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    make_pool(folder, 4, processes=1)
    return Clips(read_pool(folder))


def test_a_clip_in_training_gives_the_masks_of_inference():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 60, (3, 256, 256)).astype(np.uint8)
    frames[:, 80:180, 60:200] += 150
    model = load_model(ModelFiles(name="nano", checkpoint=CHECKPOINT, config=CONFIG, sha256=None))
    prompt = ObjectPrompt(box=Box(x0=60, y0=80, x1=200, y1=180))
    points, labels = (torch.from_numpy(a)[None, None] for a in prompt.points_and_labels())
    masks = torch.zeros(1, 3, 256, 256, dtype=torch.bool)
    batch = Batch(torch.from_numpy(frames)[None].float(), masks, (0,), points, labels, by_mask=False)

    with torch.no_grad():
        outputs = run_clips(model.network, batch, torch.zeros(1, 3, dtype=torch.bool))
    inferred = list(Propagation(Tracker(model, on_cpu()), frames, print).run(Task([prompt], 0, 0, 2)))

    for output, expected in zip(outputs, inferred, strict=True):
        logits = output.masks[0, output.chosen[0]]
        trained = torch.nn.functional.interpolate(logits[None, None], (256, 256), mode="bilinear")[0, 0] > 0
        # Inference remembers in bfloat16 and counts the pass's own frames; a few pixels of the border may differ.
        assert (trained.numpy() != (expected.masks[0] > 0)).mean() < 0.002
        assert expected.masks[0].any()


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_weights_of_one_that_was_not(clips, tmp_path):
    torch.set_num_threads(1)
    Trainer(tmp_path / "whole", clips, STAGES, torch.device("cpu")).run()
    stopped = Trainer(tmp_path / "parts", clips, STAGES, torch.device("cpu"))
    stopped._run_stage(0, range(2), 0, lambda step: step / 2, stopped._save)
    Trainer(tmp_path / "parts", clips, STAGES, torch.device("cpu")).run()

    whole, parts = (torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "parts"))

    assert whole["step"] == parts["step"] == 4
    for name, value in whole["model"].items():
        assert torch.allclose(value, parts["model"][name], atol=1e-6), name


def test_training_changes_the_weights_and_writes_a_checkpoint_that_loads(clips, tmp_path):
    trainer = Trainer(tmp_path, clips, STAGES, torch.device("cpu"))
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    trainer.run()

    changed = [k for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])]
    assert len(changed) > 0.8 * len(before)
    load_model(ModelFiles(name="new", checkpoint=tmp_path / "nano_stage1.pt", config=CONFIG, sha256=None))


@pytest.mark.slow
def test_the_log_tells_stage_step_loss_and_dice(clips, tmp_path):
    stage = Stage(50, 1, 1, 1, 32, 1e-3, (1.0, 1.0), 0.5, 3.0)

    trainer = Trainer(tmp_path, clips, (stage,), torch.device("cpu"))
    set_size(trainer.model, 32)
    trainer.run()

    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(e["stage"], e["step"]) for e in entries] == [(0, 50)]
    assert entries[0]["loss"] > 0
    assert len(entries[0]["dice"]) == 1


def test_training_from_a_checkpoint_begins_with_its_weights_at_the_stage_asked_for(clips, tmp_path):
    trainer = Trainer(tmp_path, clips, STAGES, torch.device("cpu"))
    trainer.start_from(CHECKPOINT, stage=1)

    weights = torch.load(CHECKPOINT, weights_only=True)["model"]
    assert all(torch.equal(v, weights[k].float()) for k, v in trainer.model.state_dict().items())
    assert trainer.step == STAGES[0].steps


@pytest.mark.slow
def test_a_run_for_a_time_ends_when_it_is_over_and_the_next_goes_on_from_its_weights(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "time", Clock())
    for _ in range(2):
        trainer = Trainer(tmp_path, clips, STAGES, torch.device("cpu"), workers=2)
        trainer.start_from(CHECKPOINT, stage=1)
        trainer.run_for(seconds=10)

    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    kept = torch.load(tmp_path / "averaged.pt", weights_only=True)
    assert [entry["stage"] for entry in entries] == [1, 1]
    assert 0 < entries[0]["step"] < entries[1]["step"] < 20
    assert kept["step"] == trainer.step == STAGES[0].steps + entries[1]["step"]
    assert all(torch.equal(trainer.average[k].half(), v) for k, v in kept["model"].items())


@pytest.mark.slow
def test_a_step_under_bfloat16_gives_finite_loss_and_weights(clips, tmp_path):
    trainer = Trainer(tmp_path, clips, STAGES[1:], torch.device("cpu"))
    trainer.start_from(CHECKPOINT, stage=0)
    trainer.autocast = torch.autocast("cpu", torch.bfloat16)

    trainer.run()

    entry = json.loads((tmp_path / "log.jsonl").read_text())
    assert entry["loss"] > 0
    assert all(torch.isfinite(v).all() for v in trainer.model.state_dict().values())


def test_on_a_gpu_a_step_holds_ten_times_as_many_frames():
    for stage in STAGES_OF_THE_RECIPE:
        assert stage.on(torch.device("cpu")) is stage
        large = stage.on(torch.device("cuda"))
        clips, _, frames, _ = large.shape(0)
        assert clips >= 16
        assert clips * frames >= 8 * stage.clips * stage.frames
        assert frames in (1, 8)


def test_several_workers_give_the_batches_in_order(clips):
    def shape(step):
        return (1, 1, 1, 32)

    made = list(batches(clips, 3, range(5, 9), shape, workers=2))

    assert all(batch.frames.equal(clips.batch((3, 5 + i), *shape(0)).frames) for i, batch in enumerate(made))
    assert len(made) == 4


class Clock:
    """Stands for the module time: a second passes at every look."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


@pytest.mark.parametrize("shape", [(32, 96), (96, 32)])
def test_muon_brings_every_singular_value_of_an_update_near_one(shape):
    update = orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 100)

    values = torch.linalg.svdvals(update)
    assert update.shape == shape
    assert values.min() > 0.6
    assert values.max() < 1.3
