"""Fit the presence head anew to whole volumes: python -m training.refit IN --output OUT.

Clips of some slices show the end of an object more seldom, nearer and on smaller frames than volumes do. Here whole
phantoms of the pool are tracked at full size, and the head alone (three small layers on the object token of every
slice) learns from all slices as they occur; the rest of the network stays. What the head says decides what later slices
remember, so tracking and fitting take turns. A fifth of the volumes says when to stop.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

from training.evaluation.lockstep import Encoded, Half, encode, read_network, track
from training.evaluation.phantoms import examples_of
from training.evaluation.scores import Example
from training.graft import PRESENCE_HEAD
from training.network import read_weights
from training.pool import Phantom, read_pool

STEPS, RATE, DECAY = 400, 1e-3, 0.02
CHECK_EVERY = 20  # steps
CPU = torch.device("cpu")
PER_VOLUME = 2  # objects of a volume
EXAMPLES_AT_ONCE = 24


class Tokens:
    """Collects what the presence head reads, with whether the object is there and which volume it belongs to."""

    def __init__(self, model: SAM2Base) -> None:
        self._last = torch.empty(0)
        self._hook = model.sam_mask_decoder.pred_obj_score_head.register_forward_hook(self._keep)
        self.tokens: list[torch.Tensor] = []
        self.present: list[bool] = []
        self.volumes: list[str] = []

    def _keep(self, _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor) -> None:
        self._last = inputs[0].detach().cpu()

    def take(self, examples: Sequence[Example], halves: Sequence[Half], t: int) -> None:
        """The tokens of a slice of each half, just read by the head."""
        if t == 0:  # the prompted slice holds the object by definition
            return
        self.tokens.append(self._last.reshape(len(halves), -1))
        self.present += [bool(examples[half.example].reference[half.slices[t]].any()) for half in halves]
        self.volumes += [examples[half.example].image for half in halves]

    def close(self) -> None:
        self._hook.remove()


def collect(model: SAM2Base, phantoms: Sequence[Phantom]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens (n, channels), presence (n,) and number of the volume (n,) over all tracked slices of the phantoms."""
    found = Tokens(model)
    for first in range(0, len(phantoms), EXAMPLES_AT_ONCE // PER_VOLUME):
        examples: list[Example] = []
        encoded: dict[str, Encoded] = {}
        for number, phantom in enumerate(phantoms[first : first + EXAMPLES_AT_ONCE // PER_VOLUME], first):
            new = list(examples_of(phantom, number, PER_VOLUME))
            if new:
                encoded[new[0].image] = encode(model, new[0].frames)
            examples += new
        track(model, examples, encoded, watch=partial(found.take, examples))
    found.close()
    return (
        torch.cat(found.tokens),
        torch.tensor(found.present),
        torch.from_numpy(np.unique(found.volumes, return_inverse=True)[1]),
    )


def fit(head: torch.nn.Module, tokens: torch.Tensor, present: torch.Tensor, volumes: torch.Tensor) -> torch.nn.Module:
    """The head that best fits the volumes it did not learn from; every fifth volume."""
    kept = volumes % 5 == 4
    trained, target = deepcopy(head).train(), present.float()
    for parameter in trained.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained.parameters(), lr=RATE, weight_decay=DECAY)
    best, least = deepcopy(head), float("inf")
    for step in range(STEPS + 1):
        if step % CHECK_EVERY == 0:
            with torch.no_grad():
                loss = _loss(trained, tokens[kept], target[kept])
            if loss < least:
                best, least = deepcopy(trained), float(loss)
        optimizer.zero_grad()
        _loss(trained, tokens[~kept], target[~kept]).backward()
        optimizer.step()
    with torch.no_grad():
        before = float(_loss(head, tokens[kept], target[kept]))
    print(f"loss of the presence head on volumes not learnt from: {before:.4f} to {least:.4f}", flush=True)
    return best.eval().requires_grad_(False)


def _loss(head: torch.nn.Module, tokens: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(head(tokens)[:, 0], target)


def refit(checkpoint: Path, output: Path, phantoms: Sequence[Phantom], rounds: int, device: torch.device = CPU) -> None:
    """Write the checkpoint with its presence head fitted anew; tracking is done on the device."""
    model = read_network(checkpoint).to(device)
    decoder = model.sam_mask_decoder
    for _ in range(rounds):
        tokens, present, volumes = collect(model, phantoms)
        decoder.pred_obj_score_head = fit(decoder.pred_obj_score_head.cpu(), tokens, present, volumes).to(device)
    weights = read_weights(checkpoint)
    for name, value in decoder.pred_obj_score_head.state_dict().items():
        weights[PRESENCE_HEAD + name] = value.to(weights[PRESENCE_HEAD + name])
    torch.save({"model": weights}, output)


def whole_volumes(phantoms: Sequence[Phantom], count: int) -> list[Phantom]:
    """Up to so many phantoms of several slices, the same every time."""
    several = [phantom for phantom in phantoms if len(phantom.labels) > 1]
    return [several[i] for i in np.random.default_rng(0).permutation(len(several))[:count]]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--pool", type=Path, default=Path("training/runs/pool"))
    parser.add_argument("--phantoms", type=int, default=60, help="of several slices, from the pool")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    phantoms = whole_volumes(read_pool(arguments.pool), arguments.phantoms)
    refit(arguments.checkpoint, arguments.output, phantoms, arguments.rounds)


if __name__ == "__main__":
    main()
