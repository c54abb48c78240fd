"""Figures of benchmarks.effort: what each strategy took on each object, and the tables made from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.effort_strategies import Step
from training.evaluation.markdown import markdown_table

MOST_INTERACTIONS = 20
TARGETS = (0.80, 0.85, 0.90)
_SHOWN = (1, 2, 3, 5, 10)


@dataclass(frozen=True)
class Trajectory:
    """One strategy on one object, until the highest target or the last interaction.

    group: the data set. steps: one an interaction.
    """

    strategy: str
    group: str
    name: str
    slices: int
    steps: tuple[Step, ...]

    def dice(self, interactions: int) -> float:
        """Of the volume after so many interactions; who had finished by then keeps what there was."""
        return self.steps[min(interactions, len(self.steps)) - 1].dice

    def needed(self, target: float) -> int | None:
        """Interactions until the volume's Dice reached the target; None where it never did."""
        return next((number for number, step in enumerate(self.steps, start=1) if step.dice >= target), None)

    @property
    def mean_dice(self) -> float:
        """Over the first ten interactions."""
        return math.fsum(self.dice(number) for number in range(1, 11)) / 10

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Trajectory:
        """What as_json gave."""
        return cls(**{**values, "steps": tuple(Step(**step) for step in values["steps"])})

    def as_json(self) -> dict[str, Any]:
        """All there is, for a file."""
        return asdict(self)


def cost(found: Sequence[Trajectory], target: float) -> float:
    """Mean number of interactions to a target, 20 where it was missed."""
    return _mean(found, lambda one: one.needed(target) or MOST_INTERACTIONS)


def table(found: Sequence[Trajectory]) -> str:
    """Markdown: a line a strategy, means over objects."""
    head = ["strategy", "objects"]
    head += [f"to {target:.2f} (missed)" for target in TARGETS]
    head += [f"Dice after {number}" for number in _SHOWN]
    head += ["mean Dice, 1 to 10", "slices computed", "seconds", "marks", "accepted untouched"]
    lines = []
    for strategy, own in by(found, lambda one: one.strategy).items():
        line = [strategy, str(len(own))]
        for target in TARGETS:
            missed = sum(one.needed(target) is None for one in own) / len(own)
            line.append(f"{cost(own, target):.1f} ({100 * missed:.0f} %)")
        line += [f"{_mean(own, lambda one, n=number: one.dice(n)):.3f}" for number in _SHOWN]  # type: ignore[misc]
        line.append(f"{_mean(own, lambda one: one.mean_dice):.3f}")
        line.append(f"{_mean(own, lambda one: sum(step.computed for step in one.steps)):.0f}")
        line.append(f"{_mean(own, lambda one: sum(step.seconds for step in one.steps)):.1f}")
        line.append(f"{_mean(own, lambda one: sum(step.marks for step in one.steps)):.1f}")
        line.append(f"{_mean(own, lambda one: sum(step.untouched for step in one.steps)):.1f}")
        lines.append(line)
    return markdown_table(head, lines)


def sets_table(found: Sequence[Trajectory], target: float) -> str:
    """Markdown: mean interactions to a target, a line a data set, a column a strategy."""
    strategies = list(by(found, lambda one: one.strategy))
    lines = []
    for group, own in by(found, lambda one: one.group).items():
        each = by(own, lambda one: one.strategy)
        counts = {len(trajectories) for trajectories in each.values()}
        cells = [f"{cost(each[strategy], target):.1f}" if strategy in each else "" for strategy in strategies]
        lines.append([group, "/".join(map(str, sorted(counts))), *cells])
    return markdown_table(["set", "objects", *strategies], lines)


def by(found: Sequence[Trajectory], key: Callable[[Trajectory], str]) -> dict[str, list[Trajectory]]:
    """Trajectories by a name, in the order of the first of each."""
    groups: dict[str, list[Trajectory]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return groups


def _mean(found: Sequence[Trajectory], value: Callable[[Trajectory], float]) -> float:
    return float(np.mean([value(one) for one in found]))
