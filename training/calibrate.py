"""Set the bias of the presence head: python -m training.calibrate IN OUT.

After a training as short as this the head says "present" too easily on slices beyond the object's end. A shift of its
bias is tried on phantoms of seeds that neither training nor evaluation uses; the one with the best mean 3D Dice stays.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model, load_model
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.segmentation.metrics import dice
from training.evaluation.phantoms import phantom_examples
from training.evaluation.scores import CachingTracker, Example, propagated
from training.train import CONFIG

CALIBRATION_SEED = 500_000
SHIFTS = (0.0, -0.5, -1.0, -1.5, -2.0, -3.0)


def presence_bias(model: Model) -> torch.nn.Parameter:
    """The last bias of the head that says whether the object is on the slice."""
    bias: torch.nn.Parameter = model.network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias
    return bias


def mean_dice(model: Model, examples: list[Example]) -> float:
    """Mean 3D Dice, prompt and propagation as in the evaluation."""
    tracker = CachingTracker(model, on_cpu())
    found = [(propagated(tracker, e, e.prompt).in_stack_order(), e.reference) for e in examples]
    return float(np.mean([dice(mask, reference) for mask, reference in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--phantoms", type=int, default=16)
    arguments = parser.parse_args()
    model = load_model(ModelFiles(name="nano", checkpoint=arguments.checkpoint, config=CONFIG, sha256=None))
    trained = presence_bias(model).detach().clone()
    drawn = phantom_examples(arguments.phantoms, CALIBRATION_SEED, unknown=False)
    examples = [example for example in drawn if len(example.frames) > 1]
    found = {}
    for shift in SHIFTS:
        with torch.no_grad():
            presence_bias(model).copy_(trained + shift)
        found[shift] = mean_dice(model, examples)
        print(f"shift {shift:+.1f}: mean 3D Dice {found[shift]:.4f}", flush=True)
    best = max(found, key=lambda shift: found[shift])
    state = torch.load(arguments.checkpoint, weights_only=True)
    state["model"]["sam_mask_decoder.pred_obj_score_head.layers.2.bias"] += best
    torch.save(state, arguments.output)
    print(f"wrote {arguments.output} with a shift of {best:+.1f}")


if __name__ == "__main__":
    main()
