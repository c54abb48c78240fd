"""Train the embedded model from nothing: python -m training.train --help."""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base

from training.dataset import Batch, Pool, batches, make_pool
from training.forward import chosen_token, run_clips
from training.losses import frame_loss

CONFIG = Path(__file__).parents[1] / "PromptOnce" / "Resources" / "Models" / "nano.yaml"
TRAINING_SEED = 7


@dataclass(frozen=True)
class Stage:
    """One stretch of training with clips of one form.

    size: pixels a side. truth: share of frames remembered by their true mask, first and last step. mean_share and
    positive_weight: see losses.frame_loss.
    """

    steps: int
    clips: int
    objects: int
    frames: int
    size: int
    rate: float
    truth: tuple[float, float]
    mean_share: float
    positive_weight: float
    still: tuple[int, int] | None = None  # every other step has so many still images with so many objects each

    def shape(self, step: int) -> tuple[int, int, int, int]:
        """(clips, objects, frames, size) of the batch of a step."""
        if self.still is not None and step % 2:
            return (*self.still, 1, self.size)
        return (self.clips, self.objects, self.frames, self.size)


# Still images first, then short clips remembered by their true masks, then longer ones by the model's own masks
# and, in turn with them, still images again.
STAGES = (
    Stage(2600, 10, 5, 1, 128, 1.2e-3, (1.0, 1.0), 0.5, 3.0),
    Stage(1400, 5, 3, 3, 128, 8e-4, (1.0, 0.3), 0.3, 2.0),
    Stage(2200, 2, 3, 4, 256, 5e-4, (0.5, 0.1), 0.1, 1.0, still=(4, 5)),
)


def build_model(config: Path = CONFIG) -> SAM2Base:
    """The model of the config with fresh weights."""
    model = instantiate(OmegaConf.load(config).model)
    trunk = model.image_encoder.trunk
    with torch.no_grad():  # upstream starts these at zero: flat regions then give tokens without variance
        trunk.pos_embed.normal_(0, 0.5)
        trunk.pos_embed_window.normal_(0, 0.5)
    return model


def set_size(model: SAM2Base, size: int) -> None:
    """Let a model take square frames of another size; no weight depends on it."""
    cells = size // model.backbone_stride
    model.image_size = size
    model.sam_image_embedding_size = cells
    model.sam_prompt_encoder.image_embedding_size = (cells, cells)
    model.sam_prompt_encoder.input_image_size = (size, size)
    model.sam_prompt_encoder.mask_input_size = (4 * cells, 4 * cells)


def step_loss(
    model: SAM2Base, batch: Batch, stage: Stage, truth: float, step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of one batch and the Dice per clip and frame (NaN where the object is absent)."""
    generator = torch.Generator().manual_seed(step)
    use_truth = torch.rand(batch.masks.shape[:2], generator=generator) < truth
    outputs = run_clips(model, batch.frames, batch.points, batch.point_labels, batch.masks, use_truth)
    losses = []
    for t, output in enumerate(outputs):
        chosen = chosen_token(output, batch.point_labels if t == 0 else None)
        losses.append(frame_loss(output, batch.masks[:, t], chosen, stage.positive_weight, stage.mean_share))
    return torch.stack([loss.total for loss in losses]).mean(), torch.stack([loss.dice for loss in losses], 1)


class Trainer:
    """Model, optimiser, averaged weights and the place reached; what a checkpoint holds."""

    def __init__(self, output: Path, pool: Pool, stages: tuple[Stage, ...]) -> None:
        torch.manual_seed(TRAINING_SEED)
        self.output, self.pool, self.stages = output, pool, stages
        self.model = build_model().train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.02)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = 0
        trunk = self.model.image_encoder.trunk
        self.stem = [*trunk.patch_embed.parameters(), *trunk.blocks[0].parameters()]
        stem = {id(p) for p in self.stem}
        self.others = [p for p in self.model.parameters() if id(p) not in stem]

    def run(self) -> None:
        self._resume()
        first = 0
        for index, stage in enumerate(self.stages):
            done = max(0, self.step - first)
            first += stage.steps
            if done < stage.steps:
                self._run_stage(index, stage, done)

    def _run_stage(self, index: int, stage: Stage, done: int) -> None:
        set_size(self.model, stage.size)
        steps = range(done, stage.steps)
        stream = batches(self.pool, TRAINING_SEED + index, steps, stage.shape)
        started, window = time.monotonic(), []
        for i, batch in zip(steps, stream, strict=True):
            fraction = i / stage.steps
            last = index == len(self.stages) - 1
            rate = stage.rate * min(1.0, (i + 1) / 100) * _decay(fraction, floor=0.02 if last else 0.3)
            truth = stage.truth[0] + (stage.truth[1] - stage.truth[0]) * fraction
            loss, dice, norm = self._update(batch, stage, rate, truth)
            window.append((loss, dice, norm))
            if len(window) == 50:
                self._log(index, i + 1, rate, window, time.monotonic() - started)
                started, window = time.monotonic(), []
            if self.step % 500 == 0 or i == stage.steps - 1:
                self._save(index)

    def _update(self, batch: Batch, stage: Stage, rate: float, truth: float) -> tuple[float, torch.Tensor, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, dice = step_loss(self.model, batch, stage, truth, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        # The stem's gradients can be a hundred times the others'; clipped together they would silence the rest.
        stem_norm = torch.nn.utils.clip_grad_norm_(self.stem, 0.3)
        norm = torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        self.step += 1
        if torch.isfinite(norm) and torch.isfinite(stem_norm) and (norm < 50 or self.step < 200):
            self.optimizer.step()
        decay = min(0.998, self.step / (self.step + 20))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return loss.item(), dice, norm.item()

    def _log(self, index: int, step: int, rate: float, window: list, seconds: float) -> None:
        length = max(d.shape[1] for _, d, _ in window)
        padded = [torch.nn.functional.pad(d, (0, length - d.shape[1]), value=torch.nan) for _, d, _ in window]
        dice = torch.cat(padded).nanmean(0)
        entry = {
            "stage": index,
            "step": step,
            "rate": round(rate, 7),
            "loss": round(sum(w[0] for w in window) / len(window), 4),
            "dice": [round(d, 3) for d in dice.tolist()],
            "norm": round(max(w[2] for w in window), 1),
            "seconds_per_step": round(seconds / len(window), 3),
        }
        print(json.dumps(entry), flush=True)
        with (self.output / "log.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def _save(self, index: int) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "stages": [asdict(s) for s in self.stages],
        }
        partial = self.output / "state.partial"
        torch.save(state, partial)
        partial.replace(self.output / "state.pt")
        half = {k: v.half() if v.is_floating_point() else v for k, v in self.average.items()}
        torch.save({"model": half}, self.output / f"nano_stage{index}.pt")

    def _resume(self) -> None:
        path = self.output / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.step = state["average"], state["step"]


def _decay(fraction: float, floor: float) -> float:
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fraction))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("training/runs/nano"), help="log, state and checkpoints")
    parser.add_argument("--pool", type=Path, default=Path("training/runs/pool"), help="phantoms, written once")
    parser.add_argument("--phantoms", type=int, default=900)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    make_pool(arguments.pool, arguments.phantoms)
    Trainer(arguments.output, Pool(arguments.pool), STAGES).run()


if __name__ == "__main__":
    main()
