"""Train the embedded model: python -m training.train --help."""

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

from training.dataset import Batch, Clips, batches
from training.forward import run_clips
from training.losses import frame_loss
from training.muon import Muon
from training.pool import make_pool, read_pool

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
    Stage(1800, 10, 5, 1, 128, 3e-3, (1.0, 1.0), 0.5, 3.0),
    Stage(1200, 4, 4, 4, 128, 2e-3, (1.0, 0.3), 0.3, 2.0, still=(10, 5)),
    Stage(500, 2, 3, 6, 256, 1.5e-3, (0.4, 0.3), 0.1, 1.0, still=(4, 5)),
    Stage(1700, 2, 3, 6, 256, 1e-3, (0.3, 0.0), 0.1, 1.0, still=(4, 5)),
    Stage(1000, 2, 3, 6, 256, 1e-3, (0.1, 0.0), 0.1, 1.0, still=(5, 5)),
)
ADAM_SHARE = 0.4  # rate of the weights that Muon does not take, in shares of its own


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
    use_truth = (torch.rand(batch.masks.shape[:2], generator=generator) < truth).to(batch.masks.device)
    outputs = run_clips(model, batch, use_truth)
    losses = [
        frame_loss(output, batch.masks[:, t], stage.positive_weight, stage.mean_share)
        for t, output in enumerate(outputs)
    ]
    return torch.stack([loss.total for loss in losses]).mean(), torch.stack([loss.dice for loss in losses], 1)


def make_optimizers(model: SAM2Base) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the network, AdamW for the rest: stem, convolutions, embeddings, biases."""
    stem = {id(p) for p in stem_parameters(model)}
    matrices = [
        p
        for name, p in model.named_parameters()
        if p.ndim == 2 and min(p.shape) >= 32 and "embed" not in name and id(p) not in stem
    ]
    taken = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in taken]
    muon = Muon(matrices, weight_decay=0.02)
    return [muon, torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.02)]


def stem_parameters(model: SAM2Base) -> list[torch.nn.Parameter]:
    trunk = model.image_encoder.trunk
    return [*trunk.patch_embed.parameters(), *trunk.blocks[0].parameters()]


class Trainer:
    """Model, optimiser, averaged weights and the place reached; what a checkpoint holds."""

    def __init__(self, output: Path, clips: Clips, stages: tuple[Stage, ...], device: torch.device) -> None:
        torch.manual_seed(TRAINING_SEED)
        self.output, self.clips, self.stages, self.device = output, clips, stages, device
        output.mkdir(parents=True, exist_ok=True)
        self.model = build_model().to(device).train()
        self.optimizers = make_optimizers(self.model)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = 0
        self.stem = stem_parameters(self.model)
        stem = {id(p) for p in self.stem}
        self.others = [p for p in self.model.parameters() if id(p) not in stem]

    def start_from(self, checkpoint: Path, stage: int) -> None:
        """Take the weights of a checkpoint and begin with a stage, unless a state to resume is there."""
        weights = torch.load(checkpoint, weights_only=True, map_location=self.device)["model"]
        self.model.load_state_dict(weights)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = sum(s.steps for s in self.stages[:stage])

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
        stream = batches(self.clips, TRAINING_SEED + index, steps, stage.shape)
        started, window = time.monotonic(), []
        for i, batch in zip(steps, stream, strict=True):
            fraction = i / stage.steps
            last = index == len(self.stages) - 1
            rate = stage.rate * min(1.0, (i + 1) / 100) * _decay(fraction, floor=0.02 if last else 0.3)
            truth = stage.truth[0] + (stage.truth[1] - stage.truth[0]) * fraction
            loss, dice, norm = self._update(batch.to(self.device), stage, rate, truth)
            window.append((loss, dice, norm))
            if len(window) == 50:
                self._log(index, i + 1, rate, window, time.monotonic() - started)
                started, window = time.monotonic(), []
            if self.step % 500 == 0 or i == stage.steps - 1:
                self._save(index)

    def _update(self, batch: Batch, stage: Stage, rate: float, truth: float) -> tuple[float, torch.Tensor, float]:
        for optimizer, share in zip(self.optimizers, (1.0, ADAM_SHARE), strict=True):
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = share * rate
        loss, dice = step_loss(self.model, batch, stage, truth, self.step)
        loss.backward()
        # The stem's gradients can be a hundred times the others'; clipped together they would silence the rest.
        stem_norm = torch.nn.utils.clip_grad_norm_(self.stem, 0.3)
        norm = torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        self.step += 1
        if torch.isfinite(norm) and torch.isfinite(stem_norm) and (norm < 50 or self.step < 200):
            for optimizer in self.optimizers:
                optimizer.step()
        decay = min(0.998, self.step / (self.step + 20))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return loss.item(), dice.cpu(), norm.item()

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
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "stages": [asdict(s) for s in self.stages],
        }
        partial = self.output / "state.partial"
        torch.save(state, partial)
        partial.replace(self.output / "state.pt")
        half = {k: v.half().cpu() if v.is_floating_point() else v.cpu() for k, v in self.average.items()}
        torch.save({"model": half}, self.output / f"nano_stage{index}.pt")

    def _resume(self) -> None:
        path = self.output / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average, self.step = state["average"], state["step"]


def _decay(fraction: float, floor: float) -> float:
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fraction))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("training/runs/nano"), help="log, state and checkpoints")
    parser.add_argument("--pool", type=Path, default=Path("training/runs/pool"), help="phantoms, written once")
    parser.add_argument("--phantoms", type=int, default=800)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", type=Path, help="begin with these weights instead of fresh ones, at --stage")
    parser.add_argument("--stage", type=int, default=len(STAGES) - 1, help="the stage --start begins with, from 0")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    make_pool(arguments.pool, arguments.phantoms)
    clips = Clips(read_pool(arguments.pool))
    trainer = Trainer(arguments.output, clips, STAGES, arguments.device)
    if arguments.start is not None:
        trainer.start_from(arguments.start, arguments.stage)
    trainer.run()


if __name__ == "__main__":
    main()
