"""Phantoms: repeatable, anatomically where they should be, and with the organs their targets name."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms import draw, draw_difficult, draw_thin_slices
from training.phantoms.head import draw_head
from training.phantoms.limb import draw_limb
from training.phantoms.radiograph import LEFT_LUNG, RIGHT_LUNG, draw_radiograph
from training.phantoms.shapes import draw_shapes
from training.phantoms.torso import draw_torso
from training.phantoms.torso_organs import COLUMN, Organ
from training.pool import make_pool, read_pool

SHAPE = (16, 96, 96)
FAMILIES = {"torso": draw_torso, "head": draw_head, "limb": draw_limb, "radiograph": draw_radiograph}


def test_a_seed_gives_the_same_phantom_again_and_another_seed_another():
    first, again, other = draw(5, SHAPE), draw(5, SHAPE), draw(6, SHAPE)

    assert np.array_equal(first.labels, again.labels)
    assert first.targets == again.targets
    assert first.labels.shape != other.labels.shape or not np.array_equal(first.labels, other.labels)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_family_holds_most_of_what_its_targets_name(family, seed):
    phantom = FAMILIES[family](np.random.default_rng(seed), SHAPE)

    present = [t for t in set(phantom.targets) if np.isin(phantom.labels, t).any()]

    assert phantom.family == family
    assert len(present) >= 0.4 * len(set(phantom.targets))


def test_the_lungs_lie_left_and_right_of_the_heart_above_the_liver():
    labels = draw_torso(np.random.default_rng(3), (32, 96, 96), span=(0.0, 1.0)).labels

    middle = {organ: np.argwhere(labels == organ).mean(0) for organ in (Organ.RIGHT_LUNG, Organ.LEFT_LUNG, Organ.HEART)}
    liver = np.argwhere(labels == Organ.LIVER).mean(0)

    assert middle[Organ.RIGHT_LUNG][2] < middle[Organ.HEART][2] < middle[Organ.LEFT_LUNG][2]
    assert liver[0] < middle[Organ.RIGHT_LUNG][0]
    assert liver[2] < 48  # the patient's right


def test_lungs_are_as_dark_as_air_in_hounsfield_units_and_bone_is_bright():
    densities = draw_torso(np.random.default_rng(0), SHAPE).densities

    assert densities is not None
    assert densities[0] == -1000
    assert densities[Organ.RIGHT_LUNG] < -600
    assert densities[Organ.BONE] > 300


def test_a_radiograph_shows_two_lung_fields_the_right_one_on_the_left_of_the_picture():
    phantom = draw_radiograph(np.random.default_rng(4), (1, 128, 128))

    right, left = (np.argwhere(phantom.labels[0] == label).mean(0) for label in (RIGHT_LUNG, LEFT_LUNG))

    assert phantom.image is not None
    assert phantom.image.shape == phantom.labels.shape == (1, 128, 128)
    assert right[1] < 64 < left[1]


def test_shapes_left_out_of_training_are_drawn_only_when_asked_for():
    known = draw_shapes(np.random.default_rng(9), SHAPE)
    held_out = draw_shapes(np.random.default_rng(9), SHAPE, held_out=True)

    assert len(held_out.targets) > len(known.targets)


def test_difficult_phantoms_hold_rings_whose_box_has_its_centre_in_the_hole_and_neighbours_of_one_grey():
    phantoms = [draw_difficult(seed, SHAPE) for seed in range(6)]

    holes = 0
    for phantom in phantoms:
        for target in dict.fromkeys(phantom.targets):
            mask = np.isin(phantom.labels, target)
            if not mask.any():  # painted over by what came later
                continue
            fullest = mask[mask.sum((1, 2)).argmax()]
            rows, columns = np.flatnonzero(fullest.any(1)), np.flatnonzero(fullest.any(0))
            centre = ((rows[0] + rows[-1] + 1) // 2, (columns[0] + columns[-1] + 1) // 2)
            holes += not fullest[centre]
    assert holes > 6
    assert any(phantom.alike for phantom in phantoms)
    assert np.array_equal(phantoms[0].labels, draw_difficult(0, SHAPE).labels)


def test_in_thin_slices_a_vertebra_lasts_for_several_of_them_and_is_asked_for_by_itself():
    drawn = [draw_thin_slices(seed, (32, 96, 96)) for seed in range(6)]

    lasting = [
        int((phantom.labels == label).any((1, 2)).sum())
        for phantom in drawn
        for label in COLUMN
        if (phantom.labels == label).any()
    ]
    assert np.median(lasting) >= 5
    assert all((label,) in phantom.targets for phantom in drawn for label in COLUMN)
    assert np.array_equal(drawn[0].labels, draw_thin_slices(0, (32, 96, 96)).labels)


@pytest.mark.slow
def test_the_pool_has_a_trunk_in_thin_slices_among_eight_phantoms(tmp_path):
    make_pool(tmp_path, 8, processes=1)

    vertebrae = [sum(target[0] in COLUMN for target in phantom.targets) for phantom in read_pool(tmp_path)]

    assert sorted(vertebrae)[-1] >= 8
    assert sorted(vertebrae)[-2] < 8
