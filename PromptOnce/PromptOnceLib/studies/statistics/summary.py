"""The distribution of one measure: mean with its interval, spread, quartiles, and the box that is drawn of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.studies.statistics.given import Given, Numbers, as_numbers, scipy_stats

_WHISKERS = 1.5  # quartile ranges
_NOTCH = 1.57  # quartile ranges by the root of n (McGill, Tukey, Larsen 1978)


@dataclass(frozen=True)
class Distribution:
    """A measure of `n` slices or volumes; `missing` more had none.

    sd: of the sample (n - 1). interval: of the mean, from Student's t with n - 1 degrees of freedom, with the
    probability `confidence`; it takes the values for independent. What too few values do not give is None.
    """

    n: int
    missing: int
    mean: float | None
    sd: float | None
    minimum: float | None
    q1: float | None
    median: float | None
    q3: float | None
    maximum: float | None
    interval: tuple[float, float] | None
    confidence: float


@dataclass(frozen=True)
class BoxStatistics:
    """What a box plot shows of values, by matplotlib's rules.

    The whiskers end at the last values within 1.5 quartile ranges of the box; values beyond are `outliers`. notch: the
    median and 1.57 quartile ranges by the root of n to either side, about its interval of 95 %.
    """

    n: int
    mean: float
    q1: float
    median: float
    q3: float
    whiskers: tuple[float, float]
    notch: tuple[float, float]
    outliers: tuple[float, ...]


def summary(values: Given, confidence: float = 0.95) -> Distribution:
    """Distribution of values (n,); None and NaN are counted as missing. Raises InputError for infinite values."""
    numbers = as_numbers(values)
    missing = int(np.isnan(numbers).sum())
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        return Distribution(0, missing, None, None, None, None, None, None, None, None, confidence)
    q1, median, q3 = np.percentile(numbers, (25, 50, 75))
    return Distribution(
        n=numbers.size,
        missing=missing,
        mean=float(numbers.mean()),
        sd=float(numbers.std(ddof=1)) if numbers.size > 1 else None,
        minimum=float(numbers.min()),
        q1=float(q1),
        median=float(median),
        q3=float(q3),
        maximum=float(numbers.max()),
        interval=mean_interval(numbers, confidence),
        confidence=confidence,
    )


def mean_interval(numbers: Numbers, confidence: float = 0.95) -> tuple[float, float] | None:
    """Confidence interval of the mean of values (n,), from Student's t; None for fewer than two."""
    if numbers.size < 2:
        return None
    margin = float(scipy_stats().t.ppf((1 + confidence) / 2, numbers.size - 1))
    margin *= float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    mean = float(numbers.mean())
    return mean - margin, mean + margin


def box_statistics(values: Given) -> BoxStatistics | None:
    """The box of values (n,), missing ones left out; None where there is none. Raises InputError for infinite ones."""
    numbers = as_numbers(values)
    numbers = np.sort(numbers[~np.isnan(numbers)])
    if not numbers.size:
        return None
    q1, median, q3 = (float(value) for value in np.percentile(numbers, (25, 50, 75)))
    reach = _WHISKERS * (q3 - q1)
    within = numbers[(numbers >= q1 - reach) & (numbers <= q3 + reach)]
    # Between two values a quartile may have no value on its outer side within reach: the whisker then ends at the box.
    low, high = min(float(within[0]), q1), max(float(within[-1]), q3)
    half = _NOTCH * (q3 - q1) / math.sqrt(numbers.size)
    return BoxStatistics(
        n=numbers.size,
        mean=float(numbers.mean()),
        q1=q1,
        median=median,
        q3=q3,
        whiskers=(low, high),
        notch=(median - half, median + half),
        outliers=tuple(float(value) for value in numbers[(numbers < low) | (numbers > high)]),
    )
