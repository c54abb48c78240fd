"""What statistics are made from: numbers, of which some may be missing, and scipy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError

Numbers = NDArray[np.float64]
Given = Sequence[float | None] | NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
"""Values as callers have them: None or NaN is a missing one."""


def as_numbers(values: Given) -> Numbers:
    """Values (n,) as float64 with NaN for missing ones. Raises InputError for infinite values and other shapes."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if numbers.ndim != 1:
        raise InputError(f"Statistics need a list of numbers, not an array of shape {numbers.shape}.")
    if np.isinf(numbers).any():
        raise InputError("Statistics need finite numbers: an infinite one is among them.")
    return numbers


def complete(*columns: Given) -> tuple[tuple[Numbers, ...], NDArray[np.bool_]]:
    """Columns without the places at which any of them misses a value, and which places (n,) stayed.

    Raises InputError for columns of different lengths.
    """
    numbers = [as_numbers(column) for column in columns]
    lengths = {len(column) for column in numbers}
    if len(lengths) > 1:
        raise InputError(f"Values that belong together are of different number: {sorted(lengths)}.")
    there: NDArray[np.bool_] = np.logical_not(np.isnan(np.stack(numbers)).any(axis=0))
    return tuple(column[there] for column in numbers), there


def same(values: Iterable[float]) -> bool:
    """Whether all values are one, but for what rounding leaves."""
    numbers = np.array(list(values), dtype=np.float64)
    return bool(np.ptp(numbers) <= 1e-12 * max(np.abs(numbers).max(), 1e-300)) if numbers.size else True


def scipy_stats() -> Any:
    """The module scipy.stats. Raises InputError where scipy is not installed."""
    try:
        from scipy import stats
    except ImportError as error:
        raise InputError('Statistics need scipy: pip install "promptonce[study]".', detail=repr(error)) from error
    return stats
