"""Which slices a propagation is about, by its settings."""

from __future__ import annotations

from typing import Any

import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.worker.requests import Settings
from worker.seeds import disk_seed


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        (Settings(), range(10)),
        (Settings(2, 8), range(2, 9)),
        (Settings(2, None, "forward"), range(5, 10)),
        (Settings(2, 8, "backward"), range(2, 6)),
        (Settings(5, 5), range(5, 6)),
    ],
)
def test_a_propagation_comes_to_the_slices_of_its_range_in_its_direction(settings: Settings, reached: range) -> None:
    assert settings.reached(disk_seed(5), 10) == reached
    assert set(reached) <= set(settings.within(10))


@pytest.mark.parametrize("settings", [Settings(3, 2), Settings(0, 10), Settings(-1, 4), Settings(10)])
def test_a_range_that_is_not_in_the_stack_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="does not lie in the slices 0 to 9"):
        settings.within(10)


def test_a_range_without_the_prompted_slice_is_refused() -> None:
    with pytest.raises(InputError, match="has to hold the prompted slice 5"):
        Settings(6, 8).reached(disk_seed(5), 10)


@pytest.mark.parametrize("area", [-1, 1.5, "2", None])
def test_an_area_of_holes_that_is_none_is_refused(area: Any) -> None:
    with pytest.raises(InputError, match="number of pixels, from 0"):
        Settings(fill_hole_area=area)


def test_a_zoom_is_taken_as_a_user_writes_it() -> None:
    assert [Settings(zoom=zoom).zoom for zoom in (" Auto", "OFF", "2", 2)] == ["auto", "off", 2.0, 2.0]  # type: ignore[arg-type]
