"""The phantom: repeatable, in HU, and anatomically where it should be."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Volume

SMALL = (24, 96, 96)


@pytest.fixture(scope="module")
def default() -> tuple[Volume, np.ndarray]:
    """The phantom as it is when nothing is asked for, and its labels."""
    return chest_phantom()


def organ_slices(labels: np.ndarray, *names: str) -> np.ndarray:
    """Indices k of the slices that hold one of the organs."""
    return np.flatnonzero(np.isin(labels, [LABELS[name] for name in names]).any(axis=(1, 2)))


def test_the_default_phantom_is_a_small_ct_in_the_usual_orientation(default: tuple[Volume, np.ndarray]) -> None:
    volume, labels = default
    assert volume.array.shape == labels.shape == (40, 256, 256)
    assert (volume.array.dtype, labels.dtype) == (np.int16, np.uint8)
    assert volume.modality == "CT"
    assert volume.geometry.spacing == pytest.approx((1.4, 1.4, 2.5))
    assert volume.geometry.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert set(np.unique(labels)) == {0, *LABELS.values()}


def test_the_same_seed_gives_the_same_voxels_and_another_seed_another_patient() -> None:
    first, first_labels = chest_phantom(3, SMALL)
    again, again_labels = chest_phantom(3, SMALL)
    other, other_labels = chest_phantom(4, SMALL)
    assert np.array_equal(first.array, again.array)
    assert np.array_equal(first_labels, again_labels)
    assert not np.array_equal(first.array, other.array)
    assert not np.array_equal(first_labels, other_labels)


SEEDS = [seed if seed < 2 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(8)]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_lungs_begin_and_end_inside_the_volume_and_fill_its_middle(seed: int) -> None:
    _, labels = chest_phantom(seed, (40, 64, 64))
    for lung in ("right lung", "left lung"):
        slices = organ_slices(labels, lung)
        assert slices[0] > 0
        assert slices[-1] < 39
        assert np.array_equal(slices, np.arange(slices[0], slices[-1] + 1))
        assert (labels[20] == LABELS[lung]).mean() > 0.05


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_the_organs_lie_where_they_belong(seed: int) -> None:
    _, labels = chest_phantom(seed, SMALL)
    centre = {name: np.argwhere(labels == label).mean(axis=0) for name, label in LABELS.items()}
    # Columns run to the patient's left, rows to the back, slices to the head.
    assert centre["right lung"][2] < SMALL[2] / 2 < centre["left lung"][2]
    assert centre["liver"][2] < SMALL[2] / 2 < centre["spleen"][2]
    assert SMALL[2] / 2 < centre["heart"][2]
    assert centre["heart"][1] < SMALL[1] / 2 < centre["spleen"][1]
    assert centre["liver"][0] < centre["heart"][0]
    assert organ_slices(labels, "liver")[-1] < organ_slices(labels, "right lung")[-1]


def test_the_tissues_have_the_hu_values_of_a_ct(default: tuple[Volume, np.ndarray]) -> None:
    volume, labels = default
    medians = {name: np.median(volume.array[labels == label]) for name, label in LABELS.items()}
    assert -900 < medians["right lung"] < -800
    assert -900 < medians["left lung"] < -800
    assert 80 < medians["liver"] < 130
    assert 80 < medians["heart"] < 180
    assert 140 < medians["aorta"] < 190
    assert np.median(volume.array[:, :20]) == pytest.approx(-1000, abs=15)
    assert (volume.array > 300).mean() > 0.002


def test_lungs_hold_vessels_and_their_border_is_blurred(default: tuple[Volume, np.ndarray]) -> None:
    volume, labels = default
    lung = volume.array[np.isin(labels, (1, 2))]
    assert 0.005 < (lung > -300).mean() < 0.1
    assert 0.02 < ((lung > -750) & (lung < -300)).mean() < 0.2


def test_there_is_noise_and_more_of_it_in_the_body_than_in_air(default: tuple[Volume, np.ndarray]) -> None:
    volume, labels = default
    liver = volume.array[labels == LABELS["liver"]]
    air = volume.array[:, :20]
    assert 8 < (np.percentile(liver, 84) - np.percentile(liver, 16)) / 2 < 25
    assert 2 < air.std() < 12


def test_another_shape_shows_the_same_patient_with_other_voxels() -> None:
    coarse, coarse_labels = chest_phantom(0, (20, 64, 96))
    fine, fine_labels = chest_phantom(0, (40, 128, 192))
    assert coarse.geometry.spacing == pytest.approx(tuple(2 * step for step in fine.geometry.spacing))
    for name, label in LABELS.items():
        litres = [
            (labels == label).sum() * np.prod(volume.geometry.spacing) / 1e6
            for volume, labels in ((coarse, coarse_labels), (fine, fine_labels))
        ]
        assert litres[0] == pytest.approx(litres[1], rel=0.15), name


def test_the_volume_is_centred_on_the_patient() -> None:
    volume, _ = chest_phantom(0, SMALL)
    matrix = volume.geometry.ijk_to_lps()
    middle = matrix @ [*[(n - 1) / 2 for n in volume.geometry.size], 1]
    assert middle[:3] == pytest.approx((0, 0, 0), abs=1e-9)
