"""What a propagation gives: masks and scores of every slice, and the table made from them, also as a CSV file.

Presence and predicted IoU are SAM 2's (Ravi et al. 2024): the probability, 0 to 1, that the object is on the slice, and
the model's own estimate, 0 to 1, of the IoU of its mask.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import write_csv_rows
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.segmentation.metrics import Mask, Summary, dice, jaccard, slice_scores, summarise
from PromptOnceLib.segmentation.ways import Ways

PRESENT = 0.5
"""Presence from which an object counts as being on a slice: SAM 2's own limit, a logit of 0."""

_COLUMNS = ("slice", "computed", "area", "presence", "predicted_iou", "dice", "jaccard", "reference_area")
_OPTIONAL_COLUMNS = ("hausdorff_mm", "embed_seconds", "prompt_seconds")
_OBJECT_COLUMN = "object"
_INTEGER_COLUMNS = ("area", "reference_area")


@dataclass(frozen=True)
class SliceResult:
    """One row of the per-slice table.

    slice: index in the stack. computed: whether the model saw the slice; where not, everything that follows is None.
    area, reference_area: pixels. dice, jaccard: None without a reference, and where mask and reference are both empty.
    object_name: "" for the union of all objects. hausdorff_mm: to the reference; embed_seconds,
    prompt_seconds: what the slice took by itself; None where nobody asked for them.
    """

    slice: int
    computed: bool
    area: int | None
    presence: float | None
    predicted_iou: float | None
    dice: float | None
    jaccard: float | None
    reference_area: int | None = None
    object_name: str = ""
    hausdorff_mm: float | None = None
    embed_seconds: float | None = None
    prompt_seconds: float | None = None

    def as_json(self) -> dict[str, int | float | bool | None]:
        """The row as the command line's --json prints it."""
        columns = ("slice", "computed", "area", "presence", "predicted_iou", "dice", "jaccard")
        return {column: getattr(self, column) for column in columns}


@dataclass(frozen=True)
class Totals:
    """Figures of a whole stack, for one object or for the union of all.

    dice, jaccard: of all voxels, so they equal those of the saved file; a slice that nobody computed counts as empty.
    dice_per_slice, jaccard_per_slice: over the computed slices that hold the reference. reference_slices_not_computed:
    slices with reference that the former count as missed and the latter leave out. reference_millilitres: of the whole
    reference. All of these are None without a reference.
    """

    slices: int
    computed_slices: int
    millilitres: float
    dice: float | None = None
    jaccard: float | None = None
    dice_per_slice: Summary | None = None
    jaccard_per_slice: Summary | None = None
    reference_slices_not_computed: int | None = None
    reference_millilitres: float | None = None


@dataclass(eq=False)
class SegmentationResult:
    """Masks and scores of one stack, filled slice by slice.

    masks: uint8 0 or 1 (objects, n, rows, columns). computed: bool (n,). presence, predicted_iou: float32 (objects, n),
    NaN where not computed. axis: array axis (0, 1, 2) of the KJI volume that the slices were taken along. crops: what
    the network saw of all slices, ways: how they were made, both by the objects' names. Raises ValueError where these
    do not fit each other.
    """

    masks: NDArray[np.uint8]
    computed: NDArray[np.bool_]
    presence: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    axis: int
    names: tuple[str, ...]
    crops: dict[str, Crop] = field(default_factory=dict)
    ways: dict[str, Ways] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.masks.ndim != 4 or self.masks.dtype != np.uint8:
            raise ValueError(
                f"masks must be uint8 (objects, n, rows, columns), not {self.masks.dtype} {self.masks.shape}"
            )
        objects, slices = self.masks.shape[:2]
        shapes = (self.computed.shape, self.presence.shape, self.predicted_iou.shape, len(self.names))
        if shapes != ((slices,), (objects, slices), (objects, slices), objects):
            raise ValueError(
                f"computed, presence, predicted_iou and names {shapes} do not fit masks {self.masks.shape}"
            )
        if self.axis not in (0, 1, 2):
            raise ValueError(f"axis must be 0, 1 or 2, not {self.axis}")

    @classmethod
    def empty(cls, names: Sequence[str], shape: tuple[int, ...], axis: int) -> SegmentationResult:
        """Nothing computed yet; shape is the stack's (n, rows, columns)."""
        scores = (len(names), shape[0])
        return cls(
            masks=np.zeros((len(names), *shape), np.uint8),
            computed=np.zeros(shape[0], bool),
            presence=np.full(scores, np.nan, np.float32),
            predicted_iou=np.full(scores, np.nan, np.float32),
            axis=axis,
            names=tuple(names),
        )

    @classmethod
    def of_mask(cls, mask: Mask, name: str, axis: int) -> SegmentationResult:
        """A finished mask (n, rows, columns) of one object, of which no scores are known."""
        result = cls.empty([name], mask.shape, axis)
        result.masks[0], result.computed[:] = mask, True
        return result

    def set_slice(
        self,
        index: int,
        masks: Mask,
        presence: Sequence[float],
        predicted_iou: Sequence[float],
        objects: Sequence[int] | None = None,
    ) -> None:
        """Take in one slice: masks (objects, rows, columns), 0 or 1 or bool, and one score for every object.

        objects: places of those that are given, None for all.
        """
        rows = slice(None) if objects is None else list(objects)
        self.masks[rows, index] = masks
        self.presence[rows, index] = presence
        self.predicted_iou[rows, index] = predicted_iou
        self.computed[index] = True

    def copy(self) -> SegmentationResult:
        """The same with arrays of its own."""
        arrays = (self.masks.copy(), self.computed.copy(), self.presence.copy(), self.predicted_iou.copy())
        return SegmentationResult(*arrays, self.axis, self.names, dict(self.crops), dict(self.ways))

    def ways_of(self, name: str) -> Ways:
        """How the object of this name was made; as is usual where nobody knows."""
        return self.ways.get(name, Ways())

    def to_volume_order(self, object_index: int) -> NDArray[np.uint8]:
        """KJI mask of one object, C-contiguous, on the grid of the volume that the stack was taken from."""
        return np.ascontiguousarray(np.moveaxis(self.masks[object_index], 0, self.axis))

    def in_stack_order(self, object_index: int | None = None) -> NDArray[np.uint8]:
        """Mask (n, rows, columns) of one object, or of the union of all."""
        mask: NDArray[np.uint8] = self.masks.max(axis=0) if object_index is None else self.masks[object_index]
        return mask


def slice_results(
    result: SegmentationResult, reference_stack: Mask | None = None, object_index: int | None = None
) -> list[SliceResult]:
    """The per-slice table of one object, or of the union of all objects where object_index is None.

    reference_stack: (n, rows, columns), not 0 where the reference is; None leaves Dice and Jaccard undefined.

    The union's presence on a slice is the largest of its objects'; its predicted IoU is the mean over the objects
    present there (presence of at least 0.5), or over all objects where none is. With one object both are that object's.
    Raises GeometryError where the reference has another shape.
    """
    mask = result.in_stack_order(object_index)
    name = "" if object_index is None else result.names[object_index]
    scores = None if reference_stack is None else slice_scores(mask, reference_stack)
    rows = []
    for index, computed in enumerate(result.computed):
        if not computed:
            rows.append(SliceResult(index, False, None, None, None, None, None, object_name=name))
            continue
        presence, predicted_iou = _confidence(result, index, object_index)
        area = int(np.count_nonzero(mask[index]))
        row = SliceResult(index, True, area, presence, predicted_iou, None, None, object_name=name)
        if scores is not None:
            score = scores[index]
            row = replace(row, dice=score.dice, jaccard=score.jaccard, reference_area=score.reference_area)
        rows.append(row)
    return rows


def totals(
    result: SegmentationResult,
    voxel_spacing: Sequence[float],
    reference_stack: Mask | None = None,
    object_index: int | None = None,
) -> Totals:
    """Figures of the whole stack, for one object or for the union of all where object_index is None.

    voxel_spacing: mm along the three axes, in any order. reference_stack as in slice_results. Raises GeometryError
    where the reference has another shape.
    """
    mask = result.in_stack_order(object_index)
    millilitres_of_a_voxel = float(np.prod(voxel_spacing) / 1000.0)
    without_reference = Totals(
        slices=len(mask),
        computed_slices=int(result.computed.sum()),
        millilitres=np.count_nonzero(mask) * millilitres_of_a_voxel,
    )
    if reference_stack is None:
        return without_reference
    scores = slice_scores(mask, reference_stack)
    computed = [score for score, seen in zip(scores, result.computed, strict=True) if seen]
    dice_per_slice, jaccard_per_slice = summarise(computed)
    missed = [score for score, seen in zip(scores, result.computed, strict=True) if not seen and score.reference_area]
    return replace(
        without_reference,
        dice=dice(mask, reference_stack),
        jaccard=jaccard(mask, reference_stack),
        dice_per_slice=dice_per_slice,
        jaccard_per_slice=jaccard_per_slice,
        reference_slices_not_computed=len(missed),
        reference_millilitres=np.count_nonzero(reference_stack) * millilitres_of_a_voxel,
    )


def write_csv(path: str | Path, rows: Sequence[SliceResult]) -> None:
    """Write the per-slice table; a column `object` comes first where a row belongs to a named object, and columns of
    distances and seconds last where any row has such.

    An undefined value is an empty cell: a slice that nobody computed has computed "false" and empty cells, an empty
    slice computed "true" and area 0. Numbers are written in full. Raises InputError where the file cannot be written.
    """
    columns = ((_OBJECT_COLUMN,) if any(row.object_name for row in rows) else ()) + _COLUMNS
    columns += tuple(name for name in _OPTIONAL_COLUMNS if any(getattr(row, name) is not None for row in rows))
    write_csv_rows(path, [columns, *([_cell(row, column) for column in columns] for row in rows)])


def read_csv(path: str | Path) -> list[SliceResult]:
    """Read a table that write_csv wrote. Raises InputError for anything else."""
    source = Path(path)
    try:
        check_ordinary(source)
        with source.open(encoding="utf-8-sig", newline="") as file:
            return [_row(cells) for cells in csv.DictReader(file, strict=True)]
    except OSError as error:
        raise InputError(f"{source} cannot be read: check the path.", detail=repr(error)) from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"{source.name} is not a table of slices written by PromptOnce. Choose another file.", detail=repr(error)
        ) from error


def _cell(row: SliceResult, column: str) -> str:
    if column == _OBJECT_COLUMN:
        return row.object_name
    if column == "computed":
        return "true" if row.computed else "false"
    value = getattr(row, column)
    return "" if value is None else repr(value)


def _row(cells: dict[str, str]) -> SliceResult:
    values: dict[str, Any] = {
        "slice": int(cells["slice"]),
        "computed": {"true": True, "false": False}[cells["computed"]],
    }
    for column in (*_COLUMNS[2:], *(name for name in _OPTIONAL_COLUMNS if name in cells)):
        number = int if column in _INTEGER_COLUMNS else float
        values[column] = number(cells[column]) if cells[column] != "" else None
    return SliceResult(**values, object_name=cells.get(_OBJECT_COLUMN) or "")


def _confidence(result: SegmentationResult, index: int, object_index: int | None) -> tuple[float | None, float | None]:
    """Presence and predicted IoU of one slice; None where the model gave no number."""
    if object_index is not None:
        return _finite(result.presence[object_index, index]), _finite(result.predicted_iou[object_index, index])
    presence = result.presence[:, index]
    present = presence >= PRESENT
    ious = result.predicted_iou[:, index]
    return _finite(presence.max()), _finite(ious[present].mean() if present.any() else ious.mean())


def _finite(value: np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
