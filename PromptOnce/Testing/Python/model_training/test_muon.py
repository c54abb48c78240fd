"""Optimisers: what takes which weights, and what a step does to them."""

from __future__ import annotations

from itertools import chain

import pytest
import torch

from training.losses import StepLoss
from training.muon import make_optimizers, orthogonal, stems
from training.network import build_model
from training.stages import STAGES
from training.train import Trainer


@pytest.fixture
def trainer(tmp_path):
    return Trainer(tmp_path, None, STAGES, torch.device("cpu"))


@pytest.mark.parametrize("shape", [(32, 96), (96, 32)])
def test_muon_brings_every_singular_value_of_an_update_near_one(shape):
    update = orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 100)

    values = torch.linalg.svdvals(update)
    assert update.shape == shape
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_every_weight_is_learnt_once_and_the_stem_of_the_mask_at_the_lowest_rate():
    model = build_model()

    groups = list(chain(*(one.param_groups for one in make_optimizers(model))))

    taken = [[id(p) for p in group["params"]] for group in groups]
    assert sorted(chain(*taken)) == sorted(id(p) for p in model.parameters())
    slowest = min(groups, key=lambda group: group["share"])
    assert [id(p) for p in slowest["params"]] == [id(p) for p in stems(model)[1]]


def test_each_group_of_weights_has_its_share_of_the_rate(trainer, monkeypatch):
    monkeypatch.setattr(trainer, "_backward", lambda *_: StepLoss(*4 * [torch.tensor(0.0)]))

    trainer._update([None], STAGES[-1], 1e-3, 0.0)

    groups = list(chain(*(one.param_groups for one in trainer.optimizers)))
    assert [group["lr"] for group in groups] == pytest.approx([1e-3 * group["share"] for group in groups])
    assert len({group["lr"] for group in groups}) == 3


@pytest.mark.parametrize("stem", [0, 1], ids=["image", "mask"])
def test_a_steep_stem_takes_nothing_from_the_step_of_all_other_weights(trainer, monkeypatch, stem):
    steep = {id(p) for p in trainer.stems[stem]}
    start = {name: value.clone() for name, value in trainer.model.state_dict().items()}

    def weights_after(steepness):
        def gradients(_part, _stage, _truth):
            for p in trainer.model.parameters():
                p.grad = torch.full_like(p, steepness if id(p) in steep else 1e-3)
            return StepLoss(*4 * [torch.tensor(0.0)])

        trainer.model.load_state_dict(start)
        trainer.optimizers = make_optimizers(trainer.model)
        trainer.step = 1000  # from 200 on a step with much too large gradients is not taken
        monkeypatch.setattr(trainer, "_backward", gradients)
        trainer._update([None], STAGES[-1], 1e-3, 0.0)
        return {name: p.clone() for name, p in trainer.model.named_parameters() if id(p) not in steep}

    usual, beside_steep = weights_after(1e-3), weights_after(1e3)

    assert any(not torch.equal(value, start[name]) for name, value in usual.items())
    for name, value in usual.items():
        assert torch.equal(value, beside_steep[name]), name
