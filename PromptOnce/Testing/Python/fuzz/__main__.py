"""`python -m fuzz [KIND ...] [--count N] [--seed N]`: damaged inputs by the thousand, and what became of them."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz.kinds import KINDS
from fuzz.runner import Tally, fuzz

MOST_SHOWN = 12  # of each kind


def main() -> int:
    """Exit status 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--count", type=int, default=10_000, help="inputs of each kind (10000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to try a single one again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="kinds at the same time (2)")
    parser.add_argument("--folder", type=Path, help="for inputs on which something is wrong; a new one by default")
    options = parser.parse_args()
    unknown = sorted(set(options.kinds) - set(KINDS))
    if unknown:
        parser.error(f"there is no kind {', '.join(unknown)}")
    memory = Path("/dev/shm")  # no disk has to keep up
    folder = options.folder or Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
    folder.mkdir(parents=True, exist_ok=True)

    def one(kind: str) -> Tally:
        begun = time.monotonic()
        numbers = range(options.first, options.first + options.count)
        tally = fuzz(kind, KINDS[kind], numbers, folder, options.seed)
        lines = [f"{tally}; {time.monotonic() - begun:.0f} s", *map(str, tally.findings[:MOST_SHOWN])]
        print("\n  ".join(lines), flush=True)
        return tally

    with ThreadPoolExecutor(options.jobs) as pool:
        tallies = list(pool.map(one, options.kinds or KINDS))
    total = sum(tally.counts.total() for tally in tallies)
    print(f"{total} inputs, {sum(len(tally.findings) for tally in tallies)} found wrong")
    return 1 if any(tally.findings for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
