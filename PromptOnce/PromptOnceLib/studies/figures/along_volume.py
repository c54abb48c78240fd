"""Agreement from one end of the volumes to the other, which prompted slice it makes likely, and what the choice does.

As figure 5 of Prompt Once and the distributions of its section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from PromptOnceLib.batch.report.page import counted
from PromptOnceLib.studies.figures.style import (
    DASHES,
    MARKERS,
    QUIET,
    REFERENCE,
    TEXT,
    StudyFigure,
    colour,
    hide_from,
    in_house_style,
    light,
    panels,
)
from PromptOnceLib.studies.rows import ArmRows, SliceRow
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    Measure,
    Values,
    group_title,
    groups_of,
    needed_values_of,
    rows_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POSITIONS: Values = np.linspace(0.0, 1.0, 101)
"""Relative positions: 0 is the first slice of a volume, 1 the last."""
_FEWEST_FOR_BAND = 3
_CANDIDATES = ((2, "#f6ef9c"), (1, "#ebb23c"))  # points below the best position, and how they are marked


def curve_of(rows: Sequence[SliceRow], measure: Measure) -> Values:
    """A measure of one case at POSITIONS, (101,): linear between its slices, NaN beyond those that have the measure."""
    points = sorted((relative(row), value) for row in rows if (value := measure.of(row)) is not None)
    if not points:
        return np.full(POSITIONS.shape, np.nan)
    at, values = np.array(points).T
    # Half a slice beyond the outermost ones: a position belongs to the slice that is nearest to it.
    reach = 0.5 / max(rows[0].slices - 1, 1)
    inside = (at[0] - reach <= POSITIONS) & (at[-1] + reach >= POSITIONS)
    return np.where(inside, np.interp(POSITIONS, at, values), np.nan)


def relative(row: SliceRow) -> float:
    """Where a slice lies in its volume, 0 to 1; the only slice of an image lies in the middle."""
    return row.slice / (row.slices - 1) if row.slices > 1 else 0.5


def curves_of(arm: ArmRows, measure: Measure, group: str | None = None) -> Values:
    """The curves of all cases of a group that have the measure, (cases, 101). Raises EmptyArmError where none has."""
    needed_values_of(arm, measure, group)
    cases: dict[str, list[SliceRow]] = {}
    for row in rows_of(arm, group):
        cases.setdefault(row.case, []).append(row)
    curves = [curve_of(rows, measure) for rows in cases.values()]
    return np.array([curve for curve in curves if np.isfinite(curve).any()])


@in_house_style
def along_volume_figure(arm: ArmRows, measure: Measure = DICE, name: str = "along_volume") -> StudyFigure:
    """A panel for every group: a thin line for every case, median and middle half over them, and the prompted slices.

    Raises EmptyArmError where a group has no values, and InputError where matplotlib is not installed.
    """
    groups = groups_of([arm])
    figure, axes = _panels(len(groups))
    for one, group in zip(axes, groups, strict=False):
        curves = curves_of(arm, measure, group)
        one.plot(POSITIONS, curves.T, color=QUIET, linewidth=0.4, alpha=0.55)
        _middle(one, curves)
        prompted = sorted({relative(row) for row in rows_of(arm, group) if row.prompted})
        if arm.method == "propagate" and prompted:
            one.axvline(float(np.median(prompted)), color=TEXT, linestyle=DASHES[1], linewidth=1.0)
            one.plot(
                prompted, [0.015] * len(prompted), "^", color=TEXT, markersize=4, transform=one.get_xaxis_transform()
            )
        one.set_title(f"{group_title(group)}, {counted(len(curves), 'case')}")
    _finish(axes, groups, measure)
    prompt = " Triangles: prompted slices, the dashed line at their median." if arm.method == "propagate" else ""
    return StudyFigure(
        name,
        f"{measure.title} along the volume, {arm.name}",
        "Position 0 is the first slice of a volume and 1 the last, so that volumes with different numbers of slices "
        "lie over each other. Thin lines: cases; thick line: their median; band: their middle half, where at least "
        f"{_FEWEST_FOR_BAND} cases have the position.{prompt}",
        figure,
    )


@in_house_style
def seed_choice_figure(arm: ArmRows, measure: Measure = DICE, name: str = "seed_choice") -> StudyFigure:
    """Where in a volume a prompted slice should lie: the mean of every position of an arm that prompts every slice.

    Two bands mark positions whose mean over the cases is at most 1 and 2 points below the best one. Only positions that
    more than half of the cases have count. Errors as for along_volume_figure.
    """
    groups = groups_of([arm])
    figure, axes = _panels(len(groups))
    for one, group in zip(axes, groups, strict=False):
        curves = curves_of(arm, measure, group)
        mean = position_means(curves)
        for margin, tone in _CANDIDATES:
            near = mean >= np.nanmax(mean) - margin
            label = f"within {counted(margin, 'point')} of the best position"
            at = one.get_xaxis_transform()
            one.fill_between(POSITIONS, 0, 1, where=near, color=tone, linewidth=0, transform=at, label=label)
        one.plot(POSITIONS, mean, color=TEXT, linewidth=1.4, label="mean of the cases")
        level = float(needed_values_of(arm, measure, group).mean())
        one.axhline(level, color=REFERENCE, linestyle=DASHES[2], label="mean of all slices")
        one.axvline(0.5, color=colour(0), linewidth=1.2, label="central slice")
        one.set_title(f"{group_title(group)}, {counted(len(curves), 'case')}")
    _finish(axes, groups, measure)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return StudyFigure(
        name,
        f"Choice of the prompted slice: {measure.title} by position, {arm.name}",
        "Every slice has its own prompt here. A slice that is segmented well by itself is a good one to begin at: the "
        "bands show where the mean of the cases comes close to its best.",
        figure,
    )


@in_house_style
def seed_effect_figure(arms: Sequence[ArmRows], measure: Measure = DICE, name: str = "seed_effect") -> StudyFigure:
    """What the place of the prompted slice does: a case's mean over its slices against where its prompt lay.

    arms: the same cases propagated from different slices. Errors as for along_volume_figure.
    """
    groups = groups_of(arms)
    figure, axes = _panels(len(groups))
    for one, group in zip(axes, groups, strict=False):
        cases: dict[str, list[tuple[float, float]]] = {}
        means = []
        for place, arm in enumerate(arms):
            needed_values_of(arm, measure, group)
            points = _prompt_and_mean(arm, measure, group)
            for case, point in points.items():
                cases.setdefault(case, []).append(point)
            at, values = np.array(list(points.values())).T
            one.plot(at, values, MARKERS[place % len(MARKERS)], color=colour(place), markersize=4, label=arm.name)
            means.append((float(at.mean()), float(values.mean())))
        for line in cases.values():
            one.plot(*np.array(sorted(line)).T, color=QUIET, linewidth=0.4, zorder=0)
        one.plot(*np.array(sorted(means)).T, color=TEXT, linewidth=1.8, zorder=3)
        one.set_title(f"{group_title(group)}, {counted(len(cases), 'case')}")
    _finish(axes, groups, measure, "relative position of the prompted slice")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(arms)))
    return StudyFigure(
        name,
        f"Effect of the prompted slice's place on {measure.title}",
        "A point is the mean over the slices of one case, propagated from one prompted slice; thin lines join the "
        "points of a case, the thick line the means of the arms.",
        figure,
    )


def position_means(curves: Values) -> Values:
    """The mean of curves (cases, 101) at every position, (101,); NaN where half of the cases or fewer have it."""
    known = np.isfinite(curves)
    enough = known.sum(axis=0) * 2 > len(curves)
    total = np.where(known, curves, 0.0).sum(axis=0)
    return np.where(enough, total / np.maximum(known.sum(axis=0), 1), np.nan)


def _prompt_and_mean(arm: ArmRows, measure: Measure, group: str) -> dict[str, tuple[float, float]]:
    """By case the position of its prompted slice, and its mean; cases without either are left out."""
    prompted: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    for row in rows_of(arm, group):
        if row.prompted:
            prompted.setdefault(row.case, []).append(relative(row))
        value = measure.of(row)
        if value is not None:
            values.setdefault(row.case, []).append(value)
    return {case: (float(np.mean(prompted[case])), float(np.mean(values[case]))) for case in values if case in prompted}


def _middle(axes: Axes, curves: Values) -> None:
    """Median over the cases, and their middle half."""
    known = np.isfinite(curves).sum(axis=0)
    low, middle, high = np.full((3, POSITIONS.size), np.nan)
    for place in np.flatnonzero(known):
        there = curves[np.isfinite(curves[:, place]), place]
        low[place], middle[place], high[place] = np.percentile(there, (25, 50, 75))
    band = known >= _FEWEST_FOR_BAND
    axes.fill_between(POSITIONS, low, high, where=band, color=light(colour(0), 0.45), alpha=0.7, linewidth=0)
    axes.plot(POSITIONS, middle, color=colour(0), linewidth=1.8, zorder=3)


def _panels(groups: int) -> tuple[Figure, list[Axes]]:
    columns = min(3, groups)
    lines = -(-groups // columns)
    figure, axes = panels(lines, columns, 2.4 * lines + 0.4, same_y=True)
    hide_from(axes, groups)
    return figure, axes


def _finish(
    axes: Sequence[Axes], groups: Sequence[str], measure: Measure, title: str = "relative position in the volume"
) -> None:
    columns = min(3, len(groups))
    for place, one in enumerate(axes[: len(groups)]):
        one.set_xlim(0, 1)
        one.set_xlabel(title)
        if place % columns == 0:
            one.set_ylabel(measure.axis_title)
