"""Clips: repeatable, with prompts that fit the masks, of one patient or of several."""

from __future__ import annotations

import numpy as np
import pytest

from training.dataset import Clips, Shape
from training.endings import TAPER, end_objects
from training.pool import make_pool, read_pool
from training.prompting import draw_prompt, hole_of, is_hollow, is_in_parts, papers_points
from training.targets import asked_first, targets_like
from training.visibility import can_be_seen, hole_can_be_seen

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    make_pool(folder, 8, processes=1)
    return read_pool(folder)


def test_a_seed_gives_the_same_batch_again(phantoms):
    one, same = (Clips(phantoms).batch((7, 3), Shape(clips=2, objects=2, frames=3, size=64)) for _ in range(2))

    assert one.frames.equal(same.frames)
    assert one.masks.equal(same.masks)
    assert one.points.equal(same.points)


def test_frames_are_grey_levels_and_masks_are_there_on_the_prompted_frame(phantoms):
    batch = Clips(phantoms).batch((7, 1), Shape(clips=3, objects=2, frames=4, size=64))

    assert batch.frames.shape == (3, 4, 64, 64)
    assert batch.masks.shape == (6, 4, 64, 64)
    assert batch.frames.min() >= 0
    assert batch.frames.max() <= 255
    assert batch.frames.equal(batch.frames.floor())
    assert all(mask.any() for mask in batch.masks[:, 0])


def test_every_prompted_frame_has_points_or_a_box(phantoms):
    clips = Clips(phantoms)
    batches = [clips.batch((1, i), Shape(clips=1, objects=2, frames=4, size=64)) for i in range(40)]

    assert all((batch.point_labels >= 0).any(-1).all() for batch in batches)
    assert {len(batch.prompted) for batch in batches} == {1, 2}
    for batch in batches:
        for t in batch.prompted:
            assert all(mask.any() for mask in batch.masks[:, t])


def test_in_many_clips_an_object_ends_and_in_many_it_stays(phantoms):
    clips = Clips(phantoms)
    ended = [not clips.batch((2, i), Shape(1, 1, 5, 64)).masks[0, -1].any() for i in range(40)]
    longer = [not clips.batch((2, i), Shape(1, 1, 5, 64, ends=0.0)).masks[0, -1].any() for i in range(40)]

    assert 5 <= sum(ended) <= 35
    assert sum(longer) < sum(ended)


def test_close_views_show_the_object_larger_than_whole_ones(phantoms):
    clips = Clips(phantoms)
    whole, close = (
        [clips.batch((4, i), Shape(1, 1, 2, 64, close=c)).masks[:, 0].sum() for i in range(80)] for c in (0, 1)
    )

    assert np.median(close) > 2 * np.median(whole)


def test_a_family_gives_clips_that_begin_with_another_patient(phantoms):
    family = [p for p in phantoms if p.family == "torso"]
    clips = Clips(family)
    rng = np.random.default_rng(0)
    target = family[0].targets[0]

    starts = [clips._slices(family[0], target, 4, rng) for _ in range(60)]

    shared = [s for s in starts if s[0][0] is not family[0]]
    assert 2 <= len(shared) <= 30
    assert all(phantom is family[0] for s in shared for phantom, _ in s[1:])


def test_still_images_hold_difficult_phantoms_four_times_as_often(phantoms):
    clips = Clips(phantoms)

    difficult = [phantom for phantom in phantoms if phantom.difficult]
    assert len(difficult) == 2
    assert all(sum(one is other for other in clips.for_still_images) == 4 for one in difficult)
    assert len(clips.for_still_images) == len(phantoms) + 2 * 3


@pytest.mark.parametrize(("kind", "at_least"), [(is_hollow, 0.2), (is_in_parts, 0.4)])
def test_still_images_ask_for_hollow_objects_and_those_in_parts_first(phantoms, kind, at_least):
    held = [phantom for phantom in phantoms if targets_like(kind, phantom)]
    rng = np.random.default_rng(1)

    shares = {frames: np.mean([asked_first(frames, rng) is kind for _ in range(400)]) for frames in (1, 2)}

    assert held
    assert shares[1] > at_least
    assert shares[1] > 1.5 * shares[2]


@pytest.mark.parametrize("kind", [is_hollow, is_in_parts])
def test_what_is_asked_for_first_is_what_a_still_image_shows(phantoms, kind, monkeypatch):
    clips = Clips(phantoms)
    shown = {}
    for first in (None, kind):
        monkeypatch.setattr("training.dataset.asked_first", lambda frames, rng, first=first: first)
        made = [clips.batch((6, i), Shape(1, 1, 1, 128)).masks[0, 0].numpy() for i in range(60)]
        shown[first] = np.mean([kind(mask) for mask in made])

    assert shown[kind] > 2 * shown[None]


def test_an_object_that_is_made_to_end_grows_smaller_within_itself_before_it_does():
    ended_at_once = tapered = 0
    for seed in range(60):
        labels = np.zeros((12, 40, 40), np.uint8)
        labels[:, 8:32, 10:30] = 5
        whole = labels.copy()
        end_objects(labels, [(5,)], 1.0, np.random.default_rng(seed))
        areas = (labels == 5).sum((1, 2))
        end = int(np.argmax(areas == 0))
        partial = int(np.count_nonzero((areas > 0) & (areas < areas[0])))

        assert areas[0] == 24 * 20
        assert end > 0
        assert not areas[end:].any()
        assert (np.diff(areas) <= 0).all()
        assert partial <= TAPER
        assert (whole[labels == 5] == 5).all()
        ended_at_once += partial == 0
        tapered += partial == TAPER
    assert ended_at_once
    assert tapered


def test_an_object_in_two_parts_has_a_second_one_of_some_size():
    mask = np.zeros((40, 40), bool)
    mask[5:15, 5:15] = True
    speck, pair = mask.copy(), mask.copy()
    speck[30:32, 30:32] = True
    pair[25:35, 25:30] = True

    assert [is_in_parts(one) for one in (mask, speck, pair)] == [False, False, True]


def test_a_hole_is_what_a_mask_encloses_unless_it_is_small():
    ring = np.zeros((40, 60), bool)
    ring[5:35, 10:50] = True
    ring[15:25, 20:40] = False
    dented = ring.copy()
    dented[15:25, :20] = False
    pierced = ring.copy()
    pierced[16:25, 20:40] = True

    hole = hole_of(ring)

    assert hole is not None
    assert hole.sum() == 200
    assert hole[15:25, 20:40].all()
    assert hole_of(dented) is None
    assert hole_of(pierced) is None
    assert hole_of(np.zeros_like(ring)) is None


def test_a_negative_point_lies_in_a_hole_or_between_parts_more_often_than_not():
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    ring, disc = (distance < 20) & (distance > 10), distance < 20
    pair = disc & (abs(x - 32) > 10)
    inside = {}
    for name, mask in (("ring", ring), ("disc", disc), ("pair", pair)):
        rng, count = np.random.default_rng(3), 0
        for _ in range(200):
            points, labels = draw_prompt(mask, rng)
            count += any(np.hypot(*(p - 31.5)) < 10 for p, k in zip(points.numpy(), labels, strict=True) if k == 0)
        inside[name] = count / 200

    assert inside["ring"] > 0.6
    assert inside["pair"] > 0.6
    assert 0.25 < inside["disc"] < 0.5


@pytest.mark.parametrize(("inside", "seen"), [(200, False), (195, False), (120, True)])
def test_a_hole_is_seen_where_it_differs_from_the_wall_around_it(inside, seen):
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    ring, disc = (distance < 20) & (distance > 10), distance < 20
    frame = np.where(disc, np.where(ring, 200.0, inside), 50.0)

    assert can_be_seen(frame, ring)
    assert hole_can_be_seen(frame, ring) == seen
    assert hole_can_be_seen(frame, disc)


def test_the_papers_points_of_a_solid_object_lie_in_its_middle_and_those_of_a_ring_on_its_wall():
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 30, x - 34)
    disc, ring = distance < 15, (distance < 15) & (distance > 7)
    parts = disc | (np.hypot(y - 8, x - 8) < 4)
    rng = np.random.default_rng(0)

    assert all(np.hypot(px - 34, py - 30) < 1.5 for _ in range(20) for px, py in papers_points(disc, False, rng))
    of_ring = [point for _ in range(30) for point in papers_points(ring, True, rng)]
    assert all(ring[int(py), int(px)] for px, py in of_ring)
    assert len(set(of_ring)) > 3
    assert {len(papers_points(parts, False, rng)) for _ in range(20)} == {1, 2}
