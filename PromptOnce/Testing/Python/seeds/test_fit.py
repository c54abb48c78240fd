"""Seeds brought to other volumes: orientation, field of view, prompts that are cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.seeds.fit import fit_seed, turned
from PromptOnceLib.seeds.seed import Seed
from seeds.sample_seeds import LPS, ORIENTATIONS, one_object, sample_seed, sample_volume


def axis_of(geometry: Geometry, plane: str) -> int:
    return next(axis for axis in range(3) if FrameOrientation.of(geometry, axis).plane == plane)


def position(geometry: Geometry, axis: int, x: float, y: float) -> np.ndarray:
    """LPS position of a pixel on slice 0; the coordinate across the slices is set to 0."""
    index = [y, x]
    index.insert(axis, 0.0)
    lps = (geometry.ijk_to_lps() @ [*index[::-1], 1.0])[:3]
    across = np.abs(np.reshape(geometry.direction, (3, 3))[:, 2 - axis])
    return np.where(across > 0.5, 0.0, lps)


def aligned(shape, spacing, direction) -> Geometry:
    """A grid whose centre is the origin of space."""
    grid = Geometry(shape, spacing, direction=direction)
    middle = grid.ijk_to_lps() @ [*((np.array(shape) - 1) / 2), 1.0]
    return Geometry(shape, spacing, tuple(-middle[:3]), direction)


def test_there_are_48_orientations_and_each_axis_has_one_plane():
    assert len(set(ORIENTATIONS)) == 48
    for direction in ORIENTATIONS:
        planes = {FrameOrientation.of(Geometry((4, 5, 6), direction=direction), axis).plane for axis in range(3)}
        assert planes == {"axial", "coronal", "sagittal"}


@pytest.mark.parametrize(
    ("direction", "axis", "rows", "columns"),
    [
        (LPS, 0, "P", "L"),
        (LPS, 1, "S", "L"),
        (LPS, 2, "S", "P"),
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), 0, "A", "R"),  # RAS
        ((0, 0, 1, 1, 0, 0, 0, 1, 0), 0, "S", "P"),  # PSL: i to posterior, j to superior, k to the left
    ],
)
def test_the_orientation_of_known_grids(direction, axis, rows, columns):
    grid = Geometry((4, 5, 6), direction=tuple(float(v) for v in direction))
    assert FrameOrientation.of(grid, axis) == FrameOrientation(rows=rows, columns=columns)


def test_a_grid_turned_by_45_degrees_has_three_planes_too():
    c = np.sqrt(0.5)
    grid = Geometry((4, 4, 4), direction=(c, -c, 0.0, c, c, 0.0, 0.0, 0.0, 1.0))
    assert len({FrameOrientation.of(grid, axis).plane for axis in range(3)}) == 3


@pytest.mark.parametrize("direction", ORIENTATIONS)
def test_a_seed_turned_into_any_orientation_and_back_is_the_same(direction):
    seed = sample_seed()
    grid = Geometry((10, 8, 6), direction=direction)
    there = turned(seed, FrameOrientation.of(grid, axis_of(grid, "axial")))
    record = seed.record.changed(
        orientation=FrameOrientation.of(grid, axis_of(grid, "axial")),
        shape=there.frame.shape,
        objects=there.objects,
        spacing=(*there.spacing, 2.5),
    )
    back = turned(Seed(record, there.frame, there.masks), seed.record.orientation)
    assert np.array_equal(back.frame, seed.frame)
    assert np.array_equal(back.masks[0], seed.masks[0])
    assert back.objects == seed.record.objects
    assert back.spacing == seed.record.spacing[:2]


@pytest.mark.parametrize("direction", ORIENTATIONS)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_prompts_and_pixels_stay_on_the_same_anatomy(direction, plane):
    seed_grid = aligned((10, 9, 8), (0.5, 0.5, 0.5), LPS)
    grid = aligned((10, 9, 8), (0.5, 0.5, 0.5), direction)
    volume = sample_volume((8, 9, 10), (0.5, 0.5, 0.5))
    from_axis, axis = axis_of(seed_grid, plane), axis_of(grid, plane)
    point = Point(x=4, y=3, positive=True)
    seed = sample_seed(volume=volume, axis=from_axis, objects=(one_object(points=(point,)),))
    fitted = fit_seed(seed, grid, axis, "stretch")
    there = fitted.objects[0].points[0]
    assert fitted.frame[int(there.y), int(there.x)] == seed.frame[3, 4]
    # The grids share a centre, not a size: positions agree once both are taken from the frame's own centre.
    rows, columns = seed.frame.shape
    here = position(seed_grid, from_axis, 4, 3) - position(seed_grid, from_axis, (columns - 1) / 2, (rows - 1) / 2)
    rows, columns = fitted.frame.shape
    then = position(grid, axis, there.x, there.y) - position(grid, axis, (columns - 1) / 2, (rows - 1) / 2)
    assert np.allclose(here, then)
    box = fitted.objects[0].box
    assert box is not None
    assert fit_mask(seed, grid, axis)[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)].any()


def fit_mask(seed: Seed, grid: Geometry, axis: int) -> np.ndarray:
    return fit_seed(seed, grid, axis, "stretch", by="mask").objects[0].mask_array()


def test_a_seed_of_another_plane_is_refused():
    with pytest.raises(SeedError, match=r"axial.*coronal"):
        fit_seed(sample_seed(), sample_volume().geometry, 1)


def test_stretching_leaves_a_seed_as_it_is():
    seed = sample_seed()
    fitted = fit_seed(seed, Geometry((40, 30, 3), (0.1, 0.1, 1.0)), 0, "stretch")
    assert np.array_equal(fitted.frame, seed.frame)
    assert fitted.objects[0].box == seed.record.objects[0].box


def test_a_larger_field_of_view_pads_with_black_about_the_centre():
    seed = sample_seed()  # 8 rows and 10 columns of 0.8 mm
    fitted = fit_seed(seed, Geometry((7, 6, 3), (1.6, 1.6, 1.0)), 0, "millimetres")
    assert fitted.frame.shape == (12, 14)
    assert np.array_equal(fitted.frame[2:10, 2:12], seed.frame)
    assert not fitted.frame[:2].any()
    assert not fitted.frame[:, 12:].any()
    assert fitted.objects[0].box == Box(x0=4, y0=3, x1=8, y1=7)
    assert fitted.objects[0].points[0] == Point(x=5, y=4, positive=True)


def test_a_smaller_field_of_view_crops_clips_the_box_and_drops_points():
    fitted = fit_seed(sample_seed(), Geometry((3, 2, 3), (1.6, 1.6, 1.0)), 0, "millimetres")
    assert fitted.frame.shape == (4, 6)
    assert np.array_equal(fitted.frame, sample_seed().frame[2:6, 2:8])
    assert fitted.objects[0].box == Box(x0=0, y0=-0.5, x1=4, y1=3)
    assert fitted.objects[0].points == (Point(x=1, y=0, positive=True),)


def test_a_prompt_that_is_cut_off_gives_way_to_what_remains_of_the_mask():
    item = ObjectPrompt(name="lungs", points=(Point(x=0, y=0, positive=True), Point(x=4, y=3, positive=False)))
    fitted = fit_seed(sample_seed(objects=(item,)), Geometry((3, 2, 3), (1.6, 1.6, 1.0)), 0, "millimetres")
    assert fitted.objects[0].points == ()
    assert fitted.objects[0].mask_array().any()


def test_a_seed_of_which_nothing_remains_is_refused():
    item = one_object(box=None, points=(Point(x=0, y=0, positive=True),))
    seed = sample_seed(objects=(item,))
    mask = np.zeros_like(seed.masks[0])
    mask[0, 0] = True
    with pytest.raises(SeedError, match="field of view"):
        fit_seed(Seed(seed.record, seed.frame, (mask,)), Geometry((3, 2, 3), (1.6, 1.6, 1.0)), 0, "millimetres")


def test_pixels_far_smaller_than_the_image_cannot_claim_all_memory():
    with pytest.raises(SeedError, match="far smaller"):
        fit_seed(sample_seed(spacing=(1e-4, 1e-4, 1)), Geometry((500, 500, 3)), 0, "millimetres")


def test_frames_are_stretched_by_default_as_in_the_paper():
    fitted = fit_seed(sample_seed(), Geometry((3, 2, 3), (1.6, 1.6, 1.0)), 0)
    assert fitted.frame.shape == sample_seed().frame.shape


def test_an_object_prompted_by_a_mask_has_it_either_way():
    seed = sample_seed(objects=(ObjectPrompt(name="a", mask=encode_mask(np.ones((8, 10)))),))
    for by in ("prompt", "mask"):
        assert np.array_equal(fit_seed(seed, sample_volume().geometry, 0, by=by).objects[0].mask_array(), seed.masks[0])


@given(
    size=st.tuples(st.integers(4, 30), st.integers(4, 30)),
    step=st.floats(0.5, 5),
    direction=st.sampled_from(ORIENTATIONS),
    by=st.sampled_from(["prompt", "mask"]),
)
def test_whatever_is_cropped_the_prompt_is_one_that_can_be_used(size, step, direction, by):
    grid = Geometry((*size, 7), (step, step, step), direction=direction)
    axis = axis_of(grid, "axial")
    fitted = fit_seed(sample_seed(), grid, axis, "millimetres", by)
    rows, columns = fitted.frame.shape
    Prompt(slice=0, objects=fitted.objects).validate_for((1, rows, columns))
    expected = [count for other, count in enumerate(grid.shape) if other != axis]
    assert abs(rows * 0.8 - expected[0] * step) <= max(0.4001, 0.8)
    assert abs(columns * 0.8 - expected[1] * step) <= max(0.4001, 0.8)
