"""What stands in the figures: boxes, lines and words are those of the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.segmentation.shape.measures import SliceShape
from PromptOnceLib.studies.figures.agreement import agreement_figure
from PromptOnceLib.studies.figures.along_volume import along_volume_figure, seed_choice_figure
from PromptOnceLib.studies.figures.deltas import deltas_figure, sorted_deltas_figure
from PromptOnceLib.studies.figures.paired_test import paired_test_figure
from PromptOnceLib.studies.figures.scatter import attributes_figure, size_figure
from PromptOnceLib.studies.figures.strategies import jitter_figure, strategies_figure
from PromptOnceLib.studies.figures.times import times_figure
from PromptOnceLib.studies.tables.arm_findings import MovedPrompts
from PromptOnceLib.studies.tables.arm_values import DICE, HAUSDORFF, JACCARD, pairs_of, values_of
from studies.sample_arms import GROUPS, SAM, SAM2, arm

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def levels(axes: Axes, width: float) -> list[float]:
    """Heights of the horizontal lines of this width: 1.6 for medians, 1.0 for means of boxes."""
    found = [line.get_ydata() for line in axes.lines if line.get_linewidth() == width and len(line.get_xdata()) == 2]
    return [float(heights[0]) for heights in found if heights[0] == heights[1]]  # type: ignore[index]


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def shown(axes: Any) -> list[Axes]:
    return [one for one in axes if one.axison]


def test_the_boxes_of_every_group_measure_and_arm_stand_at_their_medians_and_means() -> None:
    axes = shown(agreement_figure([SAM, SAM2]).figure.axes)
    assert [one.get_title(loc="left") for one in axes] == [f"{group}\n66 slices of 3 cases" for group in GROUPS]
    for one, group in zip(axes, GROUPS, strict=True):
        values = [values_of(item, measure, group) for measure in (JACCARD, DICE) for item in (SAM, SAM2)]
        assert len(one.patches) == 4
        assert levels(one, 1.6) == pytest.approx([np.median(item) for item in values])
        assert levels(one, 1.0) == pytest.approx([item.mean() for item in values])
        assert [tick.get_text() for tick in one.get_xticklabels()] == ["Jaccard index", "Dice score"]


def test_the_differences_of_the_means_are_printed_over_the_boxes_and_drawn_between_them() -> None:
    axes = agreement_figure([SAM, SAM2]).figure.axes[0]
    gains = [
        values_of(SAM2, measure, GROUPS[0]).mean() - values_of(SAM, measure, GROUPS[0]).mean()
        for measure in (JACCARD, DICE)
    ]
    assert words(axes) == [f"+{gain:.2f}" for gain in gains]
    upright = [line for line in axes.lines if line.get_linewidth() == 1.4]
    assert [float(np.ptp(np.asarray(line.get_ydata()))) for line in upright] == pytest.approx(gains)


def test_the_state_of_the_art_is_a_line_with_what_the_last_arm_lacks_to_it() -> None:
    best = {(GROUPS[1], "dice"): ("Owais et al.", 98.66), ("Montgomery", "dice"): ("Chen et al.", 98.88)}
    drawn = agreement_figure([SAM, SAM2], state_of_the_art=best)
    first, second = drawn.figure.axes
    lacking = 98.66 - values_of(SAM2, DICE, GROUPS[1]).mean()
    assert 1.3 not in [line.get_linewidth() for line in first.lines]
    assert levels(second, 1.3) == [98.66]
    assert words(second)[-1] == f"\N{MINUS SIGN}{lacking:.2f}"
    assert "(Owais et al.)" in drawn.caption


def test_few_values_get_a_box_without_a_notch() -> None:
    few = arm("few", cases=1, slices=5)
    boxes = agreement_figure([few], [DICE]).figure.axes[0].patches
    many = agreement_figure([SAM], [DICE]).figure.axes[0].patches
    assert len(boxes[0].get_path().vertices) < len(many[0].get_path().vertices)


def test_deltas_are_boxes_of_what_the_second_arm_gains() -> None:
    axes = deltas_figure(SAM, SAM2).figure.axes
    assert [one.get_title(loc="left") for one in axes] == ["Jaccard index", "Dice score"]
    gains = [pairs_of(SAM, SAM2, DICE, group).differences for group in GROUPS]
    assert levels(axes[1], 1.6) == pytest.approx([np.median(gain) for gain in gains])
    assert [tick.get_text() for tick in axes[1].get_xticklabels()] == [f"{group}\nn = 66" for group in GROUPS]
    assert [text.splitlines()[0] for text in words(axes[1])] == [f"mean +{gain.mean():.2f}" for gain in gains]


def test_arms_that_do_not_differ_are_drawn_as_such() -> None:
    axes = deltas_figure(SAM, replace(SAM, name="again")).figure.axes[0]
    low, high = axes.get_ylim()
    assert low < -0.4
    assert high > 0.4
    assert words(axes)[0] == "mean +0.00\n0 % beyond"


def test_sorted_deltas_say_how_many_slices_became_better() -> None:
    axes = sorted_deltas_figure(SAM, SAM2).figure.axes
    assert len(axes) == 4
    better = [np.mean(pairs_of(SAM, SAM2, m, group).differences > 0) for m in (JACCARD, DICE) for group in GROUPS]
    assert [words(one)[0] for one in axes] == [f"{100 * share:.0f} % better" for share in better]


def test_the_paired_test_shows_mean_interval_and_the_tests_of_slices_and_cases() -> None:
    axes = paired_test_figure(SAM, SAM2).figure.axes[2]
    pairs = pairs_of(SAM, SAM2, DICE, GROUPS[0])
    assert axes.get_title(loc="left") == "Coronacases, Dice score"
    heights = sum(patch.get_height() for patch in axes.patches if patch.get_x() != axes.patches[-1].get_x())  # type: ignore[attr-defined]
    mean = next(line for line in axes.lines if line.get_linewidth() == 1.6)
    assert float(np.asarray(mean.get_xdata())[0]) == pytest.approx(pairs.differences.mean())
    assert heights >= 60
    said = words(axes)[0].splitlines()
    t = stats.ttest_rel(pairs.b, pairs.a)
    low, high = t.confidence_interval()
    assert said[0] == f"66 slices: +{pairs.differences.mean():.2f} ({low:.2f} to {high:.2f})"
    assert said[2].startswith(f"3 cases: +{pairs.by_case().differences.mean():.2f}")


def test_the_paired_test_of_arms_that_do_not_differ_has_all_slices_in_the_middle() -> None:
    axes = paired_test_figure(SAM, replace(SAM, name="again")).figure.axes[2]
    bars = [patch for patch in axes.patches if patch.get_height() == 66]  # type: ignore[attr-defined]
    assert len(bars) == 1
    low, high = axes.get_xlim()
    assert low < -0.4
    assert high > 0.4


def test_agreement_against_size_prints_both_correlations() -> None:
    axes = size_figure(SAM).figure.axes[0]
    rows = [row for row in SAM.rows if row.group == GROUPS[0] and row.dice is not None]
    sizes, values = [row.reference_pixels for row in rows], [row.dice for row in rows]
    title = axes.get_title(loc="left").splitlines()
    assert title[0] == "Coronacases, n = 66"
    assert title[1].startswith(f"Pearson r = {stats.pearsonr(sizes, values).statistic:.2f} (")
    assert title[2].startswith(
        f"Spearman \N{GREEK SMALL LETTER RHO} = {stats.spearmanr(sizes, values).statistic:.2f} ("
    )
    assert len(np.asarray(axes.lines[0].get_xdata())) == 66
    assert axes.get_xscale() == "log"


def test_attributes_are_drawn_of_the_slices_whose_shape_is_known(rng: np.random.Generator) -> None:
    rows = [row for row in SAM.rows if row.dice is not None][:30]
    shapes = {
        (row.case, row.slice): SliceShape(row.reference_pixels, rng.random(), 30 * (row.dice or 0), rng.random())
        for row in rows
    }
    axes = attributes_figure(SAM, shapes).figure.axes
    assert [len(np.asarray(one.lines[0].get_xdata())) for one in axes] == [30] * 4
    contrast = axes[1]
    assert contrast.get_title(loc="left").startswith("Spearman \N{GREEK SMALL LETTER RHO} = 1.00 (")
    few = dict(list(shapes.items())[:3])
    assert {len(one.lines) for one in attributes_figure(SAM, few).figure.axes} == {1}, "too few for medians"
    with pytest.raises(EmptyArmError, match="no slice whose shape"):
        attributes_figure(SAM, {})


def test_strategies_stand_side_by_side_for_all_measures() -> None:
    arms = [
        replace(arm(f"{model}-{name}", strategy=name, seed=i), model=model)
        for model in ("sam_b", "sam_h")
        for i, name in enumerate(("S2", "S5", "S1"))
    ]
    figure = strategies_figure(arms, measures=(DICE, JACCARD, HAUSDORFF)).figure
    assert [one.get_ylabel() for one in figure.axes] == [
        "Dice score (%)",
        "Jaccard index (%)",
        "Hausdorff distance (mm)",
    ]
    assert [len(one.patches) for one in figure.axes] == [6, 6, 6]
    ticks = [tick.get_text().splitlines()[0] for tick in figure.axes[-1].get_xticklabels()]
    assert ticks == ["S1", "S2", "S5"]
    assert sorted(levels(figure.axes[2], 1.6)) == pytest.approx(
        sorted(float(np.median(values_of(item, HAUSDORFF))) for item in arms)
    )
    assert [text.get_text() for text in figure.legends[0].texts] == ["sam_b", "sam_h"]


def test_moved_prompts_are_curves_from_zero_through_the_mean_of_the_draws() -> None:
    moved = [
        MovedPrompts("sam_b", "S2", (0, 10), (2.0, 4.0)),
        MovedPrompts("sam_b", "S2", (10, 20), (7.0,)),
        MovedPrompts("sam_b", "S5", (10, 20), (9.0,)),
    ]
    axes = jitter_figure(moved).figure.axes[0]
    curves = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in axes.lines}
    assert curves["S2 1 point"] == [0.0, 3.0, 7.0]
    assert curves["S5 box"] == [0.0, 9.0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["none", "0\N{EN DASH}10", "10\N{EN DASH}20"]
    with pytest.raises(EmptyArmError, match="no loss to draw"):
        jitter_figure([])


def test_times_are_bars_of_what_was_measured() -> None:
    without = replace(SAM2, load_seconds=None)
    axes = times_figure([SAM, without]).figure.axes
    widths = [patch.get_width() for patch in axes[0].patches]  # type: ignore[attr-defined]
    embed = np.mean([row.embed_seconds or 0 for row in SAM.rows])
    assert widths == pytest.approx([embed, embed, 0.06, 0.06])
    assert words(axes[1]) == ["  1.500", "  not measured"]
    bare = tuple(replace(row, embed_seconds=None, prompt_seconds=None) for row in SAM.rows)
    with pytest.raises(EmptyArmError, match="measured times"):
        times_figure([replace(SAM, rows=bare)])


@pytest.mark.parametrize("make", [along_volume_figure, seed_choice_figure, size_figure])
def test_an_arm_without_values_is_named(make: Any) -> None:
    bare = replace(SAM, name="bare", rows=tuple(replace(row, dice=None) for row in SAM.rows))
    with pytest.raises(EmptyArmError, match="The arm bare has no slice in the group Coronacases with a Dice score"):
        make(bare)


@pytest.mark.parametrize("make", [deltas_figure, sorted_deltas_figure, paired_test_figure])
def test_arms_without_a_slice_in_common_are_named(make: Any) -> None:
    other = replace(SAM2, rows=tuple(replace(row, case=f"other {row.case}") for row in SAM2.rows))
    with pytest.raises(EmptyArmError, match="The arms SAM and SAM 2 have no slice in common"):
        make(SAM, other)
