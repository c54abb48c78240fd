"""Geometry and Volume: what is checked, and that geometry survives SimpleITK and files."""

from __future__ import annotations

import tempfile
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Geometry, Volume

# All ways in which voxel axes can run along the patient's axes: 6 orders, 8 combinations of directions.
AXIS_DIRECTIONS = [
    tuple((np.eye(3)[:, list(order)] * signs).ravel())
    for order in permutations(range(3))
    for signs in product((1.0, -1.0), repeat=3)
]


@st.composite
def geometries(draw):
    size = tuple(draw(st.integers(1, 6)) for _ in range(3))
    spacing = tuple(draw(st.floats(0.1, 10)) for _ in range(3))
    origin = tuple(draw(st.floats(-1000, 1000)) for _ in range(3))
    direction = np.reshape(draw(st.sampled_from(AXIS_DIRECTIONS)), (3, 3))
    angles = [draw(st.floats(-0.5, 0.5)) for _ in range(3)]
    for angle, (a, b) in zip(angles, ((0, 1), (0, 2), (1, 2)), strict=True):
        turn = np.eye(3)
        turn[[a, b], [a, b]] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        direction = turn @ direction
    return Geometry(size, spacing, origin, tuple(float(value) for value in direction.ravel()))


def voxels(geometry: Geometry) -> np.ndarray:
    return np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape)


@given(geometries())
def test_an_image_has_the_geometry_it_was_made_with(geometry):
    image = geometry.to_image(voxels(geometry))
    assert Geometry.from_image(image) == geometry
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), voxels(geometry))


@given(geometries())
def test_ijk_to_lps_is_what_simpleitk_computes(geometry):
    image = geometry.to_image(voxels(geometry))
    for index in ((0, 0, 0), tuple(count - 1 for count in geometry.size)):
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((geometry.ijk_to_lps() @ [*index, 1])[:3], expected, atol=1e-6)


@given(geometries(), st.sampled_from([".nrrd", ".mha", ".mhd", ".nii.gz", ".nii"]))
def test_a_written_file_is_read_with_the_same_voxels_on_the_same_grid(geometry, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"image{suffix}"
        sitk.WriteImage(geometry.to_image(voxels(geometry)), str(path))
        volume = read_volume(path)
    assert volume.geometry.same_grid(geometry)
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, voxels(geometry))


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_all_48_axis_directions_survive_a_file(tmp_path, suffix):
    path = tmp_path / f"image{suffix}"
    assert len(set(AXIS_DIRECTIONS)) == 48
    for direction in AXIS_DIRECTIONS:
        geometry = Geometry((2, 3, 4), (1.0, 2.0, 3.0), (10.0, -20.0, 30.0), direction)
        sitk.WriteImage(geometry.to_image(voxels(geometry)), str(path))
        volume = read_volume(path)
        assert volume.geometry.same_grid(geometry)
        np.testing.assert_array_equal(volume.array, voxels(geometry))


def test_a_grid_is_the_same_up_to_rounding_only():
    geometry = Geometry((10, 10, 10), (1.0, 1.0, 2.0))
    rounded = Geometry((10, 10, 10), (1.0, 1.0, 2.0000001), (1e-4, 0.0, 0.0))
    assert geometry.same_grid(rounded)
    assert not geometry.same_grid(Geometry((10, 10, 10), (1.0, 1.0, 2.0), (0.2, 0.0, 0.0)))
    assert not geometry.same_grid(Geometry((10, 10, 10), (1.0, 1.0, 2.05)))
    assert not geometry.same_grid(Geometry((10, 10, 11), (1.0, 1.0, 2.0)))
    flipped = Geometry((10, 10, 10), (1.0, 1.0, 2.0), (0.0, 9.0, 0.0), (1, 0, 0, 0, -1, 0, 0, 0, 1))
    assert not geometry.same_grid(flipped)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": (0, 2, 2)}, "no voxels"),
        ({"spacing": (1.0, 0.0, 1.0)}, "zero or negative"),
        ({"spacing": (1.0, -2.0, 1.0)}, "zero or negative"),
        ({"origin": (float("nan"), 0.0, 0.0)}, "invalid numbers"),
        ({"direction": (float("inf"),) * 9}, "invalid numbers"),
        ({"direction": (1, 0, 0, 0, 1, 0, 0, 1, 0)}, "not perpendicular"),
        ({"direction": (1, 0.3, 0, 0, 1, 0, 0, 0, 1)}, "not perpendicular"),
        ({"direction": (0,) * 9}, "not perpendicular"),
        ({"direction": (1, 0, 0, 1)}, "three-dimensional"),
    ],
)
def test_an_impossible_geometry_is_refused(changes, sentence):
    with pytest.raises(GeometryError, match=sentence):
        Geometry(**({"size": (2, 2, 2)} | changes))


def test_a_volume_needs_three_dimensions_voxels_and_numbers():
    geometry = Geometry((2, 3, 4))
    with pytest.raises(VolumeError, match="4 dimensions"):
        Volume(np.zeros((1, 4, 3, 2)), geometry)
    with pytest.raises(VolumeError, match="no voxels"):
        Volume(np.zeros((0, 3, 2)), geometry)
    with pytest.raises(VolumeError, match="not plain numbers"):
        Volume(np.zeros((4, 3, 2), complex), geometry)
    with pytest.raises(GeometryError, match="do not fit"):
        Volume(np.zeros((2, 3, 4)), geometry)


def test_an_array_of_another_shape_gets_no_geometry():
    with pytest.raises(GeometryError, match="does not fit"):
        Geometry((2, 3, 4)).to_image(np.zeros((2, 3, 4)))


def test_a_boolean_mask_becomes_an_image_of_zeros_and_ones():
    image = Geometry((2, 3, 4)).to_image(np.ones((4, 3, 2), bool))
    assert image.GetPixelID() == sitk.sitkUInt8
    assert sitk.GetArrayFromImage(image).max() == 1
