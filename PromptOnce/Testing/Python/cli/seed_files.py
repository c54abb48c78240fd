"""A library with a seed of the disk, made without a worker, and volumes to use it on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
from worker.disks import disk_frames, disk_prompt, stack_of

from PromptOnceLib.imaging.scanner import Scanner
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.reliability import RoundTrip
from PromptOnceLib.seeds.seed import Seed


def disk_seed(name: str = "disk", scanner_name: str = "", dice: float | None = None) -> Seed:
    """A seed drawn on slice 5 of a stack of disks whose grid is that of the fixture disk_volume."""
    frames = disk_frames(seed=7)
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    count, rows, columns = frames.shape
    geometry = Geometry((columns, rows, count), (0.8, 0.9, 3.0), direction=(0, -1, 0, 1, 0, 0, 0, 0, 1))
    volume = Volume(frames, geometry, modality="CT", scanner=Scanner(modality="CT", manufacturer="MAKER"))
    trip = None if dice is None else RoundTrip(dice=(dice,), model="nano", date=dt.date(2026, 1, 31))
    return make_seed(
        volume,
        stack_of(frames),
        disk_prompt(5),
        [np.hypot(x - 50, y - 40) < 16],
        name=name,
        scanner_name=scanner_name,
        round_trip=trip,
        frame_confirmed=True,
    )


def library_with(folder: Path, *seeds: Seed) -> Path:
    """The folder of a library with these seeds."""
    SeedLibrary(folder).save_all(seeds)
    return folder
