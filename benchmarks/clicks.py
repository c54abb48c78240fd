"""How long a changed prompt takes once its slice is encoded: python -m benchmarks.clicks --model nano.

Through the real worker, as a click in the GUI goes: request, mask in a file, reply, array read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.models import model_files
from benchmarks.volumes import disks, prompts
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.prompt import Point, Prompt
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter


def clicks(model: str, device: str, precision: str, count: int, size: int) -> dict[str, Any]:
    """Milliseconds: encoding the slice, then median and worst of `count` prompts that differ by a point each."""
    client = WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment()))
    with tempfile.TemporaryDirectory() as folder, client:
        segmenter = Segmenter(client)
        files, weights = model_files(model, Path(folder))
        segmenter.use_model(files, device, precision)
        stack = Stack(disks(3, size, size), 0, Window(0.0, 255.0, "full"))
        segmenter.use_stack(stack)
        started = time.perf_counter()
        segmenter.session.prepare(files, device, precision, stack, 1)
        segmenter.make_ready()
        encoding = time.perf_counter() - started
        taken = []
        for i in range(count + 1):
            first = prompts(1, size, size)[0]
            moved = first.model_copy(
                update={"points": (*first.points, Point(x=size * 0.4 + i % 20, y=size * 0.45 + i // 20, positive=True))}
            )
            started = time.perf_counter()
            segmenter.predict(Prompt(slice=1, objects=(moved,)))
            taken.append(time.perf_counter() - started)
    return {
        "case": f"{model} ({weights} weights), {size} x {size}, {device}, {precision}",
        "encoding_ms": round(1e3 * encoding, 1),
        "median_ms": round(1e3 * statistics.median(taken[1:]), 1),
        "worst_ms": round(1e3 * max(taken[1:]), 1),
        "first_ms": round(1e3 * taken[0], 1),
        "prompts": count,
        "machine": machine(device),
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clicks", description=__doc__)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    print(json.dumps(clicks(options.model, options.device, options.precision, options.prompts, options.size)))


if __name__ == "__main__":
    main()
