"""One side of a comparison in a process of its own: python -m benchmarks.sides FOLDER SIDE.

FOLDER holds job.json and the slices; logits go to SIDE.npy there; seconds and memory are printed as JSON. The reference
is the pipeline of Prompt Once with the sam2 package: JPEG files, one init_state for each half, propagate_in_video.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import peak_mib
from benchmarks.volumes import prompts
from PromptOnceLib.engine.devices import place
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker
from PromptOnceLib.engine.tracker import Output, Tracker
from PromptOnceLib.engine.transfer import DeviceTransfer
from PromptOnceLib.engine.warm_up import compile_and_warm_up
from PromptOnceLib.models.registry import ModelFiles


@dataclass
class Keep:
    """Takes logits for the comparison while they are wanted; into: float32 (objects, slices, rows, columns)."""

    into: NDArray[np.float32]
    wanted: bool

    def __call__(self, item: int, index: int, logits: torch.Tensor) -> None:
        """Logits (rows, columns) of an object on a slice."""
        if self.wanted:
            self.into[item, index] = logits.float().cpu().numpy()


def main() -> None:
    """Entry point of the process."""
    warnings.simplefilter("ignore")  # upstream says at every slice that its CUDA extension is missing
    folder, side = Path(sys.argv[1]), sys.argv[2]
    job = json.loads((folder / "job.json").read_text())
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    frames = np.load(folder / "frames.npy", mmap_mode="r")
    logits = np.lib.format.open_memmap(
        folder / f"{side}.npy", mode="w+", dtype=np.float32, shape=(job["objects"], *frames.shape)
    )

    keep = Keep(logits, wanted=job["logits"])
    ours = side in ("ours", "in_turn")
    prepared = _ours(job, frames, keep, side) if ours else _reference(job, frames, folder, keep, side)
    before = peak_mib(job["device"])
    if job["device"] != "cpu":
        # The first run has libraries loaded and, of upstream's compiled variant, minutes of compiling in it. It is also
        # the one whose logits are compared: to fetch them for each slice would hold the device up.
        prepared()
        torch.cuda.synchronize()
        keep.wanted = False
    wall, busy = time.perf_counter(), time.process_time()
    result = prepared()
    if job["device"] != "cpu":
        torch.cuda.synchronize()
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - busy,
                "loaded_mib": before,
                "peak_mib": peak_mib(job["device"]),
                **result,
            }
        )
    )


def _ours(job: dict[str, Any], frames: NDArray[np.uint8], keep: Keep, side: str) -> Callable[[], dict[str, Any]]:
    placement = place(job["device"], job["precision"], job["compile"])
    if job["without_bfloat16"]:
        placement = replace(placement, autocast=None)
    if side == "in_turn":
        placement = replace(placement, pipeline=replace(placement.pipeline, side_by_side=False))
    model = load_model(_files(job))
    rules = MemoryRules(cells=job["cells"])
    tracker = Tracker(model, placement) if job["cells"] is None else RuledTracker(model, placement, rules)
    compile_and_warm_up(tracker, lambda text: print(text, file=sys.stderr))
    task = Task(
        prompts(job["objects"], *frames.shape[1:]),
        len(frames) // 2,
        0,
        len(frames) - 1,
        stop_when_absent=job["early_stop"],
    )

    def run() -> dict[str, Any]:
        propagation = _KeepingPropagation(tracker, frames, lambda text: print(text, file=sys.stderr))
        propagation.wanted = keep.wanted
        slices = 0
        for output in propagation.run(task):
            slices += 1
            for item, logits in enumerate(propagation.logits.pop(output.slice, [])):
                keep(item, output.slice, logits)
        found = tracker.placement
        return {
            "slices": slices,
            "precision": found.precision,
            "rearranged": found.rearranged,
            "pipeline": asdict(found.pipeline),
        }

    return run


class _KeepingPropagation(Propagation):
    """Keeps the logits of a slice, of which a mask is only the sign, until they are taken, where that is wanted."""

    wanted = True

    def fetch(self, index: int, outputs: Sequence[Output]) -> DeviceTransfer:
        if self.wanted:
            every = (one for output in outputs for one in output.logits_of_each)
            self.logits[index] = [self.tracker.full_size_logits(one, self.frames[index].shape) for one in every]
        return super().fetch(index, outputs)

    @cached_property
    def logits(self) -> dict[int, list[torch.Tensor]]:
        """Of slices that were begun and not taken, by slice: (rows, columns) an object, on the device."""
        return {}


def _reference(
    job: dict[str, Any], frames: NDArray[np.uint8], folder: Path, keep: Keep, side: str
) -> Callable[[], dict[str, Any]]:
    from sam2.build_sam import build_sam2_video_predictor

    predictor = build_sam2_video_predictor(
        f"//{job['reference_config']}", job["checkpoint"], device=job["device"], vos_optimized=side == "vos_optimized"
    )
    seed, cast = len(frames) // 2, job["reference_precision"]
    autocast = (
        nullcontext() if cast == "float32" else torch.autocast(job["device"].split(":")[0], dtype=getattr(torch, cast))
    )
    passes = {"forward": range(seed, len(frames)), "backward": range(seed, -1, -1)}

    def run() -> dict[str, Any]:
        with torch.inference_mode(), autocast:
            for name, half in passes.items():
                (folder / side / name).mkdir(parents=True, exist_ok=True)
                for i, index in enumerate(half):
                    # Already compressed, so that both sides see the same pixels; compressing takes next to nothing.
                    (folder / side / name / f"{i}.jpg").write_bytes((folder / f"{index}.jpg").read_bytes())
                state = predictor.init_state(str(folder / side / name))
                for item, prompt in enumerate(prompts(job["objects"], *frames.shape[1:])):
                    assert prompt.box is not None
                    predictor.add_new_points_or_box(
                        state,
                        0,
                        item,
                        points=np.array([(p.x, p.y) for p in prompt.points], np.float32),
                        labels=np.array([int(p.positive) for p in prompt.points], np.int32),
                        box=np.array([prompt.box.x0, prompt.box.y0, prompt.box.x1, prompt.box.y1], np.float32),
                    )
                for i, _, masks in predictor.propagate_in_video(state):
                    for item in range(job["objects"]):
                        keep(item, half[i], masks[item, 0])
                    (masks > 0).cpu()  # as the papers' pipeline keeps masks
        return {"slices": len(frames)}

    return run


def _files(job: dict[str, Any]) -> ModelFiles:
    return ModelFiles(job["model"], Path(job["checkpoint"]), Path(job["config"]), None)


if __name__ == "__main__":
    main()
