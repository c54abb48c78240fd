"""The presence head fitted anew: it learns what its tokens tell, and nothing else of the network changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sam2.modeling.sam2_utils import MLP

from training.evaluation.lockstep import read_network
from training.graft import PRESENCE_HEAD
from training.network import CONFIG
from training.pool import Phantom
from training.refit import collect, fit, refit

CHECKPOINT = CONFIG.with_name("nano.pt")


@pytest.fixture(scope="module")
def phantom():
    """A bright block in three of five slices of 256 x 256 pixels."""
    labels = np.zeros((5, 256, 256), np.uint8)
    labels[1:4, 60:140, 80:180] = 1
    counts = np.stack([np.bincount(s.ravel(), minlength=256) for s in labels])
    return Phantom(labels, counts, [(1,)], "", None, None, [], difficult=False)


def test_a_head_learns_what_its_tokens_tell():
    torch.manual_seed(0)
    tokens, volumes = torch.randn(600, 16), torch.arange(600) % 10
    present = tokens[:, 3] > 0.4
    head = MLP(16, 16, 1, 3)

    fitted = fit(head, tokens, present, volumes)

    kept = volumes % 5 == 4
    right = ((fitted(tokens[kept])[:, 0] > 0) == present[kept]).float().mean()
    assert right > 0.9
    assert not any(parameter.requires_grad for parameter in fitted.parameters())


def test_a_head_that_cannot_do_better_on_other_volumes_stays_as_it_is():
    torch.manual_seed(0)
    tokens, volumes = torch.randn(100, 16), torch.arange(100) % 10
    head = MLP(16, 16, 1, 3)
    torch.nn.init.zeros_(head.layers[-1].weight)
    torch.nn.init.zeros_(head.layers[-1].bias)
    present = volumes % 5 != 4  # what is learnt is wrong where it is tested

    fitted = fit(head, tokens, present, volumes)

    assert all(torch.equal(a, b) for a, b in zip(head.parameters(), fitted.parameters(), strict=True))


def test_tokens_are_those_of_the_tracked_slices_with_what_the_phantom_says(phantom):
    tokens, present, volumes = collect(read_network(CHECKPOINT), [phantom])

    assert tokens.shape == (4, 128)  # two slices before the prompted one and two after
    assert present.sum() == 2
    assert set(volumes.tolist()) == {0}


@pytest.mark.slow
def test_only_the_head_changes(phantom, tmp_path, monkeypatch):
    monkeypatch.setattr("training.refit.STEPS", 40)
    refit(CHECKPOINT, tmp_path / "new.pt", [phantom] * 5, rounds=1)

    old, new = (torch.load(path, weights_only=True)["model"] for path in (CHECKPOINT, tmp_path / "new.pt"))
    assert old.keys() == new.keys()
    assert all(torch.equal(old[k], new[k]) for k in old if not k.startswith(PRESENCE_HEAD))
    assert all(new[k].dtype == old[k].dtype for k in old)
