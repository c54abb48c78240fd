"""The speed that a person sees, and the time left."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from PromptOnceLib.worker.progress import Progress


def after(times: Sequence[float], total: int) -> Progress:
    """Slices that were done at these times."""
    clock = iter(times)
    progress = Progress(lambda: next(clock))
    for done in range(1, len(times) + 1):
        progress.advance(done, total)
    return progress


def test_before_the_second_slice_nothing_is_claimed() -> None:
    for progress in (Progress(), after([40.0], 10)):
        assert progress.slices_per_second is None
        assert progress.seconds_left is None


def test_the_time_before_the_first_slice_does_not_count() -> None:
    progress = after([60.0, 60.5, 61.0], 11)
    assert (progress.done, progress.total) == (3, 11)
    assert progress.slices_per_second == pytest.approx(2)
    assert progress.seconds_left == pytest.approx(4)


def test_the_speed_is_that_of_the_last_slices() -> None:
    quick = [0.1 * k for k in range(50)]
    slow = [quick[-1] + 2.0 * k for k in range(1, 10)]
    assert after([*quick, *slow], 100).slices_per_second == pytest.approx(0.5, rel=0.01)


def test_slices_slower_than_the_window_have_a_speed_too() -> None:
    assert after([0, 20, 60, 80, 120], 8).seconds_left == pytest.approx(100)  # three slices took as long


def test_slices_read_at_once_after_a_pause_do_not_look_fast() -> None:
    steady = [0.1 * k for k in range(60)]
    read_late = [steady[-1] + 6.0] * 60  # six seconds in which nobody looked
    assert after([*steady, *read_late], 200).slices_per_second == pytest.approx(10, rel=0.05)
    assert after([7 + 0.001 * k for k in range(20)], 200).slices_per_second is None


def test_nothing_is_left_after_the_last_slice() -> None:
    assert after([0, 1, 2], 3).seconds_left == 0


def test_a_long_propagation_is_not_remembered_as_a_whole() -> None:
    progress = after([0.01 * k for k in range(5000)], 5000)
    assert len(progress._seen) < 600
