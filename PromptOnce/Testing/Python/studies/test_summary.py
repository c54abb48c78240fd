"""Summaries and boxes against scipy, matplotlib and numbers worked out by hand."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.statistics.given import as_numbers, scipy_stats
from PromptOnceLib.studies.statistics.summary import Distribution, box_statistics, mean_interval, summary

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")


def test_a_summary_of_five_numbers_is_what_one_works_out_by_hand() -> None:
    found = summary([2.0, None, 4.0, 4.0, float("nan"), 5.0, 10.0])
    assert (found.n, found.missing) == (5, 2)
    assert (found.mean, found.minimum, found.q1, found.median, found.q3, found.maximum) == (5, 2, 4, 4, 5, 10)
    assert found.sd == pytest.approx(3.0)  # squares 9, 1, 1, 0, 25 sum to 36, by 4
    assert found.interval is not None
    # Student's t of 4 degrees of freedom is 2.776 at 97.5 %.
    assert found.interval == pytest.approx((5 - 2.776445 * 3 / math.sqrt(5), 5 + 2.776445 * 3 / math.sqrt(5)), abs=1e-5)


def test_the_interval_is_that_of_scipy(rng: np.random.Generator) -> None:
    values = rng.beta(8, 2, 57)
    error = values.std(ddof=1) / np.sqrt(57)
    assert mean_interval(values, 0.9) == pytest.approx(stats.t.interval(0.9, 56, values.mean(), error))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Distribution(0, 0, None, None, None, None, None, None, None, None, 0.95)),
        ([None, float("nan")], Distribution(0, 2, None, None, None, None, None, None, None, None, 0.95)),
        ([0.5], Distribution(1, 0, 0.5, None, 0.5, 0.5, 0.5, 0.5, 0.5, None, 0.95)),
        ([0.5, 0.5, 0.5], Distribution(3, 0, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, (0.5, 0.5), 0.95)),
    ],
)
def test_what_too_few_values_do_not_give_is_none(values: list[float | None], expected: Distribution) -> None:
    assert summary(values) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 200])
def test_the_box_is_the_one_matplotlib_draws(rng: np.random.Generator, count: int) -> None:
    cbook = pytest.importorskip("matplotlib.cbook", reason="matplotlib is not installed")
    values = rng.beta(12, 1, count)
    values[: count // 20] = rng.uniform(0, 0.2, count // 20)
    theirs, ours = cbook.boxplot_stats(values)[0], box_statistics(values)
    assert ours is not None
    assert (ours.mean, ours.q1, ours.median, ours.q3) == pytest.approx([theirs[k] for k in ("mean", "q1", "med", "q3")])
    assert (*ours.whiskers, *ours.notch) == pytest.approx([theirs[k] for k in ("whislo", "whishi", "cilo", "cihi")])
    assert sorted(ours.outliers) == pytest.approx(sorted(theirs["fliers"]))


def test_a_box_of_nothing_is_none() -> None:
    assert box_statistics([None]) is None


def test_infinite_values_and_tables_are_refused() -> None:
    with pytest.raises(InputError, match="infinite"):
        summary([0.5, math.inf])
    with pytest.raises(InputError, match="shape"):
        as_numbers(np.zeros((2, 2)))


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(InputError, match=r"pip install .*promptonce\[study\]"):
        scipy_stats()
