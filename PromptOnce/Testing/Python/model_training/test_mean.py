"""The mean of checkpoints."""

from __future__ import annotations

import torch

from training.mean import mean


def test_weights_are_averaged_and_keep_their_dtype(tmp_path):
    paths = []
    for value in (1.0, 2.0, 6.0):
        weights = {"a": torch.full((2, 3), value).half(), "b": torch.tensor(value), "steps": torch.tensor(4)}
        paths.append(tmp_path / f"{value}.pt")
        torch.save({"model": weights}, paths[-1])

    mean(paths, tmp_path / "mean.pt")

    found = torch.load(tmp_path / "mean.pt", weights_only=True)["model"]
    assert found["a"].equal(torch.full((2, 3), 3.0).half())
    assert found["b"].equal(torch.tensor(3.0))
    assert found["steps"].equal(torch.tensor(4))
