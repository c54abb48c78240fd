"""Our propagation against the papers' pipeline: python -m benchmarks.propagation --model tiny --slices 12 --json.

Each side runs in a process of its own, in turns; a ratio is that of the medians. What is measured: README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine
from benchmarks.models import configuration, model_files
from benchmarks.volumes import disks, through_jpeg
from PromptOnceLib.processes.transport import worker_environment

SIDES = ("reference", "vos_optimized", "in_turn", "none")
"""in_turn: ours with one pass after the other."""


class SideFailedError(Exception):
    """A side of a comparison ended with an error."""


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """One case, all figures."""
    with tempfile.TemporaryDirectory(prefix="promptonce-bench-") as name:
        folder = Path(name)
        files, weights = model_files(options.model, folder, options.pixels)
        rows, columns = options.rows or options.size, options.columns or options.size
        np.save(folder / "frames.npy", through_jpeg(disks(options.slices, rows, columns, options.filled), folder))
        job = {**vars(options), "checkpoint": str(files.checkpoint), "config": str(files.config)}
        job["logits"] = options.compare != "none"
        of_reference = options.reference_pixels or options.pixels
        job["reference_config"] = str(configuration(options.model, folder / "reference.yaml", of_reference))
        (folder / "job.json").write_text(json.dumps(job))
        sides = ["ours"] if options.compare == "none" else [options.compare, "ours"]
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for _ in range(options.repeat):
            for side in sides:
                runs[side].append(_run(folder, side))
        found: dict[str, Any] = {"case": _case(options, weights), **_summary("ours", runs["ours"])}
        found |= {key: runs["ours"][0][key] for key in ("slices", "precision", "rearranged", "pipeline")}
        if options.compare != "none":
            found |= _summary("reference", runs[options.compare])
            found["ratio"] = found["reference_seconds"] / found["ours_seconds"]
            found["cpu_ratio"] = found["reference_cpu_seconds"] / found["ours_cpu_seconds"]
            found |= _differences(np.load(folder / f"{options.compare}.npy"), np.load(folder / "ours.npy"))
        return {**_rounded(found), "machine": machine(options.device)}


def _run(folder: Path, side: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sides", str(folder), side]
    # Ours as in the worker. Threads that do not spin for both: beside another program the reference gains from it too.
    env = worker_environment() if side in ("ours", "in_turn") else {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise SideFailedError(f"{side} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _case(options: argparse.Namespace, weights: str) -> str:
    rows, columns = options.rows or options.size, options.columns or options.size
    model = options.model if options.pixels is None else f"{options.model} at {options.pixels}"
    against = {"reference": options.reference_precision}.get(options.compare, options.compare)
    if options.reference_pixels is not None:
        against += f" at {options.reference_pixels}"
    objects = "" if options.objects == 1 else f", {options.objects} objects"
    volume = f"{options.slices} x {rows} x {columns}{objects}"
    ours = f"{options.precision}{' compiled' if options.compile else ''}"
    ours += " without bfloat16" if options.without_bfloat16 else ""
    ours += "" if options.cells is None else f" with {options.cells:.0%} of the cells"
    return f"{model} ({weights} weights), {volume}, {options.device}, {ours} against {against}"


def _summary(side: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        **{f"{side}_{key}": statistics.median(run[key] for run in runs) for key in ("seconds", "cpu_seconds")},
        f"{side}_peak_mib": max(run["peak_mib"] for run in runs),
        f"{side}_loaded_mib": max(run["loaded_mib"] for run in runs),
    }


def _differences(reference: NDArray[np.float32], ours: NDArray[np.float32]) -> dict[str, Any]:
    """Dice slice by slice (1 where both are empty), pixels on the other side of zero, largest difference of logits."""
    a, b = reference > 0, ours > 0
    sums = a.sum((2, 3)) + b.sum((2, 3))
    dice = np.where(sums == 0, 1.0, 2 * (a & b).sum((2, 3)) / np.maximum(sums, 1))
    return {
        "min_slice_dice": float(dice.min()),
        "max_logit_difference": float(np.abs(reference - ours).max()),
        "differing_pixels": int((a != b).sum()),
        "reference_pixels": int(a.sum()),
    }


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in found.items()}


def parser() -> argparse.ArgumentParser:
    """Options of a case."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.propagation", description=__doc__)
    made.add_argument("--model", default="tiny", help="name in the registry; random weights where it is not downloaded")
    made.add_argument("--pixels", type=int, help="another side length of the network's input, for example 512")
    made.add_argument("--reference-pixels", type=int, help="the same for the reference, where it differs")
    made.add_argument("--slices", type=int, default=12)
    made.add_argument("--size", type=int, default=512, help="rows and columns of a slice")
    made.add_argument("--rows", type=int)
    made.add_argument("--columns", type=int)
    made.add_argument("--objects", type=int, default=1, choices=(1, 2, 3))
    made.add_argument("--filled", type=float, default=1.0, help="share of the slices in which there are objects")
    made.add_argument("--device", default="cpu")
    made.add_argument("--precision", default="auto", help="ours: auto, float32 (exact), bfloat16 or float16")
    made.add_argument(
        "--without-bfloat16", action="store_true", help="ours: as on a processor without units for it; with auto"
    )
    made.add_argument("--reference-precision", default="float32", choices=("float32", "bfloat16", "float16"))
    made.add_argument("--compare", default="reference", choices=SIDES)
    made.add_argument(
        "--cells", type=float, help="ours: attend to this share of the cells of slices before the last one"
    )
    made.add_argument("--early-stop", action="store_true")
    made.add_argument(
        "--compile", action="store_true", help="ours: rewritten by torch.compile, its warm-up not counted"
    )
    made.add_argument("--threads", type=int, default=0, help="0: all cores")
    made.add_argument("--repeat", type=int, default=1)
    made.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    return made


def main() -> None:
    """Entry point."""
    options = parser().parse_args()
    try:
        found = compare(options)
    except SideFailedError as error:
        raise SystemExit(str(error)) from error
    if options.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in found.items()))


if __name__ == "__main__":
    main()
