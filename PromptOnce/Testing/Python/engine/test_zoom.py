"""Through a crop: masks equal upstream's on the cropped frames, and lie where the crop lies on the whole slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, presence_by_brightness
from engine.upstream import upstream_click, upstream_predictor, upstream_volume
from engine.upstream_shared_seeds import upstream_after_seeds
from PromptOnceLib.engine.devices import Placement, on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.zoom.single_slices import united
from PromptOnceLib.engine.zoom.views import CroppedFrames, Views
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.prompts.zoom import Sight, seen_in
from PromptOnceLib.segmentation.ways import BETWEENS
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.propagation_plans import Plan, plan_propagation

SLICES, SEED, ROWS, COLUMNS = 7, 3, 200, 240


class CountingTracker(Tracker):
    """Knows the frames that went through the encoder."""

    @property
    def encoded(self) -> int:
        return len(self.frames)

    def move(self, placement: Placement) -> None:
        self.frames: list[NDArray[np.uint8]] = []
        super().move(placement)

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        self.frames.append(frame)
        return super().encode(frame)


@pytest.fixture
def views(nano: tuple[Model, Path], tmp_path: Path) -> Views:
    tracker = CountingTracker(nano[0], on_cpu())
    frames = blobs(SLICES, ROWS, COLUMNS)
    store = FeatureStore(tmp_path, lossless=True)
    return Views(Propagation(tracker, frames, pytest.fail, store, RunMemory(tmp_path)))


def grey(index: int) -> ObjectPrompt:
    x = 85 - 0.5 * index
    return ObjectPrompt(name="grey", box=Box(x0=x - 13, y0=17, x1=x + 13, y1=43))


def run(views: Views, tmp_path: Path, prompt: Prompt | PromptSet, **options: object) -> tuple[Plan, np.ndarray]:
    request = protocol.Propagate(id=1, prompt=prompt, file="masks.npy", first=0, last=SLICES - 1, **options)
    plan = plan_propagation(request, views, tmp_path, lambda _: (SLICES, ROWS, COLUMNS))
    masks, steps = np.zeros((plan.objects, SLICES, ROWS, COLUMNS), np.uint8), 0
    for places, output in plan.outputs:
        masks[range(plan.objects) if places is None else places, output.slice] = output.masks
        steps += 1
    assert steps == plan.steps
    return plan, masks


def upstream_in(crop: Crop, views: Views, config: Path, objects: list[ObjectPrompt]) -> np.ndarray:
    frames = np.stack(list(CroppedFrames(views.whole.frames, crop)))
    predictor = upstream_predictor(config, views.whole.tracker.model)
    found = upstream_volume(predictor, frames, SEED, [seen_in(item, crop) for item in objects])
    return crop.put(found, (ROWS, COLUMNS))


def test_masks_equal_upstream_on_the_cropped_frames(
    views: Views,
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    objects = [bright(SEED), grey(SEED)]
    plan, masks = run(views, tmp_path, Prompt(slice=SEED, objects=tuple(objects)))
    crops = [plan.crops[item.name] for item in objects]
    assert len(set(crops)) == 2
    assert all(crop.rows < ROWS / 2 for crop in crops)
    for found, crop, item in zip(masks, crops, objects, strict=True):
        np.testing.assert_array_equal(found, upstream_in(crop, views, nano[1], [item])[0])
        assert found[SEED].any()


def test_objects_of_the_same_crop_go_together_and_nothing_is_encoded_twice(views: Views, tmp_path: Path) -> None:
    prompt = Prompt(slice=SEED, objects=(bright(SEED), grey(SEED)))
    crop = Crop(row=0, column=10, rows=100, columns=110)
    sight = Sight(crops={"bright": crop, "grey": crop})
    _, together = run(views, tmp_path, prompt, sight=sight)
    assert views.whole.tracker.encoded == SLICES
    _, again = run(views, tmp_path, prompt, sight=sight)
    assert views.whole.tracker.encoded == SLICES, "features of a crop are kept for the next run"
    np.testing.assert_array_equal(again, together)
    run(views, tmp_path, prompt, sight=Sight(zoom="off"))
    assert views.whole.tracker.encoded == 2 * SLICES, "those of another crop were taken"


def test_a_preview_is_the_prompted_slice_of_the_run_and_a_click_equals_upstreams_in_the_crop(
    views: Views,
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    plan, masks = run(views, tmp_path, Prompt(slice=SEED, objects=(bright(SEED),)))
    seen = views.predict([bright(SEED)], plan.crops, SEED)
    np.testing.assert_array_equal(seen.masks[0], masks[0, SEED])

    click = ObjectPrompt(name="bright", points=(Point(x=55, y=50, positive=False),))
    crop = plan.crops["bright"]
    corrected = views.predict([click], plan.crops, SEED + 2, correcting=True)
    frames = np.stack(list(CroppedFrames(views.whole.frames, crop)))[SEED:]  # the pass in which it was reached
    predictor = upstream_predictor(nano[1], views.whole.tracker.model)
    expected = upstream_click(predictor, frames, seen_in(bright(SEED), crop), 2, seen_in(click, crop))
    np.testing.assert_array_equal(corrected.masks[0], crop.put(expected, (ROWS, COLUMNS)))


def test_what_was_found_through_another_crop_is_not_corrected(views: Views, tmp_path: Path) -> None:
    run(views, tmp_path, Prompt(slice=SEED, objects=(bright(SEED),)))
    click = ObjectPrompt(name="bright", points=(Point(x=45, y=47, positive=True),))
    whole = {"bright": Crop.whole((ROWS, COLUMNS))}
    first = views.predict([click], whole, SEED + 2)
    np.testing.assert_array_equal(views.predict([click], whole, SEED + 2, correcting=True).masks, first.masks)


def boxed_on(*indices: int) -> PromptSet:
    slices = tuple(FixedSlice(slice=index, box=bright(index).box) for index in indices)
    return PromptSet(objects=(PromptedObject(name="bright", slices=slices),))


def test_several_fixed_slices_are_seen_through_one_crop(views: Views, tmp_path: Path) -> None:
    plan, masks = run(views, tmp_path, boxed_on(1, 5))
    boxes = [bright(index).box for index in (1, 5)]
    crop = plan.crops["bright"]
    assert all(crop.holds((int(b.y0), int(b.x0), int(b.y1) + 1, int(b.x1) + 1)) for b in boxes)
    outside = masks[0].copy()
    crop.of(outside)[...] = 0
    assert not outside.any()
    assert masks[0].any(axis=(1, 2)).all()


def test_boxes_between_boxes_end_the_object_and_need_no_memory(views: Views, tmp_path: Path) -> None:
    plan, masks = run(views, tmp_path, boxed_on(1, 5), between="interpolate")
    assert not plan.crops, "each slice is seen in its own way"
    assert masks[0].any(axis=(1, 2)).tolist() == [False, True, True, True, True, True, False]
    alone = views.predict(
        [bright(3).model_copy(update={"points": ()})], views.crops({"bright": [bright(3)]}, Sight()), 3
    )
    np.testing.assert_array_equal(alone.masks[0], masks[0, 3])


def test_a_changed_box_computes_up_to_its_neighbours(views: Views, tmp_path: Path) -> None:
    prompts = boxed_on(1, 3, 5)
    request = protocol.Propagate(
        id=1, prompt=prompts, file="masks.npy", first=0, last=SLICES - 1, between="interpolate", changed=(5,)
    )
    plan = plan_propagation(request, views, tmp_path, lambda _: (SLICES, ROWS, COLUMNS))
    assert [output.slice for _, output in plan.outputs] == [4, 5, 6]


def test_what_memory_finds_between_boxes_comes_beside_what_they_find(views: Views, tmp_path: Path) -> None:
    masks = {between: run(views, tmp_path, boxed_on(1, 5), between=between)[1][0] for between in BETWEENS}
    assert masks["both"].any(axis=(1, 2)).tolist() == [False, True, True, True, True, True, False]
    for index in (1, 5):
        np.testing.assert_array_equal(masks["both"][index], masks["interpolate"][index])
    for index in (2, 3, 4):
        np.testing.assert_array_equal(masks["both"][index], masks["interpolate"][index] | masks["track"][index])
    assert (masks["interpolate"] & ~masks["track"])[2:5].any(), "else one of the two shows nothing here"


@pytest.mark.parametrize("changed", [(5,), (3, 5)])
def test_a_changed_box_is_tracked_up_to_its_neighbours_as_in_a_run_of_all(
    views: Views, tmp_path: Path, changed: tuple[int, ...]
) -> None:
    prompts = boxed_on(1, 3, 5)
    everything = run(views, tmp_path, prompts, between="both")[1]
    request = protocol.Propagate(
        id=1, prompt=prompts, file="masks.npy", first=0, last=SLICES - 1, between="both", changed=changed
    )
    plan = plan_propagation(request, views, tmp_path, lambda _: (SLICES, ROWS, COLUMNS))
    outputs = [output for _, output in plan.outputs]
    assert len(outputs) == plan.steps
    found = {output.slice: output.masks for output in outputs}
    assert sorted(found) == list(range(4 if changed == (5,) else 2, SLICES))
    for index, masks in found.items():
        np.testing.assert_array_equal(masks, everything[:, index])


def test_the_scores_are_those_of_the_way_that_is_surer() -> None:
    one = SliceOutput(2, np.array([[[1, 0, 0]]], np.uint8), (0.25,), (0.75,))
    other = SliceOutput(2, np.array([[[0, 1, 0]]], np.uint8), (0.5,), (0.5,))
    for found in (united(one, other), united(other, one)):
        assert found.masks.tolist() == [[[1, 1, 0]]]
        assert (found.presence, found.predicted_iou) == ((0.5,), (0.5,))


def after_a_seed(views: Views, folder: Path, frame: np.ndarray, scale: float, zoom: float) -> tuple[Plan, np.ndarray]:
    """After a frame whose bright disk is `scale` times as large in pixels."""
    np.save(folder / "seed.npy", frame)
    x, y, radius = 43 * scale, 46.5 * scale, 18 * scale
    item = ObjectPrompt(name="bright", box=Box(x0=x - radius, y0=y - radius, x1=x + radius, y1=y + radius))
    seed = protocol.SeedFrame(file="seed.npy", objects=(item,), scale=(scale, scale))
    return run(views, folder, protocol.SharedPrompt(frames=(seed,), slice=SEED), sight=Sight(zoom=zoom))


def test_a_seeds_frame_is_cropped_alike_in_millimetres_and_masks_equal_upstreams(
    views: Views,
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    frame = np.kron(blobs(SEED + 1, ROWS, COLUMNS)[SEED], np.ones((2, 2), np.uint8))  # pixels of half the size
    plan, masks = after_a_seed(views, tmp_path, frame, 2.0, 2.5)
    crop = plan.crops["bright"]
    assert crop.shape != (ROWS, COLUMNS)
    found = np.argwhere(masks[0, SEED]).mean(0) - (crop.row, crop.column)

    cut = next(one for one in views.whole.tracker.frames if one.shape == (2 * crop.rows, 2 * crop.columns))
    places = [
        (r, c) for r in range(60) for c in range(60) if np.array_equal(frame[r:, c:][: len(cut), : len(cut)], cut)
    ]
    ((row, column),) = places
    assert np.allclose((93 - row, 86 - column), 2 * found, atol=6), "the object is not at the same place"
    box = Box(x0=50 - column, y0=57 - row, x1=122 - column, y1=129 - row)
    seed = ConditioningFrame(cut, (ObjectPrompt(name="bright", box=box),))
    frames = np.stack(list(CroppedFrames(views.whole.frames, crop)))
    expected = upstream_after_seeds(upstream_predictor(nano[1], views.whole.tracker.model), frames, SEED, [seed])
    np.testing.assert_array_equal(masks, crop.put(expected, (ROWS, COLUMNS)))


def test_a_seed_is_seen_whole_by_auto_and_where_the_object_is_not_found(views: Views, tmp_path: Path) -> None:
    frame = blobs(SEED + 1, ROWS, COLUMNS)[SEED]
    whole = {"bright": Crop.whole((ROWS, COLUMNS))}
    np.save(tmp_path / "seed.npy", frame)
    item = bright(SEED)
    shared = protocol.SharedPrompt(frames=(protocol.SeedFrame(file="seed.npy", objects=(item,)),), slice=SEED)
    plan, seen = run(views, tmp_path, shared)
    assert plan.crops == whole
    assert seen[0, SEED].any()
    views.whole.frames[SEED] = 0
    with presence_by_brightness(views.whole.tracker.model.network, 30):
        plan, _ = run(views, tmp_path, shared, sight=Sight(zoom=2.0))
    assert plan.crops == whole
