"""Which cases are learned from and which are looked at; and what their figures say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import TrainingError
from PromptOnceLib.models.model_card import BeforeAndAfter, MeanWithInterval, Role, TrainingSettings

_RESAMPLES = 2000
_FEWEST_CASES = 5  # below, resampling cases says little: there are hardly any other samples of them

Floats = NDArray[np.float64]


def split_cases(groups: Sequence[str], settings: TrainingSettings) -> list[Role]:
    """What each case is for. groups: cases of one group, such as a patient, stay together; "" is a case by itself.

    Each part gets its share of the groups, rounded, and at least one; which, the random seed decides. Raises
    TrainingError where there are too few groups.
    """
    keys = [group or f"case {number}" for number, group in enumerate(groups)]
    names = sorted(set(keys))
    order = np.random.default_rng(settings.random_seed).permutation(len(names))
    counts: dict[Role, int] = {"validation": max(1, round(settings.validation * len(names)))}
    counts["test"] = max(1, round(settings.test * len(names))) if settings.test else 0
    if sum(counts.values()) >= len(names):
        what = "groups of cases (patients)" if any(groups) else "cases with a reference"
        raise TrainingError(
            f"{len(names)} {what} cannot be split: {counts['validation']} to validate with, {counts['test']} to test "
            "with, and at least one to learn from are needed. Give more cases, or smaller shares."
        )
    roles: dict[str, Role] = {names[place]: "training" for place in order}
    for place in order[: counts["validation"]]:
        roles[names[place]] = "validation"
    for place in order[counts["validation"] : sum(counts.values())]:
        roles[names[place]] = "test"
    return [roles[key] for key in keys]


def compared(role: Role, before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> BeforeAndAfter:
    """Figures of the cases of one role. before, after: Dice by case and mask.

    The intervals are percentiles of means of resampled cases with all their masks (cluster bootstrap) or, where these
    are too few, of resampled masks. Random numbers are the same at each call.
    """
    over: Literal["cases", "masks"] = "cases" if len(before) >= _FEWEST_CASES else "masks"
    old, new = ([np.asarray(values, np.float64) for values in side] for side in (before, after))
    gain = [b - a for a, b in zip(old, new, strict=True)]
    return BeforeAndAfter(
        role=role,
        cases=len(old),
        masks=sum(map(len, old)),
        before=_interval(old, over),
        after=_interval(new, over),
        gain=_interval(gain, over),
        over=over,
    )


def _interval(values: Sequence[Floats], over: Literal["cases", "masks"]) -> MeanWithInterval:
    """values: by case."""
    units = list(values) if over == "cases" else [np.array([value]) for case in values for value in case]
    sums, counts = np.array([unit.sum() for unit in units]), np.array([unit.size for unit in units])
    drawn = np.random.default_rng(0).integers(len(units), size=(_RESAMPLES, len(units)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return MeanWithInterval(mean=float(sums.sum() / counts.sum()), low=float(low), high=float(high))
