"""What is compared in a study: Jaccard, Dice, Hausdorff distance; and their values taken out of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.rows import ArmRows, SliceRow

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A figure that every slice with reference has.

    key: its field in SliceRow. scale: what the field is multiplied with to be in `unit`, as shares are shown in
    percent.
    """

    key: str
    title: str
    unit: str
    scale: float
    higher_is_better: bool = True

    @property
    def axis_title(self) -> str:
        """Such as "Dice (%)"."""
        return f"{self.title} ({self.unit})"

    @property
    def difference_unit(self) -> str:
        """The unit of differences: percentage points for percent."""
        return "points" if self.unit == "%" else self.unit

    def of(self, row: SliceRow) -> float | None:
        """The figure of a slice in `unit`; None where it has none."""
        value: float | None = getattr(row, self.key)
        return None if value is None else value * self.scale


JACCARD = Measure("jaccard", "Jaccard index", "%", 100.0)
DICE = Measure("dice", "Dice score", "%", 100.0)
HAUSDORFF = Measure("hausdorff_mm", "Hausdorff distance", "mm", 1.0, higher_is_better=False)
MEASURES = (JACCARD, DICE, HAUSDORFF)
BY_METRIC = {"jaccard": JACCARD, "dice": DICE, "hausdorff": HAUSDORFF}
"""By the names that designs use."""


@dataclass(frozen=True)
class PairedValues:
    """A measure on the slices that two arms both have it for, in the same order.

    a, b: (n,) in the measure's unit. cases: of every slice.
    """

    cases: tuple[str, ...]
    a: Values
    b: Values

    @property
    def differences(self) -> Values:
        """B minus A, (n,)."""
        return self.b - self.a

    def by_case(self) -> PairedValues:
        """The means of every case: slices of one volume are not independent of each other, cases are."""
        names = tuple(dict.fromkeys(self.cases))
        of_case = np.array([names.index(case) for case in self.cases], dtype=np.intp)
        counts = np.bincount(of_case, minlength=len(names))
        a, b = (np.bincount(of_case, weights=side, minlength=len(names)) / counts for side in (self.a, self.b))
        return PairedValues(names, a, b)


def groups_of(arms: Iterable[ArmRows]) -> tuple[str, ...]:
    """The groups of all arms, in the order of their first row."""
    return tuple(dict.fromkeys(row.group for arm in arms for row in arm.rows))


def group_title(group: str) -> str:
    """What a group is called on a figure."""
    return group or "all cases"


def rows_of(arm: ArmRows, group: str | None = None) -> tuple[SliceRow, ...]:
    """The rows of an arm that belong to a group; of all groups for None."""
    return arm.rows if group is None else tuple(row for row in arm.rows if row.group == group)


def values_of(arm: ArmRows, measure: Measure, group: str | None = None) -> Values:
    """A measure of all slices of an arm that have it, (n,), in the measure's unit; n may be 0."""
    found = [measure.of(row) for row in rows_of(arm, group)]
    return np.array([value for value in found if value is not None], dtype=np.float64)


def needed_values_of(arm: ArmRows, measure: Measure, group: str | None = None) -> Values:
    """As values_of, but raises EmptyArmError where there is none."""
    values = values_of(arm, measure, group)
    if values.size == 0:
        place = "" if not group else f" in the group {group}"
        raise EmptyArmError(
            f"The arm {arm.name} has no slice{place} with a {measure.title}: run it on cases with references, or leave "
            "it out."
        )
    return values


def pairs_of(a: ArmRows, b: ArmRows, measure: Measure, group: str | None = None) -> PairedValues:
    """A measure on the slices that two arms share. Raises EmptyArmError where they share none."""
    of_a = {(row.group, row.case, row.slice): measure.of(row) for row in rows_of(a, group)}
    cases, left, right = [], [], []
    for row in rows_of(b, group):
        first, second = of_a.get((row.group, row.case, row.slice)), measure.of(row)
        if first is not None and second is not None:
            cases.append(row.case)
            left.append(first)
            right.append(second)
    if not cases:
        place = "" if not group else f" in the group {group}"
        raise EmptyArmError(
            f"The arms {a.name} and {b.name} have no slice in common{place} with a {measure.title}: a comparison needs "
            "the same cases in both."
        )
    return PairedValues(tuple(cases), np.array(left), np.array(right))


def shared_measures(arms: Sequence[ArmRows]) -> tuple[Measure, ...]:
    """The measures that every arm has values for."""
    return tuple(measure for measure in MEASURES if arms and all(values_of(arm, measure).size for arm in arms))
