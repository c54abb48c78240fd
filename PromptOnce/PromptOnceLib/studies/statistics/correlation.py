"""Whether one measure goes with another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.studies.statistics.given import Given, Numbers, complete, same, scipy_stats

_FEWEST = 3


@dataclass(frozen=True)
class Coefficient:
    """value: from -1 to 1. interval: with the probability 0.95, None for too few values. p: two-sided, for none."""

    value: float
    interval: tuple[float, float] | None
    p: float


@dataclass(frozen=True)
class Correlation:
    """Of `n` pairs; `left_out` lacked a value. note: why there is no coefficient, else "".

    pearson: how far the values lie on a line; its interval by Fisher's z. spearman: the same of their ranks, so how far
    one grows with the other; its interval by Fisher's z with Bonett and Wright's variance (2000).
    """

    n: int
    left_out: int
    pearson: Coefficient | None
    spearman: Coefficient | None
    note: str = ""


@dataclass(frozen=True)
class PartialCorrelation:
    """Correlation of the ranks of two measures, less what the ranks of others explain of both.

    As Huang et al. use it (table 6): Spearman's partial correlation; p by Student's t with n - 2 - k degrees of
    freedom, k the number of other measures. note: why there is no coefficient, else "".
    """

    n: int
    left_out: int
    spearman: Coefficient | None
    note: str = ""


def correlation(x: Given, y: Given) -> Correlation:
    """Correlation of values (n,) with others, place by place; pairs with a missing value are left out.

    Raises InputError for infinite values and for different numbers of values.
    """
    (first, second), there = complete(x, y)
    left_out = int((~there).sum())
    note = _problem((first, second), _FEWEST)
    if note:
        return Correlation(len(first), left_out, None, None, note)
    stats = scipy_stats()
    ranks = stats.rankdata(first), stats.rankdata(second)
    pearson = _coefficient(_pearson(first, second), len(first))
    value = _pearson(*ranks)
    spearman = _coefficient(value, len(first), 1 + value**2 / 2)
    return Correlation(len(first), left_out, pearson, spearman)


def partial_rank_correlation(x: Given, y: Given, others: Sequence[Given]) -> PartialCorrelation:
    """Rank correlation of values (n,) with others, less what goes with further measures, each (n,).

    Places with a missing value in any of them are left out. Raises InputError for infinite values and for different
    numbers of values.
    """
    columns, there = complete(x, y, *others)
    left_out, n = int((~there).sum()), len(columns[0])
    note = _problem(columns, len(others) + _FEWEST)
    if note:
        return PartialCorrelation(n, left_out, None, note)
    ranks = [scipy_stats().rankdata(column) for column in columns]
    explained = np.column_stack([np.ones(n), *ranks[2:]])
    rest = [column - explained @ np.linalg.lstsq(explained, column, rcond=None)[0] for column in ranks[:2]]
    # Ranks are of the order of n: what is left far below that is rounding.
    if any(np.abs(column).max() < 1e-9 * n for column in rest):
        return PartialCorrelation(n, left_out, None, "The other measures explain one of the two fully.")
    value = _pearson(*rest)
    return PartialCorrelation(n, left_out, _coefficient(value, n, 1 + value**2 / 2, len(others)))


def _problem(columns: Sequence[Numbers], fewest: int) -> str:
    if len(columns[0]) < fewest:
        return f"{len(columns[0])} values are too few for a correlation: it takes {fewest}."
    if any(same(column) for column in columns):
        return "One of the measures is the same everywhere: nothing can go with it."
    return ""


def _pearson(x: Numbers, y: Numbers) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x / np.linalg.norm(x)) @ (y / np.linalg.norm(y)), -1, 1))


def _coefficient(value: float, n: int, variance: float = 1.0, others: int = 0) -> Coefficient:
    """variance: of Fisher's z, by n - 3 - others."""
    degrees = n - 2 - others
    if abs(value) == 1.0:
        return Coefficient(value, (value, value) if degrees > 1 else None, 0.0)
    p = 2 * float(scipy_stats().t.sf(abs(value) * math.sqrt(degrees / (1 - value**2)), degrees))
    if degrees < 2:
        return Coefficient(value, None, p)
    margin = float(scipy_stats().norm.ppf(0.975)) * math.sqrt(variance / (degrees - 1))
    centre = math.atanh(value)
    return Coefficient(value, (math.tanh(centre - margin), math.tanh(centre + margin)), p)
