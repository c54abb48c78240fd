"""Train the embedded model further in a quarter of an hour on a GPU; gpu_run.sh finds the Python and starts this.

Phantoms are drawn on all cores, the last stage of the recipe is trained for --minutes from the embedded model or from
what an earlier call left in the output folder, the presence head is fitted to whole volumes, its bias is set on the
calibration phantoms, and speed is measured. The folder then holds nano.pt (the result), averaged.pt (for going on),
last.pt, log.jsonl, curve.png, calls.md (a line a call) and the table and figures of the benchmarks. On the CPU
everything is small: a rehearsal. With --calibration 0 the GPU's time goes to training; refit and calibrate elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from PromptOnceLib.engine.devices import describe
from training.calibrate import calibrate, calibration_examples, measure
from training.dataset import Clips
from training.network import CONFIG
from training.pool import make_pool, read_pool
from training.refit import refit, whole_volumes
from training.stages import STAGES
from training.train import AVERAGED, Trainer

ROOT = Path(__file__).parents[1]
POOL = ROOT / "training" / "runs" / "pool"
PHANTOM_MB = 2.2
SPARE_MB = 500.0
BENCHMARK_GRACE = 120.0  # seconds for the case that is being measured when the time is over
TABLE_HEAD = (
    "| device | minutes | steps so far | phantoms to calibrate | mean 3D Dice of the embedded model "
    "| trained, head fitted | shift of the bias | with it |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True)
class Amounts:
    """How much is done unless the caller says.

    phantoms: to train on. refit: to fit the presence head to. calibration: to calibrate and compare on.
    """

    phantoms: int
    refit: int
    calibration: int
    bench_minutes: float


ON_GPU = Amounts(phantoms=800, refit=60, calibration=24, bench_minutes=2)
REHEARSAL = Amounts(phantoms=24, refit=5, calibration=1, bench_minutes=0)


def check(device: torch.device, phantoms: int, output: Path) -> None:
    """Exit with a sentence where the machine cannot do it."""
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit(f"torch {torch.__version__} sees no CUDA device here; --device cpu rehearses without one.")
    for folder in (POOL, output):
        folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(POOL).free / 1e6
    if free < phantoms * PHANTOM_MB + SPARE_MB:
        raise SystemExit(f"{phantoms} phantoms need {phantoms * PHANTOM_MB:.0f} MB; {POOL} has {free:.0f} MB free.")
    say(f"torch {torch.__version__}, {describe(device)}, {cores()} cores, {free / 1000:.0f} GB free, into {output}")


def train(arguments: argparse.Namespace) -> int:
    """Train for the time given; the number of steps so far."""
    clips = Clips(read_pool(POOL))
    workers = max(1, cores() - 2)
    trainer = Trainer(arguments.output, clips, STAGES, arguments.device, workers)
    trainer.start_from(arguments.start, len(STAGES) - 1)
    trainer.run_for(60 * arguments.minutes, len(STAGES) - 1)
    return trainer.step


def draw(output: Path) -> None:
    """The training curve, where matplotlib is there."""
    try:
        from training.curve import draw_curves
    except ImportError as error:
        say(f"curve.png was not drawn: {error}")
    else:
        draw_curves(output / "log.jsonl", output / "curve.png")


def evaluate(arguments: argparse.Namespace, steps: int) -> None:
    """Fit the presence head, calibrate, write nano.pt, and add the call to calls.md."""
    examples = calibration_examples(arguments.calibration)
    embedded = measure(CONFIG.with_name("nano.pt"), examples, arguments.device)[0.0].volume
    fitted = arguments.output / "fitted.pt"
    refit(arguments.output / AVERAGED, fitted, whole_volumes(read_pool(POOL), arguments.refit), 1, arguments.device)
    found = calibrate(fitted, arguments.output / "nano.pt", examples, arguments.device)
    best = max(found, key=lambda shift: found[shift].volume)
    calls = arguments.output / "calls.md"
    figures = f"{embedded:.4f} | {found[0.0].volume:.4f} | {best:+.1f} | {found[best].volume:.4f}"
    line = f"| {describe(arguments.device)} | {arguments.minutes:g} | {steps} | {arguments.calibration} | {figures} |\n"
    calls.write_text((calls.read_text() if calls.exists() else TABLE_HEAD) + line)
    print(calls.read_text(), flush=True)


def benchmark(arguments: argparse.Namespace) -> None:
    """`python -m benchmarks` within its time; the table goes to benchmarks.txt, figures beside it."""
    command = [sys.executable, "-m", "benchmarks", "--device", str(arguments.device)]
    command += ["--minutes", str(arguments.bench_minutes), "--output", str(arguments.output)]
    command += ["--quick"] if arguments.device.type == "cpu" else []
    with (arguments.output / "benchmarks.txt").open("w") as table:
        process = subprocess.Popen(command, stdout=table, stderr=subprocess.STDOUT, start_new_session=True, cwd=ROOT)
        try:
            process.wait(60 * arguments.bench_minutes + BENCHMARK_GRACE)
        except subprocess.TimeoutExpired:
            table.write("Ended: the last case took too long.\n")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    print((arguments.output / "benchmarks.txt").read_text(), flush=True)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say(text: str) -> None:
    """A line of progress with the seconds since the start."""
    print(f"[{time.monotonic() - _BEGIN:5.0f} s] {text}", flush=True)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line, what was left out filled in for the device."""
    parser = argparse.ArgumentParser(
        prog="training/gpu_run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("OUT") or "training/runs/gpu")
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"))
    parser.add_argument("--output", type=Path, default=default, help="$OUT where that is set, else training/runs/gpu")
    parser.add_argument("--minutes", type=float, default=8.0, help="of training")
    parser.add_argument("--bench-minutes", type=float, help="of benchmarks; 2, on the CPU 0: none")
    parser.add_argument("--phantoms", type=int, help="to train on; 800, on the CPU 24")
    parser.add_argument(
        "--calibration", type=int, help="phantoms to calibrate and compare on; 24, on the CPU 1; 0: none"
    )
    parser.add_argument("--refit", type=int, help="phantoms to fit the presence head to; 60, on the CPU 5")
    parser.add_argument("--start", type=Path, default=CONFIG.with_name("nano.pt"), help="checkpoint to begin with")
    arguments = parser.parse_args(words)
    amounts = REHEARSAL if arguments.device.type == "cpu" else ON_GPU
    for name, value in vars(amounts).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.output = arguments.output.resolve()
    return arguments


def main() -> None:
    """Entry point."""
    arguments = parse()
    check(arguments.device, arguments.phantoms, arguments.output)
    torch.set_num_threads(cores() if arguments.device.type == "cpu" else 2)
    torch.set_float32_matmul_precision("high")
    say(f"drawing {arguments.phantoms} phantoms")
    make_pool(POOL, arguments.phantoms, cores())
    say(f"training for {arguments.minutes:g} minutes")
    steps = train(arguments)
    draw(arguments.output)
    if arguments.calibration > 0:
        say("calibrating")
        evaluate(arguments, steps)
    if arguments.bench_minutes > 0:
        say(f"measuring speed for {arguments.bench_minutes:g} minutes")
        benchmark(arguments)
    say(f"done: {', '.join(sorted(path.name for path in arguments.output.iterdir()))}")


_BEGIN = time.monotonic()

if __name__ == "__main__":
    main()
