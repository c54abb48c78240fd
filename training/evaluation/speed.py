"""Speed and memory as a user meets them: through the worker, with preparation and transport."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.strategies.jitter import jittered
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter

CLICKS = 50
_SHAPE = (40, 512, 512)
_CLICK_SHIFT = 10.0  # pixels


@dataclass(frozen=True)
class Speed:
    """slices_per_second: from HU in memory to the last mask; propagation_...: without preparing and sending the stack.

    click_...: from a changed prompt to its mask, the slice being encoded already. worker_peak_mib: the worker's peak of
    resident memory, None where the system does not tell. threads: of the worker.
    """

    threads: int
    slices: int
    slices_per_second: float
    propagation_slices_per_second: float
    click_median_seconds: float
    click_worst_seconds: float
    worker_peak_mib: float | None
    checkpoint_bytes: int


def measure(files: ModelFiles, threads: int, say: Callable[[str], None]) -> Speed:
    """Figures of a checkpoint on the CPU of this computer, on a chest phantom of 512 x 512 x 40 voxels (int16)."""
    volume, labels = chest_phantom(shape=_SHAPE)
    lungs = np.where(np.isin(labels, [LABELS["right lung"], LABELS["left lung"]]), labels, 0)
    transports: list[SubprocessTransport] = []

    def start() -> SubprocessTransport:
        transports.append(SubprocessTransport(worker_command(), worker_environment()))
        return transports[-1]

    with WorkerClient(start, threads) as client:
        segmenter = Segmenter(client)
        segmenter.use_model(files, device="cpu")
        begin = time.perf_counter()
        case = prepare_case(volume, Labels(lungs, "lungs"), window="lung")
        segmenter.use_stack(case.stack)
        prepared = time.perf_counter() - begin
        say(f"speed: stack prepared and sent in {prepared:.2f} s")
        clicks = _clicks(segmenter, files, case)
        say(f"speed: {len(clicks)} clicks, median {np.median(clicks):.3f} s")
        begin = time.perf_counter()
        segmenter.propagate(case.prompt)
        seconds = time.perf_counter() - begin
        say(f"speed: {_SHAPE[0]} slices in {seconds:.1f} s")
        peak = _peak_mib(transports[-1].process_id)
    return Speed(
        threads=threads,
        slices=_SHAPE[0],
        slices_per_second=_SHAPE[0] / (prepared + seconds),
        propagation_slices_per_second=_SHAPE[0] / seconds,
        click_median_seconds=float(np.median(clicks)),
        click_worst_seconds=max(clicks),
        worker_peak_mib=peak,
        checkpoint_bytes=files.checkpoint.stat().st_size,
    )


def _clicks(segmenter: Segmenter, files: ModelFiles, case: Case) -> list[float]:
    """Seconds of each of several changed prompts, the first one included, once the slice is encoded."""
    prompt, shape = case.prompt, case.stack.frames.shape[1:]
    segmenter.session.prepare(files, "cpu", "auto", case.stack, prompt.slice)
    segmenter.make_ready()
    seconds = []
    for number in range(CLICKS):
        moved = jittered(prompt.objects[0], shape, 0.0, _CLICK_SHIFT, seed=number)
        begin = time.perf_counter()
        segmenter.predict(Prompt(axis=prompt.axis, slice=prompt.slice, objects=(moved,)))
        seconds.append(time.perf_counter() - begin)
    return seconds


def _peak_mib(process: int) -> float | None:
    """From /proc: what a parent learns of an ended child may include the parent's own memory."""
    status = Path(f"/proc/{process}/status")
    if not status.is_file():
        return None
    peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else None
