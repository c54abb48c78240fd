"""Contact sheets of examples: what the model found beside the reference, slice by slice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.segmentation.contact_sheet import contact_sheet
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results
from training.evaluation.scores import Example, Score

_KEPT = 12
_TILES, _COLUMNS = 15, 5
_BEYOND = 0.2  # slices shown beyond the object's ends, as a share of its length
_MARGIN = 0.25  # least that is shown around the reference, as a share of its size


@dataclass
class Sheets:
    """The folder for contact sheets; remembers the worst examples offered until `write_worst`."""

    folder: Path
    _worst: list[tuple[Score, Example, SegmentationResult]] = field(default_factory=list)

    def write(self, figures: Score, example: Example, result: SegmentationResult, rank: str = "") -> None:
        """One sheet: slices from before the object's first to after its last, cut to where something is."""
        rows, columns = _region(example.reference, result.in_stack_order())
        view = example.view

        def shown(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
            return view.of_slices(array[..., rows, columns])

        contact_sheet(
            shown(example.frames),
            shown(result.masks),
            shown(example.reference),
            slice_results(result, example.reference)[_range(example.reference)],
            self.folder / f"{rank}{_file_name(example)}.png",
            view.of_spacing(example.spacing),
            title=f"{example} \u00b7 {_by_box(figures)}",
            facts=[] if figures.volume_dice is None else [f"Dice of the volume {figures.volume_dice:.3f}"],
            names=result.names,
            prompted_slice=example.seed,
            tiles=_TILES,
            columns=_COLUMNS,
        )

    def offer(self, figures: Score, example: Example, result: SegmentationResult) -> None:
        """Remember an example if it is among the worst so far."""
        self._worst.append((figures, example, result))
        self._worst.sort(key=lambda entry: _main_dice(entry[0]))
        del self._worst[_KEPT:]

    def write_worst(self) -> None:
        """A sheet of each example remembered, the worst first."""
        for rank, entry in enumerate(self._worst, start=1):
            self.write(*entry, rank=f"worst-{rank:02d}_")


def _range(reference: NDArray[np.uint8]) -> slice:
    held = np.flatnonzero(reference.any((1, 2)))
    beyond = max(2, round(_BEYOND * len(held)))
    return slice(max(0, held[0] - beyond), held[-1] + beyond + 1)


def _region(reference: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns around the reference, and the mask as far as it does not go astray altogether."""
    sides = []
    for others in ((0, 2), (0, 1)):
        held, found = np.flatnonzero(reference.any(others)), np.flatnonzero((reference | mask).any(others))
        length = held[-1] - held[0] + 1
        least, most = max(8, round(_MARGIN * length)), max(24, length)
        before = np.clip(held[0] - found[0] + 4, least, most)
        after = np.clip(found[-1] - held[-1] + 4, least, most)
        sides.append(slice(max(0, held[0] - before), held[-1] + after + 1))
    return sides[0], sides[1]


def _main_dice(figures: Score) -> float:
    return figures.seed_dice if figures.volume_dice is None else figures.volume_dice


def _by_box(figures: Score) -> str:
    volume = "" if figures.box_volume_dice is None else f", volume {figures.box_volume_dice:.3f}"
    return f"box alone: prompted slice {figures.box_seed_dice:.3f}{volume}"


def _file_name(example: Example) -> str:
    parts = (example.group, example.image, example.name)
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in parts)
