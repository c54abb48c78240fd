"""Training: a step changes the weights, processes share it, and a run that was stopped goes on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from PromptOnceLib.engine.network import load_model
from PromptOnceLib.models.registry import ModelFiles
from training import train
from training.dataset import Clips, Shape, batches
from training.graft import ANSWERS, PRESENCE_HEAD
from training.network import CONFIG, set_size
from training.peers import Peers
from training.pool import make_pool, read_pool
from training.stages import STAGES as STAGES_OF_THE_RECIPE
from training.stages import Stage
from training.train import Trainer

CHECKPOINT = CONFIG.with_name("nano.pt")
STAGES = (Stage(2, 1, 2, 1, 64, 1e-3, (1.0, 1.0), 0.5, 3.0), Stage(2, 1, 1, 3, 64, 1e-3, (0.5, 0.0), 0.1, 1.0))
TOGETHER = replace(STAGES[1], steps=1, still=(1, 2), large=(1, 1, 2, 96), together=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    make_pool(folder, 4, processes=1)
    return Clips(read_pool(folder))


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


@pytest.mark.slow
def test_training_changes_the_weights_and_writes_a_checkpoint_that_loads(clips, tmp_path):
    trainer = Trainer(tmp_path, clips, STAGES, torch.device("cpu"))
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    trainer.run()

    changed = [k for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])]
    assert len(changed) > 0.8 * len(before)
    load_model(ModelFiles(name="new", checkpoint=tmp_path / "nano_stage1.pt", config=CONFIG, sha256=None))


def test_a_stage_for_the_memory_alone_leaves_what_answers_prompts_as_it_is(clips, tmp_path):
    stage = Stage(2, 1, 1, 3, 64, 1e-3, (0.5, 0.0), 0.1, 1.0, frozen=True, memory_alone=True)
    trainer = Trainer(tmp_path, clips, (stage,), torch.device("cpu"))
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    trainer.run()

    changed = {k for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])}
    assert any(name.startswith("memory_attention.") for name in changed)
    assert any(name.startswith(PRESENCE_HEAD) for name in changed)
    assert all(name.startswith(PRESENCE_HEAD) for name in changed if name.startswith(ANSWERS))


@pytest.mark.slow
def test_where_all_learns_together_a_step_has_the_gradients_of_clips_and_of_still_images(clips, tmp_path):
    trainer = Trainer(tmp_path, clips, (TOGETHER,), torch.device("cpu"))
    seen = []
    trainer.model.image_encoder.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    trainer.run()

    changed = {k for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])}
    assert seen == [(3, 3, 64, 64), (1, 3, 96, 96), (2, 3, 96, 96), (1, 3, 96, 96)]
    assert trainer.step == 1
    for part in ("image_encoder.", "memory_attention.", "memory_encoder.", "sam_mask_decoder."):
        assert any(name.startswith(part) for name in changed), part


@pytest.mark.slow
def test_two_processes_take_the_step_that_one_takes_alone(clips, tmp_path):
    torch.set_num_threads(1)
    _one_step(0, clips.phantoms, tmp_path / "alone", 1)

    arguments = (clips.phantoms, tmp_path / "both", 2)
    torch.multiprocessing.start_processes(_one_step, arguments, nprocs=2, start_method="fork")

    alone, both = (torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("alone", "both"))
    assert (tmp_path / "both" / "log.jsonl").read_text().count("\n") == 1
    assert alone["step"] == both["step"] == 1
    started = torch.load(CHECKPOINT, weights_only=True)["model"]
    for name, value in alone["model"].items():
        moved = (value - started[name].float()).abs().max()
        assert torch.allclose(value, both["model"][name], atol=0.05 * float(moved) + 1e-7), name


def _one_step(rank, phantoms, output, count):
    """A step of a stage in which all learns together, as one of so many processes."""
    torch.set_num_threads(1)
    peers = Peers(rank, count, output.with_name("meeting"))
    trainer = Trainer(output, Clips(phantoms), (TOGETHER,), torch.device("cpu"), peers=peers)
    trainer.start_from(CHECKPOINT, 0)
    trainer.run()


def test_a_stage_with_one_batch_a_step_is_not_for_two_processes():
    peers = Peers()
    peers.count = 2
    with pytest.raises(ValueError, match="too few for 2 processes"):
        peers.own(1)


@pytest.mark.slow
def test_the_log_tells_stage_step_loss_and_dice(clips, tmp_path):
    stage = Stage(50, 1, 1, 1, 32, 1e-3, (1.0, 1.0), 0.5, 3.0)

    trainer = Trainer(tmp_path, clips, (stage,), torch.device("cpu"))
    set_size(trainer.model, 32)
    trainer.run()

    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(e["stage"], e["step"]) for e in entries] == [(0, 20), (0, 40), (0, 50)]
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
        trainer.run_for(seconds=10, index=1)

    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    kept = torch.load(tmp_path / "averaged.pt", weights_only=True)
    assert [entry["stage"] for entry in entries] == [1, 1]
    assert 0 < entries[0]["step"] < entries[1]["step"] < 20
    assert kept["step"] == trainer.step == STAGES[0].steps + entries[1]["step"]
    assert all(torch.equal(trainer.average[k].half(), v) for k, v in kept["model"].items())


@pytest.mark.slow
@pytest.mark.parametrize(("late", "first"), [(0.0, 0), (0.5, 1)])
def test_a_run_for_a_time_leaves_the_mean_of_the_averages_saved_late(clips, tmp_path, monkeypatch, late, first):
    clock = Clock(0.0)
    monkeypatch.setattr(train, "time", clock)
    monkeypatch.setattr(train, "SAVE_EVERY", -1.0)  # after every step
    monkeypatch.setattr(train, "LATE", late)
    trainer = Trainer(tmp_path, clips, STAGES, torch.device("cpu"))
    trainer.start_from(CHECKPOINT, stage=1)
    update, averages = trainer._update, []

    def step(*arguments):
        losses = update(*arguments)
        averages.append({k: v.clone() for k, v in trainer.average.items()})
        clock.now += 1
        return losses

    monkeypatch.setattr(trainer, "_update", step)
    trainer.run_for(seconds=4, index=1)

    assert len(averages) == 4
    kept, last = (torch.load(tmp_path / name, weights_only=True)["model"] for name in ("averaged.pt", "last.pt"))
    assert all(last[name].equal(value.half()) for name, value in averages[-1].items())
    saved = [*averages[first:], averages[-1]]  # the end is saved once more
    for name, value in kept.items():
        expected = torch.stack([average[name] for average in saved]).mean(0)
        torch.testing.assert_close(value.float(), expected, rtol=1e-3, atol=1e-4)
    assert any(not kept[name].equal(value.half()) for name, value in averages[-1].items())


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
        shape = large.shapes(0)[0]
        assert shape.clips >= 16
        assert shape.clips * shape.frames >= 8 * stage.clips * stage.frames
        assert (shape.frames == 1) == (stage.frames == 1)
        assert shape.frames == 1 or shape.frames >= max(8, stage.frames)


def test_what_is_shown_at_full_size_may_be_close_up_less_often_than_small_clips():
    last = STAGES_OF_THE_RECIPE[-1]

    clips, still, large, again = last.shapes(0)

    assert still == again
    assert (clips.frames, still.frames, large.frames) == (14, 1, 8)
    assert still.close == large.close < clips.close
    assert {shape.close for shape in replace(last, large_close=None).shapes(0)} == {clips.close}


def test_several_workers_give_the_batches_in_order(clips):
    shapes = Shape(1, 1, 1, 32), Shape(1, 1, 2, 16)

    made = list(batches(clips, 3, range(5, 9), lambda step: shapes, workers=2))

    assert len(made) == 4
    for i, parts in enumerate(made):
        alone = [clips.batch((3, 5 + i, part), shape) for part, shape in enumerate(shapes)]
        assert all(same(part.on(torch.device("cpu")), again) for part, again in zip(parts, alone, strict=True))


def test_a_process_makes_its_own_batches_of_a_step_alone(clips):
    shapes = Shape(1, 1, 1, 32), Shape(1, 1, 2, 16), Shape(1, 1, 1, 16), Shape(1, 2, 1, 32)
    made = [next(batches(clips, 3, range(5, 6), lambda step: shapes, own=own)) for own in (first_half, second_half)]

    assert [len(parts) for parts in made] == [2, 2]
    alone = [clips.batch((3, 5, part), shape) for part, shape in enumerate(shapes)]
    every = [part.on(torch.device("cpu")) for parts in made for part in parts]
    assert all(same(part, again) for part, again in zip(every, alone, strict=True))


def first_half(number):
    return range(number // 2)


def second_half(number):
    return range(number // 2, number)


def same(one, other):
    """Whether two batches hold the same."""
    tensors = ("frames", "masks", "points", "point_labels")
    return all(getattr(one, name).equal(getattr(other, name)) for name in tensors) and (
        (one.prompted, one.by_mask) == (other.prompted, other.by_mask)
    )


class Clock:
    """Stands for the module time: so many seconds pass at every look."""

    def __init__(self, passes=1.0):
        self.now, self.passes = 0.0, passes

    def monotonic(self):
        self.now += self.passes
        return self.now
