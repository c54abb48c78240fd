"""Correlations against scipy on random data, and against formulas worked out otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.statistics.correlation import correlation, partial_rank_correlation

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")


@pytest.mark.parametrize("count", [4, 30, 500])
def test_pearson_and_spearman_are_those_of_scipy(rng: np.random.Generator, count: int) -> None:
    x = rng.normal(size=count)
    y = np.round(0.5 * x + rng.normal(size=count), 1)  # with ties
    found = correlation(x, y)
    pearson, spearman = stats.pearsonr(x, y), stats.spearmanr(x, y)
    assert found.pearson is not None
    assert found.spearman is not None
    assert (found.pearson.value, found.pearson.p) == pytest.approx((pearson.statistic, pearson.pvalue))
    assert found.pearson.interval == pytest.approx(tuple(pearson.confidence_interval()))
    assert (found.spearman.value, found.spearman.p) == pytest.approx((spearman.statistic, spearman.pvalue))
    r = spearman.statistic
    margin = 1.959964 * math.sqrt((1 + r**2 / 2) / (count - 3))
    assert found.spearman.interval == pytest.approx(
        (math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin)), abs=1e-6
    )


def test_the_interval_of_spearman_covers_the_true_value_about_as_often_as_it_says(rng: np.random.Generator) -> None:
    true = 6 / math.pi * math.asin(0.5 / 2)  # Spearman's of a normal pair with Pearson's 0.5
    hits = 0
    for _ in range(300):
        x = rng.normal(size=60)
        found = correlation(x, 0.5 * x + math.sqrt(0.75) * rng.normal(size=60)).spearman
        assert found is not None
        assert found.interval is not None
        hits += found.interval[0] < true < found.interval[1]
    assert 0.91 < hits / 300 < 0.99


@pytest.mark.parametrize(
    ("x", "y", "note"),
    [
        ([1, 2], [3, 4], "too few"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "the same everywhere"),
        ([1, None, 2, float("nan")], [1, 2, 3, 4], "too few"),
    ],
)
def test_what_has_no_correlation_says_why(x: list[float | None], y: list[float], note: str) -> None:
    found = correlation(x, y)
    assert (found.pearson, found.spearman) == (None, None)
    assert note in found.note


def test_values_on_a_line_have_a_coefficient_of_one() -> None:
    found = correlation([1, 2, 3, 4, None], [2, 4, 6, 8, 3])
    assert (found.n, found.left_out) == (4, 1)
    assert found.pearson is not None
    assert (found.pearson.value, found.pearson.interval, found.pearson.p) == (1.0, (1.0, 1.0), 0.0)
    assert correlation([1, 2, 3], [1, 2, 4]).spearman is not None


def test_partial_correlation_is_that_of_the_inverse_correlation_matrix(rng: np.random.Generator) -> None:
    third, fourth = rng.normal(size=(2, 80))
    x = third + 0.5 * rng.normal(size=80)
    y = third - fourth + 0.5 * rng.normal(size=80)
    found = partial_rank_correlation(x, y, [third, fourth])
    ranks = np.array([stats.rankdata(column) for column in (x, y, third, fourth)])
    inverse = np.linalg.inv(np.corrcoef(ranks))
    expected = -inverse[0, 1] / math.sqrt(inverse[0, 0] * inverse[1, 1])
    assert found.spearman is not None
    assert found.spearman.value == pytest.approx(expected)
    assert found.spearman.p == pytest.approx(2 * stats.t.sf(abs(expected) * math.sqrt(76 / (1 - expected**2)), 76))
    plain = correlation(x, y).spearman
    assert plain is not None
    assert plain.value > 0.3 > abs(found.spearman.value)


def test_without_others_the_partial_correlation_is_the_plain_one(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 40))
    plain, partial = correlation(x, y).spearman, partial_rank_correlation(x, y, []).spearman
    assert plain is not None
    assert partial is not None
    assert (plain.value, plain.p, *(plain.interval or ())) == pytest.approx(
        (partial.value, partial.p, *(partial.interval or ()))
    )


def test_what_another_measure_explains_fully_has_no_partial_correlation(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 40))
    assert "explain" in partial_rank_correlation(x, y, [2 * x + 1]).note
    assert "too few" in partial_rank_correlation([1, 2, 3], [2, 1, 3], [[1, 3, 2]]).note


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="different number"):
        correlation([1, 2, 3], [1, 2])
