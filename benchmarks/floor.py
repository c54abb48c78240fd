"""How far each stage is from this machine's matrix rate: python -m benchmarks.floor --model tiny.

Operations are counted while a stage runs (matrix products, convolutions and attention; 2 for a multiply-add), the rate
is that of the best large product in the same process. With other programs running read the figures by CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from benchmarks.machine import machine
from benchmarks.models import model_files
from benchmarks.volumes import disks, prompts
from PromptOnceLib.engine.cpu import arrange
from PromptOnceLib.engine.cpu.linear import linear
from PromptOnceLib.engine.devices import place
from PromptOnceLib.engine.memory import Memory
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.tracker import Tracker

# The fused attention of the CPU is unknown to PyTorch's counter.
_FUSED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)
}


def floor(model: str, pixels: int | None, device: str, repeat: int) -> dict[str, Any]:
    """Operations, seconds and share of the matrix rate of each stage, exact and as "auto" does it."""
    with tempfile.TemporaryDirectory() as folder:
        files, _ = model_files(model, Path(folder), pixels)
        tracker = Tracker(load_model(files), place(device, "float32"))
    stages = _stages(tracker)
    flops = {name: _count(work) for name, work in stages.items()}
    found: dict[str, Any] = {"model": model, "pixels": tracker.model.image_size, "stages": {}}
    rates: list[float] = []
    times: dict[tuple[str, bool], list[float]] = {(name, fast): [] for name in stages for fast in (False, True)}
    with torch.inference_mode():
        for _ in range(repeat):
            rates.append(_matrix_rate(device))
            for (name, fast), taken in times.items():
                arrange(tracker._network, fast)
                taken.append(_seconds(stages[name], device))
    found["matrix_gflops"] = round(max(rates), 1)
    for name in stages:
        exact, fast = (min(times[name, way]) for way in (False, True))
        found["stages"][name] = {
            "gflop_upstream": round(flops[name], 1),
            "floor_seconds": round(flops[name] / max(rates), 3),
            "exact_seconds": round(exact, 3),
            "rearranged_seconds": round(fast, 3),
            "times_floor": round(fast / (flops[name] / max(rates)), 2),
        }
    return {**found, "machine": machine(device)}


def _stages(tracker: Tracker) -> dict[str, Callable[[], object]]:
    """Encoder, memory attention with a full memory, heads, memory encoder, on one slice."""
    network = tracker._network
    frame = disks(1, 256, 256)[0]
    features = tracker.encode(frame)
    seed = tracker.segment(features, prompts(1, 256, 256)[0], frame.shape)
    entry = tracker.remember_seed(features, seed)
    full = Memory(64, seed={0: entry}, tracked=dict.fromkeys(range(1, 20), entry))
    conditioned = {
        "frame_idx": 20,
        "is_init_cond_frame": False,
        "current_vision_feats": features.maps[-1:],
        "current_vision_pos_embeds": features.positions[-1:],
        "feat_sizes": features.sizes[-1:],
        "output_dict": full.as_output_dict(),
        "num_frames": 64,
    }
    return {
        "image encoder": lambda: tracker.encode(frame),
        "memory attention": lambda: network._prepare_memory_conditioned_features(**conditioned),
        "prompt and heads": lambda: tracker.segment(features, prompts(1, 256, 256)[0], frame.shape),
        "memory encoder": lambda: tracker.remember_seed(features, seed),
    }


def _count(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False, custom_mapping=_FUSED) as counter:
        work()
    return counter.get_total_flops() / 1e9


def _seconds(work: Callable[[], object], device: str) -> float:
    """CPU seconds of all threads over their number, which other programs change little; on a GPU the clock's."""
    if device != "cpu":
        work()
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - started
    before = time.process_time()
    work()
    return (time.process_time() - before) / torch.get_num_threads()


def _matrix_rate(device: str) -> float:
    """GFLOP/s of a product of the shape of a large linear layer, by the faster library."""
    a, b = torch.randn(4096, 1536, device=device), torch.randn(1536, 1536, device=device)
    work = (lambda: linear(a, b)) if device == "cpu" else (lambda: a @ b)
    return 2 * 4096 * 1536 * 1536 / 1e9 / statistics.median(_seconds(work, device) for _ in range(3))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--pixels", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    print(json.dumps(floor(options.model, options.pixels, options.device, options.repeat)))


if __name__ == "__main__":
    main()
