"""One side of a comparison in a process of its own: python -m benchmarks.sides FOLDER SIDE.

FOLDER holds job.json and the slices; logits go to SIDE.npy there; seconds and memory are printed as JSON. The reference
is the pipeline of Prompt Once with the sam2 package: JPEG files, one init_state for each half, propagate_in_video.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import peak_mib
from benchmarks.volumes import prompts
from PromptOnceLib.core.registry import ModelFiles
from PromptOnceLib.engine.devices import place
from PromptOnceLib.engine.models import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracking import Tracker

Keep = Callable[[int, int, NDArray[np.float32]], None]  # object, slice, logits (rows, columns)


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

    def keep(item: int, index: int, values: NDArray[np.float32]) -> None:
        if job["logits"]:
            logits[item, index] = values

    prepared = _ours(job, frames, keep) if side == "ours" else _reference(job, frames, folder, keep, side)
    before, wall, busy = peak_mib(job["device"]), time.perf_counter(), time.process_time()
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


def _ours(job: dict[str, Any], frames: NDArray[np.uint8], keep: Keep) -> Callable[[], dict[str, Any]]:
    placement = place(job["device"], job["precision"])
    tracker = _KeepingTracker(load_model(_files(job)), placement)
    seed = len(frames) // 2
    objects = prompts(job["objects"], *frames.shape[1:])
    options = {"stop_when_absent": True} if job["early_stop"] else {}

    def run() -> dict[str, Any]:
        task = Task(objects, seed, 0, len(frames) - 1, **options)
        slices = 0
        for output in Propagation(tracker, frames, print).run(task):
            slices += 1
            for item, values in enumerate(tracker.taken()):
                keep(item, output.slice, values.float().cpu().numpy())
        return {"slices": slices, "precision": placement.precision, "rearranged": placement.rearranged}

    return run


class _KeepingTracker(Tracker):
    """Remembers the last slice's logits, of which a mask is only the sign."""

    _last: list[torch.Tensor]

    def full_size_logits(self, logits: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:  # type: ignore[override]
        found = Tracker.full_size_logits(logits, shape)
        self.__dict__.setdefault("_last", []).append(found)
        return found

    def taken(self) -> list[torch.Tensor]:
        """One entry an object; forgotten afterwards."""
        found, self._last = self._last, []
        return found


def _reference(
    job: dict[str, Any], frames: NDArray[np.uint8], folder: Path, keep: Keep, side: str
) -> Callable[[], dict[str, Any]]:
    from sam2.build_sam import build_sam2_video_predictor

    predictor = build_sam2_video_predictor(
        f"//{job['config']}", job["checkpoint"], device=job["device"], vos_optimized=side == "vos_optimized"
    )
    seed, cast = len(frames) // 2, job["reference_precision"]
    autocast = (
        nullcontext() if cast == "float32" else torch.autocast(job["device"].split(":")[0], dtype=getattr(torch, cast))
    )
    halves = {"forward": range(seed, len(frames)), "backward": range(seed, -1, -1)}

    def run() -> dict[str, Any]:
        with torch.inference_mode(), autocast:
            for name, half in halves.items():
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
                        keep(item, half[i], masks[item, 0].float().cpu().numpy())
        return {"slices": len(frames)}

    return run


def _files(job: dict[str, Any]) -> ModelFiles:
    return ModelFiles(job["model"], Path(job["checkpoint"]), Path(job["config"]), None)


if __name__ == "__main__":
    main()
