"""What a study knows of every slice: a row for each, and the rows of an arm together.

An arm is one model with one method and one strategy of prompts on all cases of the study. Everything that a study says
afterwards, its tables, statistics and figures, is made from these rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SliceRow:
    """One slice of one case in one arm.

    `slice` counts from 0 along the case's axis, of `slices` in the volume. `jaccard` and `dice` lie between 0 and 1,
    and are None where the reference is empty; `hausdorff_mm` is None also where nothing was found. `predicted_iou` is
    the model's own estimate of the mask, "sam_score" in the papers' files. The seconds are those of the network:
    encoding the slice, and answering its prompt. `prompted` says whether the slice itself carried a prompt.
    """

    group: str
    case: str
    slice: int
    slices: int
    reference_pixels: int
    jaccard: float | None
    dice: float | None
    hausdorff_mm: float | None
    predicted_iou: float | None
    embed_seconds: float | None
    prompt_seconds: float | None
    prompted: bool


@dataclass(frozen=True)
class ArmRows:
    """All rows of one arm: its name, its model, its method, "each-slice" or "propagate", and its strategy of prompts.

    `load_seconds` is what loading the model took, None where nobody measured it.
    """

    name: str
    model: str
    method: str
    strategy: str
    rows: tuple[SliceRow, ...]
    load_seconds: float | None
