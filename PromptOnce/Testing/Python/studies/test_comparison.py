"""Paired comparisons against scipy on random data, and against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.statistics.comparison import MOST_FOR_SHAPIRO, PairedComparison, adjusted, paired

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")


@pytest.mark.parametrize("count", [3, 12, 300])
def test_the_tests_are_those_of_scipy(rng: np.random.Generator, count: int) -> None:
    a = rng.beta(8, 2, count)
    b = np.clip(a + rng.normal(0.02, 0.05, count), 0, 1)
    found = paired(a, b)
    t, wilcoxon = stats.ttest_rel(b, a), stats.wilcoxon(b, a)
    shapiro = stats.shapiro(b - a)
    assert (found.t, found.t_p) == pytest.approx((t.statistic, t.pvalue))
    assert found.interval == pytest.approx(tuple(t.confidence_interval()))
    assert (found.wilcoxon, found.wilcoxon_p) == pytest.approx((wilcoxon.statistic, wilcoxon.pvalue))
    assert (found.shapiro, found.shapiro_p) == pytest.approx((shapiro.statistic, shapiro.pvalue))
    assert found.normal == (shapiro.pvalue > 0.05)
    assert found.cohens_dz == pytest.approx(t.statistic / math.sqrt(count))


def test_four_pairs_worked_out_by_hand() -> None:
    found = paired([1, 2, 3, 4], [3, 3, 2, 8])
    # Differences 2, 1, -1, 4: mean 1.5, sum of squares about it 13.
    assert (found.n, found.mean_a, found.mean_b, found.difference) == (4, 2.5, 4.0, 1.5)
    assert found.sd == pytest.approx(math.sqrt(13 / 3))
    assert found.t == pytest.approx(1.5 / math.sqrt(13 / 3 / 4))
    assert found.cohens_dz == pytest.approx(1.5 / math.sqrt(13 / 3))
    # Ranks of 1, 1, 2, 4 are 1.5, 1.5, 3, 4; only one of the first two speaks for a.
    assert found.rank_biserial == pytest.approx((8.5 - 1.5) / 10)
    assert found.wilcoxon == 1.5


def test_pairs_without_a_value_are_left_out() -> None:
    found = paired([1, None, 3, 4, 5], [2, 2, float("nan"), 6, 5])
    assert (found.n, found.left_out) == (3, 2)
    assert found.difference == pytest.approx(1.0)
    assert found == paired([1, 4, 5], [2, 6, 5]).__class__(**{**vars(paired([1, 4, 5], [2, 6, 5])), "left_out": 2})


@pytest.mark.parametrize(
    ("a", "b", "note"),
    [
        ([], [], "No pair"),
        ([None], [1.0], "No pair"),
        ([0.5], [0.6], "too few"),
        ([0.5, 0.5], [0.6, 0.7], "too few"),
        ([0.5, 0.6, 0.7], [0.5, 0.6, 0.7], "All differences are zero"),
        ([0.5, 0.6, 0.7], [0.6, 0.7, 0.8], "All differences are the same"),
    ],
)
def test_what_cannot_be_tested_is_none_and_said(a: list[float | None], b: list[float], note: str) -> None:
    found = paired(a, b)
    assert (found.t, found.t_p, found.shapiro, found.shapiro_p, found.cohens_dz) == (None,) * 5
    assert any(note in sentence for sentence in found.notes)
    assert not any(isinstance(value, float) and math.isnan(value) for value in vars(found).values())


def test_equal_arms_differ_by_zero_and_have_no_effect_in_ranks() -> None:
    found = paired([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert (found.difference, found.interval) == (0.0, (0.0, 0.0))
    assert (found.rank_biserial, found.wilcoxon_p) == (None, None)


def test_differences_far_from_normal_are_said(rng: np.random.Generator) -> None:
    few, many = rng.exponential(size=40), rng.exponential(size=400)
    assert any("in doubt" in note for note in paired(np.zeros(40), few**3).notes)
    assert any("holds all the same" in note for note in paired(np.zeros(400), many).notes)


def test_normality_of_very_many_differences_is_left_open(rng: np.random.Generator) -> None:
    values = rng.normal(size=MOST_FOR_SHAPIRO + 1)
    found = paired(np.zeros(values.size), values)
    assert found.shapiro == pytest.approx(1, abs=0.01)
    assert (found.shapiro_p, found.normal) == (None, None)
    assert any(str(MOST_FOR_SHAPIRO) in note for note in found.notes)


def test_slices_of_one_volume_count_once_in_the_comparison_of_volumes(rng: np.random.Generator) -> None:
    volumes = np.repeat(["one", "two", "three", "four"], 50)
    a = rng.normal(size=200)
    b = a + np.repeat([0.3, -0.2, 0.25, 0.1], 50) + rng.normal(0, 0.01, 200)
    found = paired(a, b, volumes.tolist())
    means = [[values[volumes == name].mean() for name in ("one", "two", "three", "four")] for values in (a, b)]
    assert found.volumes == paired(*means)
    assert (found.n, found.volumes and found.volumes.n) == (200, 4)
    assert any("200 slices lie in 4 volumes" in note for note in found.notes)
    assert found.t_p is not None
    assert found.volumes is not None
    assert found.volumes.t_p is not None
    assert found.t_p < 0.001 < 0.05 < found.volumes.t_p


def test_volumes_of_one_slice_each_need_no_second_comparison() -> None:
    found = paired([1, 2, 3], [2, 2, 5], ["a", "b", "c"])
    assert found == paired([1, 2, 3], [2, 2, 5])


def test_lists_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError, match="different number"):
        paired([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="names of their volumes"):
        paired([1, 2], [1, 2], ["a"])


def test_holm_is_worked_out_by_hand() -> None:
    # 0.01 by 4, 0.02 by 3, 0.03 by 2, 0.04 by 1; none below the one before.
    assert adjusted([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx((0.06, 0.04, None, 0.06, 0.06))
    assert adjusted([0.9, 0.8]) == (1.0, 1.0)
    assert adjusted([]) == ()
    with pytest.raises(InputError):
        adjusted([1.2])


def test_t_of_the_paper_has_the_p_that_it_prints() -> None:
    """Table 5 of Prompt Once, whose t is rounded: the p between the two ends of the rounding holds the printed one."""
    for t, p, pairs in ((-9.00, 4.72e-19, 2156), (-5.60, 2.97e-8, 817), (-0.68, 0.498, 138), (-0.76, 0.447, 138)):
        low, high = (2 * stats.t.sf(abs(t) + half, pairs - 1) for half in (0.005, -0.005))
        assert low < p < high


def test_a_comparison_says_whether_the_differences_pass_for_normal() -> None:
    assert PairedComparison(3, 0, shapiro_p=0.06).normal is True
    assert PairedComparison(3, 0, shapiro_p=0.04).normal is False
