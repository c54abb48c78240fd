"""Train the embedded model: python -m training.train --help."""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path

import torch

from PromptOnceLib.engine.devices import has_bfloat16_units
from training.dataset import Clips, Packed, batches
from training.graft import ANSWERS, PRESENCE_HEAD
from training.losses import StepLoss, step_loss
from training.mean import Mean
from training.muon import make_optimizers, stems
from training.network import build_model, set_size, write_attention_out
from training.peers import Peers
from training.pool import make_pool, read_pool
from training.stages import STAGES, Stage

TRAINING_SEED = 7
SAVE_EVERY = 60.0  # seconds, at most
SAVES = 40  # at least, of a run for a time
ENDLESS = 10**6  # steps
WARM_UP = 20  # steps
LOG_EVERY = 20  # steps
AVERAGED, LAST = "averaged.pt", "last.pt"
LATE = 0.55  # of a run for a time: what is averaged over some hundred steps is kept from then on, and its mean taken


class Trainer:
    """Model, optimiser, averaged weights and the place reached; what a checkpoint holds.

    workers: processes that make the batches. On a GPU the network computes in bfloat16 where that is precise enough.
    """

    def __init__(
        self,
        output: Path,
        clips: Clips,
        stages: tuple[Stage, ...],
        device: torch.device,
        workers: int = 1,
        seed: int = TRAINING_SEED,
        peers: Peers | None = None,
    ) -> None:
        torch.manual_seed(TRAINING_SEED)
        self.output, self.clips, self.device, self.workers, self.seed = output, clips, device, workers, seed
        self.peers = peers or Peers()
        self.stages = tuple(stage.on(device) for stage in stages)
        output.mkdir(parents=True, exist_ok=True)
        self.model = build_model().to(device).train()
        self.model.memory_encoder.to(memory_format=torch.channels_last)  # half the time of its convolutions on a CPU
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
        self.optimizers = make_optimizers(self.model)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = self.updates = 0
        self.stems = stems(self.model)
        in_stems = {id(p) for p in chain(*self.stems)}
        self.others = [p for p in self.model.parameters() if id(p) not in in_stems]

    def start_from(self, checkpoint: Path, stage: int) -> None:
        """Take the weights of a checkpoint and begin with a stage, or after the steps that the checkpoint names."""
        content = torch.load(checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(content["model"])
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = content.get("step", sum(s.steps for s in self.stages[:stage]))

    def run(self) -> None:
        """All stages, going on from the state in the output folder."""
        self._resume()
        first = 0
        for index, stage in enumerate(self.stages):
            done = max(0, self.step - first)
            first += stage.steps
            if done < stage.steps:
                self._run_stage(index, range(done, stage.steps), 0, partial(_share, stage.steps), self._save)

    def run_for(self, seconds: float, index: int) -> None:
        """Go on with a stage for so long, whatever its number of steps, from averaged.pt where that is there.

        The rate rises and falls within the time, so that every call ends with weights at rest; optimisers begin anew
        and nothing is kept but the averaged weights and the step. What small batches leave in the weights is noise to
        some part: late in the run, the mean of the averages saved so far is better than the last one, or as good.
        """
        if (self.output / AVERAGED).exists():
            self.start_from(self.output / AVERAGED, index)
        done = max(0, self.step - sum(stage.steps for stage in self.stages[:index]))
        begin, late = time.monotonic(), Mean()

        def spent() -> float:
            return (time.monotonic() - begin) / seconds

        def save(_index: int) -> None:
            if spent() >= LATE:
                late.add(self.average)
            self._save_weights(late.weights or self.average, AVERAGED)
            self._save_weights(self.average, LAST)

        every = min(SAVE_EVERY, seconds / SAVES)
        self._run_stage(index, range(done, done + ENDLESS), done, lambda _step: spent(), save, every)

    def _run_stage(
        self,
        index: int,
        steps: range,
        first: int,
        progress: Callable[[int], float],
        save: Callable[[int], None],
        save_every: float = SAVE_EVERY,
    ) -> None:
        """Steps until `progress` of the next one is 1; the rate warms up from step `first` on."""
        stage, last = self.stages[index], index == len(self.stages) - 1
        self._learn(stage)
        stream = batches(self.clips, self.seed + index, steps, stage.shapes, self.workers, self.peers.own)
        logged = saved = time.monotonic()
        window: list[list[StepLoss]] = []
        reached, rate = steps.start, 0.0
        for i, parts in zip(steps, stream, strict=True):
            fraction = self.peers.from_first(progress(i))
            if fraction >= 1:
                break
            rate = stage.rate * min(1.0, (i + 1 - first) / WARM_UP) * _decay(fraction, floor=0.02 if last else 0.3)
            truth = stage.truth[0] + (stage.truth[1] - stage.truth[0]) * fraction
            window.append(self._update(parts, stage, rate, truth))
            reached = i + 1
            if len(window) == LOG_EVERY:
                self._log(index, reached, rate, window, time.monotonic() - logged)
                logged, window = time.monotonic(), []
            if time.monotonic() - saved > save_every:
                save(index)
                saved = time.monotonic()
        if window:
            self._log(index, reached, rate, window, time.monotonic() - logged)
        save(index)

    def _learn(self, stage: Stage) -> None:
        """Let the parts of the model learn that the stage is for."""
        for name, parameter in self.model.named_parameters():
            answers = name.startswith(ANSWERS) and not name.startswith(PRESENCE_HEAD)
            parameter.requires_grad_(not (stage.memory_alone and answers))

    def _update(self, parts: list[Packed], stage: Stage, rate: float, truth: float) -> list[StepLoss]:
        """A step with the gradients of all its batches; their losses."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["share"] * rate
        losses = [self._backward(part, stage, truth) for part in parts]
        self.peers.sum_gradients(self.model.parameters())
        # The stems' gradients can be a hundred times the others'; clipped together they would silence the rest.
        of_stems = torch.stack([torch.nn.utils.clip_grad_norm_(stem, 0.3) for stem in self.stems])
        norm = torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        self.step += 1
        limit = 50.0 if self.step >= 200 else math.inf  # also false for what is not finite
        if torch.isfinite(of_stems).all() & (norm < limit):
            for optimizer in self.optimizers:
                optimizer.step()
        self.updates += 1
        decay = min(0.998, self.updates / (self.updates + 20))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return [replace(loss, norm=norm) for loss in losses]

    def _backward(self, part: Packed, stage: Stage, truth: float) -> StepLoss:
        batch = part.on(self.device)
        set_size(self.model, batch.frames.shape[-1])
        with self.autocast:
            loss = step_loss(self.model, batch, stage, truth, self.step)
        loss.total.backward()
        return replace(loss, total=loss.total.detach())

    def _log(self, index: int, step: int, rate: float, window: list[list[StepLoss]], seconds: float) -> None:
        if not self.peers.first:
            return
        length, losses = self.stages[index].frames, list(chain.from_iterable(window))
        padded = [torch.nn.functional.pad(one.dice, (0, length - one.dice.shape[1]), value=torch.nan) for one in losses]
        dice = torch.cat(padded).nanmean(0)
        entry = {
            "stage": index,
            "step": step,
            "rate": round(rate, 7),
            "loss": round(sum(one.total.item() for one in losses) / len(losses), 4),
            "dice": [round(d, 3) for d in dice.tolist()],
            "found": round(_mean_of("found", losses), 3),
            "empty": round(_mean_of("empty", losses), 3),
            "norm": round(max(one.norm.item() for one in losses if one.norm is not None), 1),
            "seconds_per_step": round(seconds / len(window), 3),
        }
        print(json.dumps(entry), flush=True)
        with (self.output / "log.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def _save(self, index: int) -> None:
        if not self.peers.first:
            return
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "updates": self.updates,
            "stages": [asdict(s) for s in self.stages],
        }
        unfinished = self.output / "state.partial"
        torch.save(state, unfinished)
        unfinished.replace(self.output / "state.pt")
        self._save_weights(self.average, f"nano_stage{index}.pt")

    def _save_weights(self, weights: dict[str, torch.Tensor], name: str) -> None:
        """In half precision; the first of several processes does."""
        if not self.peers.first:
            return
        half = {k: v.half().cpu() if v.is_floating_point() else v.cpu() for k, v in weights.items()}
        unfinished = self.output / f"{name}.partial"
        torch.save({"model": half, "step": self.step}, unfinished)
        unfinished.replace(self.output / name)

    def _resume(self) -> None:
        path = self.output / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average, self.step, self.updates = state["average"], state["step"], state["updates"]


def _mean_of(name: str, losses: list[StepLoss]) -> float:
    """Of the steps where it is defined; NaN where it never is."""
    values = [value for loss in losses if not math.isnan(value := getattr(loss, name).item())]
    return sum(values) / len(values) if values else math.nan


def _share(steps: int, step: int) -> float:
    return step / steps


def _decay(fraction: float, floor: float) -> float:
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fraction))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("training/runs/nano"), help="log, state and checkpoints")
    parser.add_argument("--pool", type=Path, default=Path("training/runs/pool"), help="phantoms, written once")
    parser.add_argument("--phantoms", type=int, default=1600)
    parser.add_argument("--threads", type=int, default=2, help="of the training itself on the CPU, all together")
    parser.add_argument("--processes", type=int, default=1, help="that train together; of the last stage two can")
    parser.add_argument("--workers", type=int, default=1, help="processes that make the batches")
    parser.add_argument("--start", type=Path, help="begin with these weights instead of fresh ones, at --stage")
    parser.add_argument("--stage", type=int, default=len(STAGES) - 1, help="the stage --start begins with, from 0")
    parser.add_argument("--minutes", type=float, help="--stage alone, for so long")
    parser.add_argument("--seed", type=int, default=TRAINING_SEED, help="of the batches, for runs to be averaged")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    make_pool(arguments.pool, arguments.phantoms)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        if arguments.processes == 1:
            _train(0, arguments, meeting)
        else:
            torch.multiprocessing.spawn(_train, (arguments, meeting), arguments.processes)


def _train(rank: int, arguments: argparse.Namespace, meeting: Path) -> None:
    """What one of the processes does."""
    device = arguments.device
    torch.set_num_threads(max(1, arguments.threads // arguments.processes))
    clips, peers = Clips(read_pool(arguments.pool)), Peers(rank, arguments.processes, meeting)
    trainer = Trainer(arguments.output, clips, STAGES, device, arguments.workers, arguments.seed, peers)
    if device.type == "cpu" and has_bfloat16_units():
        trainer.autocast = torch.autocast("cpu", torch.bfloat16)
        write_attention_out()
    if arguments.start is not None:
        trainer.start_from(arguments.start, arguments.stage)
    if arguments.minutes is None:
        trainer.run()
    else:
        trainer.run_for(60 * arguments.minutes, arguments.stage)


if __name__ == "__main__":
    main()
