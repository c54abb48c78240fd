"""The simulation of a cluster, and the count of cases that runners share."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.cluster import drawn_cases, measure, simulate


def test_one_worker_computes_one_case_after_the_other_and_reads_meanwhile() -> None:
    assert simulate(1, [10.0, 10.0, 10.0], 1.0) == 31.0


def test_a_disk_that_is_busy_limits_any_number_of_workers() -> None:
    assert simulate(100, [1.0] * 50, 2.0) == 101.0


def test_without_a_disk_equal_cases_are_shared_out() -> None:
    assert simulate(4, [3.0] * 8, 0.0) == 6.0


def test_drawn_cases_have_the_mean_asked_for() -> None:
    drawn = drawn_cases(500, 15.0, 0.6)
    assert statistics.fmean(drawn) == pytest.approx(15)
    assert max(drawn) > 3 * statistics.median(drawn)


def test_every_case_is_taken_once() -> None:
    assert measure(3, 20)[1]
