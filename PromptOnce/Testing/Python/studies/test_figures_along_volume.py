"""Figures along the volume: curves of cases, the choice of the prompted slice and its effect are those of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PromptOnceLib.studies.figures.along_volume import (
    POSITIONS,
    along_volume_figure,
    curve_of,
    position_means,
    seed_choice_figure,
    seed_effect_figure,
)
from PromptOnceLib.studies.tables.arm_values import DICE, values_of
from studies.sample_arms import GROUPS, SAM, arm

pytest.importorskip("scipy.stats", reason="scipy is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def test_a_curve_is_the_case_between_its_outermost_slices_and_nothing_beyond() -> None:
    rows = [row for row in SAM.rows if row.case == "coronacases_001"]
    curve = curve_of(rows, DICE)
    held = [row for row in rows if row.dice is not None]
    ends = [row.slice / 23 for row in (held[0], held[-1])]
    known = np.isfinite(curve)
    assert POSITIONS[known].min() == pytest.approx(ends[0], abs=0.5 / 23 + 0.01)
    assert POSITIONS[known].max() == pytest.approx(ends[1], abs=0.5 / 23 + 0.01)
    assert not known.all()
    at = [row.slice / 23 for row in held]
    inside = known & (ends[0] <= POSITIONS) & (ends[1] >= POSITIONS)
    assert curve[inside] == pytest.approx(np.interp(POSITIONS[inside], at, [100 * (row.dice or 0) for row in held]))


def test_a_case_of_one_slice_lies_in_the_middle() -> None:
    row = replace(SAM.rows[12], slice=0, slices=1, dice=0.9)
    curve = curve_of([row], DICE)
    assert curve[50] == pytest.approx(90)
    assert curve_of([replace(row, dice=None)], DICE)[50] != curve_of([replace(row, dice=None)], DICE)[50]


def test_along_the_volume_stand_all_cases_their_median_and_the_prompted_slices() -> None:
    one = arm("one prompt", method="propagate", start=0.25)
    axes = along_volume_figure(one).figure.axes[0]
    thin = [line for line in axes.lines if line.get_linewidth() == 0.4]
    thick = next(line for line in axes.lines if line.get_linewidth() == 1.8)
    curves = np.array([line.get_ydata() for line in thin])
    assert len(thin) == 3
    assert np.asarray(thick.get_ydata())[50] == pytest.approx(np.median(curves[:, 50]))
    prompted = next(line for line in axes.lines if line.get_marker() == "^")
    assert np.asarray(prompted.get_xdata()) == pytest.approx([5 / 23])
    each = along_volume_figure(SAM).figure.axes[0]
    assert not [line for line in each.lines if line.get_marker() == "^"]


def test_the_choice_of_the_prompted_slice_needs_most_cases_at_a_position() -> None:
    curves = np.full((3, 101), np.nan)
    curves[0], curves[1, 40:], curves[2, 60:] = 80.0, 90.0, 100.0
    means = position_means(curves)
    assert np.isnan(means[:40]).all()
    assert means[40:60] == pytest.approx(85.0)
    assert means[60:] == pytest.approx(90.0)


def test_the_choice_of_the_prompted_slice_marks_what_is_close_to_the_best() -> None:
    figure = seed_choice_figure(SAM).figure
    axes = figure.axes[0]
    assert [text.get_text() for text in figure.legends[0].texts] == [
        "within 2 points of the best position",
        "within 1 point of the best position",
        "mean of the cases",
        "mean of all slices",
        "central slice",
    ]
    assert len(axes.collections) == 2
    dotted = next(line for line in axes.lines if line.get_label() == "mean of all slices")
    assert float(np.asarray(dotted.get_ydata())[0]) == pytest.approx(values_of(SAM, DICE, GROUPS[0]).mean())


def test_the_effect_of_the_prompted_slice_is_a_mean_for_every_case_and_place() -> None:
    starts = (0.25, 0.5, 0.75)
    arms = [arm(f"at {start}", method="propagate", start=start, seed=i) for i, start in enumerate(starts)]
    axes = seed_effect_figure(arms).figure.axes[0]
    points = [line for line in axes.lines if str(line.get_label()).startswith("at ")]
    assert [np.unique(np.asarray(line.get_xdata())) for line in points] == [
        pytest.approx([int(start * 23) / 23]) for start in starts
    ]
    thick = next(line for line in axes.lines if line.get_linewidth() == 1.8)
    assert np.asarray(thick.get_ydata()) == pytest.approx([np.mean(np.asarray(line.get_ydata())) for line in points])
