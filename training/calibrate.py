"""Set the bias of the presence head: python -m training.calibrate IN OUT.

After a training as short as this the head says "present" too easily on slices beyond the object's end. A shift of its
bias is tried on phantoms of seeds that neither training nor evaluation uses; the one with the best mean 3D Dice stays.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.engine.devices import Placement, place
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


def calibration_examples(phantoms: int) -> list[Example]:
    """Objects of so many phantoms with more than one slice."""
    drawn = phantom_examples(phantoms, CALIBRATION_SEED, unknown=False)
    return [example for example in drawn if len(example.frames) > 1]


def mean_dice(checkpoint: Path, examples: list[Example], placement: Placement) -> float:
    """Mean 3D Dice of a checkpoint as it is."""
    model = load_model(ModelFiles(name="nano", checkpoint=checkpoint, config=CONFIG, sha256=None))
    return _mean_dice(model, examples, placement)


def calibrate(checkpoint: Path, output: Path, examples: list[Example], placement: Placement) -> dict[float, float]:
    """Write the checkpoint with the best shift to `output`; the mean 3D Dice by shift."""
    model = load_model(ModelFiles(name="nano", checkpoint=checkpoint, config=CONFIG, sha256=None))
    trained = presence_bias(model).detach().clone()
    found = {}
    for shift in SHIFTS:
        with torch.no_grad():
            presence_bias(model).copy_(trained + shift)
        found[shift] = _mean_dice(model, examples, placement)
        print(f"shift {shift:+.1f}: mean 3D Dice {found[shift]:.4f}", flush=True)
    best = max(found, key=lambda shift: found[shift])
    weights = torch.load(checkpoint, weights_only=True)["model"]
    weights["sam_mask_decoder.pred_obj_score_head.layers.2.bias"] += best
    torch.save({"model": weights}, output)
    print(f"wrote {output} with a shift of {best:+.1f}", flush=True)
    return found


def _mean_dice(model: Model, examples: list[Example], placement: Placement) -> float:
    """Prompt and propagation as in the evaluation."""
    tracker = CachingTracker(model, placement)
    found = [(propagated(tracker, e, e.prompt).in_stack_order(), e.reference) for e in examples]
    return float(np.mean([dice(mask, reference) for mask, reference in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--phantoms", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    # float32: slices are encoded one by one, so that the tracker keeps their features for the next shift.
    placement = place(arguments.device, "float32")
    calibrate(arguments.checkpoint, arguments.output, calibration_examples(arguments.phantoms), placement)


if __name__ == "__main__":
    main()
