"""How many runners the folder of a run holds, and what a cluster makes of many cases: `python -m benchmarks.cluster`.

The first table is measured: processes that take, and end at once, the cases of one folder (batch/run_folder/leases.py),
so that nothing but the protocol costs time. The second is simulated: cases of drawn length are read through one shared
disk and computed by 1 to 256 workers; every case costs the disk what was measured for its lease, too.
"""

from __future__ import annotations

import argparse
import heapq
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.batch.run_folder.leases import Leases
from training.evaluation.markdown import markdown_table

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def take_all(folder: Path, number: int, cases: int) -> tuple[int, float, float]:
    """A runner that takes what it gets of the cases and ends it at once; how many, when it began and when it ended."""
    started = time.monotonic()
    taken, begin = 0, random.Random(number).randrange(cases)
    with Leases(folder, f"runner-{number}") as leases:
        for index in range(cases):
            case = f"case-{(begin + index) % cases}"
            if leases.take(case) == "taken":
                leases.end(case, "finished")
                taken += 1
    return taken, started, time.monotonic()


def measure(runners: int, cases: int) -> tuple[float, bool]:
    """Seconds for all cases by so many runners at once, and whether each case was taken exactly once."""
    # Not forked: a copy of a process with threads, as that of a test, may wait for ever.
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(runners) as pool:
        found = pool.starmap(take_all, [(Path(folder), number, cases) for number in range(runners)], chunksize=1)
    taken, started, ended = zip(*found, strict=True)
    return max(ended) - min(started), sum(taken) == cases


def simulate(workers: int, cases: Sequence[float], disk_seconds: float) -> float:
    """Seconds until so many workers have computed all cases, each after the one shared disk has read it.

    cases: seconds of computing. disk_seconds: that the disk is busy for a case. A worker reads the next case while it
    computes one, as the runner does.
    """
    disk_free = 0.0
    free = [(0.0, 0.0, number) for number in range(workers)]  # when the worker is free, since when it may read
    end = 0.0
    for seconds in cases:
        idle, may_read, number = heapq.heappop(free)
        disk_free = max(disk_free, may_read) + disk_seconds
        begun = max(idle, disk_free)
        heapq.heappush(free, (begun + seconds, begun, number))
        end = max(end, begun + seconds)
    return end


def drawn_cases(count: int, mean: float, spread: float) -> list[float]:
    """Seconds of cases, log-normal: most near the middle, a few many times longer. spread: of the logarithm."""
    rng = random.Random(1)
    drawn = [rng.lognormvariate(0, spread) for _ in range(count)]
    factor = mean / statistics.fmean(drawn)
    return [factor * value for value in drawn]


def main() -> None:
    """Print both tables."""
    from benchmarks.machine import machine  # loads torch, which the measured processes do not need

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--runners", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=15.0, help="mean of the computing of a case")
    parser.add_argument("--spread", type=float, default=0.6)
    parser.add_argument("--disk", type=float, nargs="+", default=[0.05, 0.5], help="seconds of the disk for a case")
    chosen = parser.parse_args()
    print(machine())
    print("| runners | cases | seconds | ms a case | each once |\n| --- | --- | --- | --- | --- |")
    for runners in chosen.runners:
        seconds, once = measure(runners, chosen.cases)
        milliseconds = 1000 * seconds / chosen.cases
        print(f"| {runners} | {chosen.cases} | {seconds:.1f} | {milliseconds:.2f} | {'yes' if once else 'NO'} |")
    cases = drawn_cases(chosen.cases, chosen.seconds, chosen.spread)
    titles = [f"disk {disk:g} s a case" for disk in chosen.disk]
    rows = []
    for workers in WORKERS:
        efficiencies = [sum(cases) / workers / simulate(workers, cases, disk) for disk in chosen.disk]
        rows.append([str(workers), *(f"{100 * efficiency:.1f} %" for efficiency in efficiencies)])
    print(f"\n{markdown_table(['workers', *titles], rows)}")


if __name__ == "__main__":
    main()
