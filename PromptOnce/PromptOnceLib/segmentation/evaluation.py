"""A segmentation against a reference, object by object: which belong together, and how well they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.imaging.stack import parse_axis, slices_along
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.io import DICOM_SUFFIX, keeps_names
from PromptOnceLib.segmentation.metrics import Summary, dice, jaccard, slice_scores, summarise, surface_figures
from PromptOnceLib.segmentation.object_labels import parse_objects, read_objects, segment_choice
from PromptOnceLib.segmentation.reference import grid_of, read_reference
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.segmentation.segment import Labels

TOLERANCE = 2.0
"""mm, of the surface Dice where none is chosen."""


class ObjectEvaluation(StrictModel):
    """One object of a result against that of a reference; figures that are not defined are None.

    millilitres: of the result, None for pictures. hausdorff, hausdorff95, average_distance (ASSD): mm. surface_dice: at
    the tolerance. dice_per_slice, jaccard_per_slice: over the slices that hold the reference, as in the papers.
    missing: the result has no such object, which counts as an empty one.
    """

    name: str
    missing: bool
    millilitres: float | None
    reference_millilitres: float | None
    dice: float | None
    jaccard: float | None
    hausdorff_mm: float | None
    hausdorff95_mm: float | None
    hausdorff_pixels: float | None
    hausdorff95_pixels: float | None
    surface_dice: float | None
    average_distance_mm: float | None
    dice_per_slice: Summary | None
    jaccard_per_slice: Summary | None


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The figures of an object, and its table of slices."""

    figures: ObjectEvaluation
    rows: list[SliceResult]


@dataclass(frozen=True, eq=False)
class _Side:
    """A file's objects. joined: they are one, as labels without names were chosen. named: their names are known."""

    objects: list[Labels]
    joined: bool
    named: bool

    def together(self) -> Labels:
        if len(self.objects) == 1:
            return self.objects[0]
        whole = np.zeros(self.objects[0].array.shape, bool)
        for item in self.objects:
            whole |= item.holding != 0
        return Labels(whole, "all objects")


def evaluate_files(
    result: str,
    reference: str,
    axis: str = "auto",
    tolerance: float = TOLERANCE,
    together: bool = False,
    notify: Callable[[str], None] = lambda notice: None,
) -> Iterator[Evaluated]:
    """Compare FILE[:LABEL[=NAME],...] with FILE[:LABEL[=NAME],...] on the result's grid, one object after the other.

    A DICOM segmentation, which has no slices without an object, counts as empty on the further ones of the reference.

    Objects belong together by their names or, where one of the files has none, by their numbers; one object alone on
    each side belongs to the other. Labels that are chosen without names make one object, which is compared with all of
    the other side. together: all objects of both as one. axis: of the slices, as parse_axis takes it. tolerance: mm.

    What the reference has and the result lacks counts as empty; what the reference lacks is left out with a notice.
    Raises SegmentationFileError, GeometryError, InputError; SegmentationFileError where no objects belong together.
    """
    wanted = parse_objects(result)
    grid = grid_of(wanted.path, wanted.labels)
    if wanted.path.suffix.lower() == DICOM_SUFFIX:
        compared = parse_objects(reference)
        grid = _with_slices_of(grid, grid_of(compared.path, compared.labels))
    choice = parse_axis(axis, grid)
    ours, theirs = _side(result, grid, notify), _side(reference, grid, notify)
    if together or ours.joined or theirs.joined:
        pairs: list[tuple[Labels | None, Labels]] = [(ours.together(), theirs.together())]
    else:
        pairs = _matched(ours, theirs, notify)
    for mine, true in pairs:
        yield _evaluated(mine, true, grid, choice.axis, tolerance)


def _with_slices_of(grid: Geometry, other: Geometry) -> Geometry:
    """A grid with more slices along k, as far as another one reaches that lies about it; as it is where none does."""
    to_ijk = np.linalg.inv(grid.ijk_to_lps())
    corners = other.corners() @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    lowest, highest = corners.min(0).round().astype(int), corners.max(0).round().astype(int)
    if (highest < 0).any() or (lowest >= grid.size).any():
        return grid
    before, last = max(0, -lowest[2]), max(grid.size[2] - 1, highest[2])
    x, y, z = (float(value) for value in (grid.ijk_to_lps() @ [0, 0, -before, 1])[:3])
    return replace(grid, size=(*grid.size[:2], int(before + last + 1)), origin=(x, y, z))


def _side(text: str, grid: Geometry, notify: Callable[[str], None]) -> _Side:
    choice = parse_objects(text)
    if choice.names:
        return _Side(read_objects(text, grid, notify), joined=False, named=True)
    if choice.labels is not None:
        return _Side([Labels(read_reference(choice.path, grid, choice.labels, notify))], joined=True, named=False)
    if keeps_names(choice.path):
        return _Side(segment_choice(choice, grid, notify), joined=False, named=True)
    array = read_reference(choice.path, grid, None, notify)
    labels = [int(value) for value in np.unique(array) if value]
    return _Side([Labels(array, f"label {value}", (value,)) for value in labels], joined=False, named=False)


def _matched(ours: _Side, theirs: _Side, notify: Callable[[str], None]) -> list[tuple[Labels | None, Labels]]:
    if len(ours.objects) == len(theirs.objects) == 1:
        name = (theirs if theirs.named and not ours.named else ours).objects[0].name
        return [(ours.objects[0], _renamed(theirs.objects[0], name))]
    if not theirs.objects:
        raise SegmentationFileError("The reference holds no object.")
    if not ours.objects:
        notify("The result is empty.")
        return [(None, item) for item in theirs.objects]
    mine, true = _keys(ours, theirs), _keys(theirs, ours)
    if not mine.keys() & true.keys():
        raise SegmentationFileError(
            f"No objects belong together: the result has {_listed(ours)}, the reference {_listed(theirs)}. Name them "
            "alike, FILE:LABEL=NAME, or compare all of them as one."
        )
    extra = [item.name for key, item in mine.items() if key not in true]
    if extra:
        notify(f"Not in the reference, and left out: {', '.join(extra)}.")
    lacking = [item.name for key, item in true.items() if key not in mine]
    if lacking:
        notify(f"Not in the result, and counted as empty: {', '.join(lacking)}.")
    named = _keys(theirs, ours) if theirs.named else _keys(ours, theirs)
    names = {key: item.name for key, item in named.items()}
    return [(mine.get(key), _renamed(item, names.get(key, item.name))) for key, item in true.items()]


def _keys(side: _Side, other: _Side) -> dict[str | int, Labels]:
    """The objects by their names where both sides have such, else by their numbers.

    Upper and lower case count where the names of one side differ in them alone.
    """
    if side.named and other.named:
        sides = ([item.name.casefold() for item in one.objects] for one in (side, other))
        exact = any(len(set(names)) < len(names) for names in sides)
        return {item.name if exact else item.name.casefold(): item for item in side.objects}
    if side.named:
        return dict(enumerate(side.objects, start=1))
    return {item.values[0] if item.values else 0: item for item in side.objects}


def _renamed(item: Labels, name: str) -> Labels:
    return Labels(item.array, name, item.values)


def _listed(side: _Side) -> str:
    return ", ".join(item.name for item in side.objects[:8]) or "none"


def _evaluated(mine: Labels | None, true: Labels, grid: Geometry, axis: int, tolerance: float) -> Evaluated:
    truth = true.holding != 0
    mask: Array = np.zeros_like(truth) if mine is None else mine.holding != 0
    scores = slice_scores(slices_along(mask, axis), slices_along(truth, axis))
    in_mm, in_pixels = surface_figures(mask, truth, grid.spacing, tolerance), surface_figures(mask, truth)
    has_volume = 1 not in grid.shape
    millilitres = float(np.prod(grid.spacing) / 1000)
    per_slice = summarise(scores)
    figures = ObjectEvaluation(
        name=true.name,
        missing=mine is None,
        millilitres=np.count_nonzero(mask) * millilitres if has_volume else None,
        reference_millilitres=np.count_nonzero(truth) * millilitres if has_volume else None,
        dice=dice(mask, truth),
        jaccard=jaccard(mask, truth),
        hausdorff_mm=None if in_mm is None else in_mm.maximum,
        hausdorff95_mm=None if in_mm is None else in_mm.percentile95,
        hausdorff_pixels=None if in_pixels is None else in_pixels.maximum,
        hausdorff95_pixels=None if in_pixels is None else in_pixels.percentile95,
        surface_dice=None if in_mm is None else in_mm.agreeing,
        average_distance_mm=None if in_mm is None else in_mm.average,
        dice_per_slice=per_slice[0],
        jaccard_per_slice=per_slice[1],
    )
    rows = [
        SliceResult(k, True, s.area, None, None, s.dice, s.jaccard, s.reference_area, true.name)
        for k, s in enumerate(scores)
    ]
    return Evaluated(figures, rows)
