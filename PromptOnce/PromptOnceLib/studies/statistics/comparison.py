"""Two arms on the same slices: the difference, whether chance explains it, and how large it is."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.statistics.given import Given, Numbers, complete, same, scipy_stats
from PromptOnceLib.studies.statistics.summary import mean_interval

FEWEST_PAIRS = 3
"""Fewer pairs are described, not tested."""

MOST_FOR_SHAPIRO = 5000
"""Above, the p-value of Shapiro and Wilk's test is not accurate, as scipy says: it is left out."""

_NORMAL_ABOVE = 0.05
_MANY = 100  # pairs


@dataclass(frozen=True)
class PairedComparison:
    """Values of arm b against those of arm a on the same `n` slices or volumes; `left_out` had no value in one of them.

    Differences are b less a: positive where b is larger. interval: of the mean difference, from Student's t, with the
    probability 0.95. t, t_p: paired t-test with n - 1 degrees of freedom, two-sided. shapiro, shapiro_p: Shapiro and
    Wilk's test that the differences are normal, which the t-test takes for granted of few pairs; shapiro_p is None for
    more than 5000. wilcoxon, wilcoxon_p: signed-rank test, two-sided, which needs no normal differences, only
    symmetrical ones; differences of zero are left out of it. cohens_dz: mean difference by its standard deviation.
    rank_biserial: share of the ranks in favour of b less the share in favour of a, from -1 to 1.
    notes: sentences about what could not be computed, or what it rests on. volumes: the same comparison on the means of
    the volumes, where it was said which slice lies in which. What cannot be computed is None.
    """

    n: int
    left_out: int
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None
    sd: float | None = None
    interval: tuple[float, float] | None = None
    t: float | None = None
    t_p: float | None = None
    shapiro: float | None = None
    shapiro_p: float | None = None
    wilcoxon: float | None = None
    wilcoxon_p: float | None = None
    cohens_dz: float | None = None
    rank_biserial: float | None = None
    notes: tuple[str, ...] = ()
    volumes: PairedComparison | None = None

    @property
    def normal(self) -> bool | None:
        """Whether the differences pass for normal (p above 0.05); None where that was not tested."""
        return None if self.shapiro_p is None else self.shapiro_p > _NORMAL_ABOVE


def paired(a: Given, b: Given, volumes: Sequence[Hashable] | None = None) -> PairedComparison:
    """Comparison of values (n,) of two arms, place by place; pairs with a missing value (None, NaN) are left out.

    volumes: the volume of every slice (n,); then `PairedComparison.volumes` compares the means of the volumes.
    Raises InputError for infinite values and for different numbers of values.
    """
    (first, second), there = complete(a, b)
    if volumes is None:
        return _compared(first, second, int((~there).sum()))
    if len(volumes) != len(there):
        raise InputError(f"There are {len(there)} values, but {len(volumes)} names of their volumes.")
    of_volumes: dict[Hashable, list[int]] = {}
    for place, volume in enumerate(volume for volume, stays in zip(volumes, there, strict=True) if stays):
        of_volumes.setdefault(volume, []).append(place)
    means = [np.array([values[places].mean() for places in of_volumes.values()]) for values in (first, second)]
    clustered = len(of_volumes) < len(first)
    note = (
        f"The {len(first)} slices lie in {len(of_volumes)} volumes. Slices of a volume are alike, so tests that take "
        "them for independent give p-values that are too small; the comparison of the volumes' means counts every "
        "volume once.",
    )
    return _compared(
        first,
        second,
        int((~there).sum()),
        note if clustered else (),
        _compared(means[0], means[1], len(set(volumes)) - len(of_volumes)) if clustered else None,
    )


def adjusted(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """p-values of several tests corrected for their number by Holm's method, in their order.

    None stays None and does not count. Raises InputError for a value outside 0..1.
    """
    known = [(p, place) for place, p in enumerate(p_values) if p is not None]
    if any(not 0 <= p <= 1 for p, _ in known):
        raise InputError("A p-value lies between 0 and 1.")
    found: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(sorted(known)):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        found[place] = highest
    return tuple(found)


def _compared(
    a: Numbers, b: Numbers, left_out: int, notes: tuple[str, ...] = (), volumes: PairedComparison | None = None
) -> PairedComparison:
    """Comparison of complete pairs."""
    if not a.size:
        return PairedComparison(0, left_out, notes=(*notes, "No pair has a value in both arms."), volumes=volumes)
    differences = b - a
    found = PairedComparison(
        n=a.size,
        left_out=left_out,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=float(differences.mean()),
        sd=float(differences.std(ddof=1)) if a.size > 1 else None,
        interval=mean_interval(differences),
        rank_biserial=_rank_biserial(differences),
        notes=notes,
        volumes=volumes,
    )
    if a.size < FEWEST_PAIRS:
        return _noted(found, f"{a.size} pairs are too few for a test: it takes {FEWEST_PAIRS}.")
    if not differences.any():
        return _noted(found, "All differences are zero: the arms are equal, and there is nothing to test.")
    found = _with_signed_ranks(found, differences)
    if same(differences):
        return _noted(found, "All differences are the same: their spread is zero, so there is no t-test.")
    return _with_normality(_with_student(found, differences), differences)


def _noted(found: PairedComparison, *sentences: str) -> PairedComparison:
    return replace(found, notes=(*found.notes, *sentences))


def _with_student(found: PairedComparison, differences: Numbers) -> PairedComparison:
    result = scipy_stats().ttest_1samp(differences, 0.0)
    effect = float(differences.mean() / differences.std(ddof=1))
    return replace(found, t=float(result.statistic), t_p=float(result.pvalue), cohens_dz=effect)


def _with_normality(found: PairedComparison, differences: Numbers) -> PairedComparison:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many values, which the note says
        statistic, p = (float(value) for value in scipy_stats().shapiro(differences))
    if found.n > MOST_FOR_SHAPIRO:
        return _noted(
            replace(found, shapiro=statistic),
            f"For more than {MOST_FOR_SHAPIRO} differences Shapiro and Wilk's test has no accurate p-value.",
        )
    found = replace(found, shapiro=statistic, shapiro_p=p)
    if found.normal:
        return found
    consequence = (
        f"of {found.n} pairs the t-test holds all the same, as means of many values are close to normal"
        if found.n >= _MANY
        else f"of {found.n} pairs the t-test is in doubt"
    )
    return _noted(
        found,
        f"The differences are not normal (Shapiro and Wilk, p = {p:.2g}): {consequence}; the signed-rank test stands "
        "beside it.",
    )


def _with_signed_ranks(found: PairedComparison, differences: Numbers) -> PairedComparison:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few values with ties, for which it is approximate
        result = scipy_stats().wilcoxon(differences, zero_method="wilcox")
    return replace(found, wilcoxon=float(result.statistic), wilcoxon_p=float(result.pvalue))


def _rank_biserial(differences: Numbers) -> float | None:
    """Matched-pairs rank-biserial correlation (Kerby 2014); None where no difference is left."""
    moved = differences[differences != 0]
    if not moved.size:
        return None
    ranks = scipy_stats().rankdata(np.abs(moved))
    return float(ranks @ np.sign(moved) / ranks.sum())
