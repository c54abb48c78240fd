"""The paired test as a picture: how the differences of two arms lie, their mean, and what is certain of it.

As the tests of figure 11 and table 5 of Prompt Once, with what lies behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from PromptOnceLib.studies.figures.style import QUIET, TEXT, StudyFigure, colour, in_house_style, light, panels
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.comparison import PairedComparison, paired
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    JACCARD,
    Measure,
    PairedValues,
    group_title,
    groups_of,
    pairs_of,
)
from PromptOnceLib.studies.tables.wording import between, p_value, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 41
_TOP = 0.6  # share of the height that the bars may take; the words stand above
_SHOWN = (1.0, 99.0)  # percentiles; what lies beyond is counted in the outermost bins


def compared(pairs: PairedValues) -> PairedComparison:
    """The paired comparison of two arms, on the slices and on the means of the cases."""
    return paired(pairs.a, pairs.b, pairs.cases)


@in_house_style
def paired_test_figure(
    a: ArmRows, b: ArmRows, measures: Sequence[Measure] = (JACCARD, DICE), name: str = "paired_test"
) -> StudyFigure:
    """Histograms of B minus A, a line for every measure, a column for every group, with mean, interval and tests.

    Raises EmptyArmError where the arms share no slice in a group, and InputError where matplotlib or scipy is not
    installed.
    """
    groups = groups_of((a, b))
    figure, axes = panels(len(measures), len(groups), 2.3 * len(measures) + 0.3)
    for row, measure in enumerate(measures):
        for column, group in enumerate(groups):
            one = axes[row * len(groups) + column]
            pairs = pairs_of(a, b, measure, group)
            _histogram(one, pairs.differences)
            _tests(one, compared(pairs), group, measure)
            if column == 0:
                one.set_ylabel("slices")
            one.set_xlabel(f"difference ({measure.difference_unit})")
    return StudyFigure(
        name,
        f"Paired comparison of {b.name} with {a.name}",
        f"How many slices differ by how much; right of zero {b.name} is better. Thick line: mean of the slices, the "
        "band its 95 % interval, which takes slices for independent. Diamond: mean of the cases with its 95 % "
        "interval, which does not. t: paired t-test; W: signed-rank test. Differences beyond the "
        "1st and 99th percentile are counted in the outermost bars.",
        figure,
    )


def _histogram(axes: Axes, differences: np.ndarray) -> None:
    low, high = (float(end) for end in np.percentile(differences, _SHOWN))
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    axes.hist(
        np.clip(differences, low, high),
        bins=np.linspace(low, high, _BINS).tolist(),
        color=light(colour(0), 0.5),
        edgecolor=colour(0),
        linewidth=0.4,
    )
    axes.axvline(0, ymax=_TOP, color=QUIET, linewidth=1.0)
    axes.set_ylim(0, axes.get_ylim()[1] / _TOP)
    axes.set_yticks(axes.get_yticks()[: len(axes.get_yticks()) // 2 + 1])


def _tests(axes: Axes, comparison: PairedComparison, group: str, measure: Measure) -> None:
    """Mean and intervals over the bars, and the tests in words."""
    mean, volumes = comparison.difference, comparison.volumes
    assert mean is not None  # pairs_of gives one pair at least
    if comparison.interval is not None:
        axes.axvspan(*comparison.interval, ymax=_TOP, color=colour(1), alpha=0.45, linewidth=0)
    axes.plot([mean, mean], [0, _TOP], color=TEXT, linewidth=1.6, transform=axes.get_xaxis_transform())
    lines = [
        f"{comparison.n} slices: {signed(mean)} ({between(comparison.interval)})",
        f"    t: p = {p_value(comparison.t_p)}, W: p = {p_value(comparison.wilcoxon_p)}",
    ]
    if volumes is not None and volumes.difference is not None:
        low, high = volumes.interval or (volumes.difference, volumes.difference)
        at = axes.get_xaxis_transform()
        axes.plot([low, high], [_TOP + 0.05] * 2, color=TEXT, linewidth=1.0, transform=at)
        axes.plot([volumes.difference], [_TOP + 0.05], "D", color=TEXT, markersize=4, transform=at)
        lines += [
            f"{volumes.n} cases: {signed(volumes.difference)} ({between(volumes.interval)})",
            f"    t: p = {p_value(volumes.t_p)}, W: p = {p_value(volumes.wilcoxon_p)}",
        ]
    axes.text(0.02, 0.985, "\n".join(lines), va="top", fontsize=6.5, transform=axes.transAxes)
    axes.set_title(f"{group_title(group)}, {measure.title}")
