"""Seeds of a library as what prompts a volume: where it starts, by what, and under which window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import SeedError, check_choice
from PromptOnceLib.imaging.stack import central_slice
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window, window_from_text
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.seeds.fit import By, Fit, fit_seed
from PromptOnceLib.seeds.seed import Seed

Searched = Literal["similar", "confident"]
"""How a start slice is searched for: the one most similar to the seed's frame, or the one on which the model is most
confident to see the object right after the seed.
"""

Start = int | Literal["central"] | Searched
"""The slice where a seed takes over; "central" is the papers' choice."""

OLD_STARTS: Mapping[str, Searched] = {"alike": "similar", "surest": "confident"}
"""What these searches were called up to version 0.1: still read from plans, command lines and scripts."""


@dataclass(frozen=True, eq=False)
class SeedSource:
    """One seed or several, to be put before the slices of a volume.

    start: slice where both passes begin; one that is to be searched for is central until workflows.start_slice has
    found it. by: box and points, or the accepted mask. fit: see fit.py, None for the default. names: of the objects to
    segment, in this order; None for all of the first seed. notices: what choosing the seeds gave, for the user.

    Raises SeedError for no seed at all, and for a start, a way to prompt or a fit that there is not.
    """

    seeds: tuple[Seed, ...]
    start: Start = "central"
    by: By = "prompt"
    fit: Fit | None = None
    names: tuple[str, ...] | None = None
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.seeds:
            raise SeedError("No seed was chosen. Choose one or more.")
        if isinstance(self.start, np.integer):
            object.__setattr__(self, "start", int(self.start))
        check_choice("by", self.by, get_args(By), SeedError)
        check_choice("fit", self.fit, (None, *get_args(Fit)), SeedError)
        if not isinstance(self.start, int):
            starts = ("central", *get_args(Searched))
            check_choice("start", self.start, starts, SeedError, more="the number of a slice")

    @property
    def label(self) -> str:
        """The names of the seeds, for reports."""
        return ", ".join(seed.name for seed in self.seeds)


def shared_seed(source: SeedSource, geometry: Geometry, axis: int) -> SharedSeed:
    """What takes the prompt's place for a volume of this grid, its slices along an array axis (0, 1, 2 = k, j, i).

    The objects are those of the first seed, with its names and colours; in the others they are found by name (upper
    and lower case alike), a single object whatever its name. Raises SeedError where an object is not found, for seeds
    of another plane, and for a seed of which nothing is left in the volume's field of view; PromptError for a start
    outside the volume.
    """
    frames = [fit_seed(seed, geometry, axis, source.fit, source.by) for seed in source.seeds]
    wanted = _chosen(frames[0], source)
    same = tuple(
        replace(frame, objects=_same_objects(wanted, frame, seed))
        for frame, seed in zip(frames, source.seeds, strict=True)
    )
    start = source.start if isinstance(source.start, int) else central_slice(geometry.shape[axis])
    shared = SharedSeed(same, start, axis)
    rows, columns = (geometry.shape[other] for other in range(3) if other != axis)
    shared.validate_for((geometry.shape[axis], rows, columns))
    return shared


def accepted_masks(source: SeedSource, geometry: Geometry, axis: int) -> NDArray[np.uint8]:
    """The accepted masks of the first seed as it lies before a volume: uint8 (objects, rows, columns), in the objects'
    order. Raises as shared_seed.
    """
    frame = shared_seed(replace(source, by="mask"), geometry, axis).frames[0]
    return np.stack([item.mask_array() for item in frame.objects]).astype(np.uint8)


def seed_window(seed: Seed, volume: Volume) -> Window:
    """The seed's window for another volume.

    A window in HU or other units is the same; one that follows from an image's own intensities or header ("full",
    "percentile", "paper", "file") is found anew in the volume, "full" where its header states none.
    """
    window = seed.record.window
    if window.name == "file" and volume.file_window is None:
        return window_from_text("full", volume)
    if window.follows_the_image:
        return window_from_text(window.name, volume)
    return Window(window.lower, window.upper, window.name, window.per_slice)


def _chosen(frame: ConditioningFrame, source: SeedSource) -> tuple[ObjectPrompt, ...]:
    if source.names is None:
        return frame.objects
    found = {item.name.casefold(): item for item in frame.objects}
    for name in source.names:
        if name.strip().casefold() not in found:
            there = ", ".join(item.name for item in frame.objects)
            raise SeedError(f'The seed "{source.seeds[0].name}" does not mark "{name}". It marks: {there}.')
    return tuple(found[name.strip().casefold()] for name in source.names)


def _same_objects(wanted: tuple[ObjectPrompt, ...], frame: ConditioningFrame, seed: Seed) -> tuple[ObjectPrompt, ...]:
    """The wanted objects as they lie in a frame, with the names and colours that are wanted."""
    found = {item.name.casefold(): item for item in frame.objects}
    if len(wanted) == 1 == len(frame.objects):
        found[wanted[0].name.casefold()] = frame.objects[0]
    missing = [item.name for item in wanted if item.name.casefold() not in found]
    if missing:
        raise SeedError(
            f'The seed "{seed.name}" does not mark "{missing[0]}" as the first seed does. Choose seeds of the same '
            "objects, or give the objects the same names."
        )
    return tuple(
        found[item.name.casefold()].model_copy(
            update={"name": item.name, "color": item.color, "terminology": item.terminology}
        )
        for item in wanted
    )
