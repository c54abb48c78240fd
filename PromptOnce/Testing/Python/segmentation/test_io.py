"""Segmentations written and read back, by us, by SimpleITK and by slicerio: same voxels, same place, same words."""

from __future__ import annotations

import re
import tracemalloc
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicerio
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import SUFFIXES, read_segmentation, write_segmentation
from PromptOnceLib.segmentation.segment import DEFAULT_TERMINOLOGY, Segment
from segmentation.sample_segmentations import GRID, LIVER, ORIGIN, SIZE, SPACING, apart, segments

LABEL_MAP_SUFFIXES = [suffix for suffix in SUFFIXES if suffix != ".seg.nrrd"]
AXES_AND_FLIPS = [
    tuple(float(value) for value in (np.eye(3)[list(order)] * signs).ravel())
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


def assert_same_place(found: Geometry, expected: Geometry, tolerance: float = 1e-6) -> None:
    assert found.size == expected.size
    for one, other in ((found.spacing, expected.spacing), (found.origin, expected.origin)):
        assert one == pytest.approx(other, abs=tolerance)
    assert found.direction == pytest.approx(expected.direction, abs=tolerance)


@pytest.mark.parametrize("direction", AXES_AND_FLIPS)
def test_slicers_file_lies_where_the_image_lies_for_every_axis_order_and_flip(
    tmp_path: Path, direction: tuple[float, ...]
) -> None:
    geometry = Geometry(SIZE, SPACING, ORIGIN, direction)
    path = tmp_path / "out.seg.nrrd"
    write_segmentation(path, apart(), segments(2), geometry)
    image = sitk.ReadImage(str(path))
    assert_same_place(Geometry.from_image(image), geometry)
    assert np.array_equal(sitk.GetArrayFromImage(image), apart()[0] + 2 * apart()[1])
    assert slicerio.read_segmentation(str(path))["ijkToLPS"] == pytest.approx(geometry.ijk_to_lps(), abs=1e-6)
    ours = read_segmentation(path)
    assert_same_place(ours.geometry, geometry)
    assert np.array_equal(ours.masks, apart())


@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.tuples(*[st.floats(0.05, 20)] * 3),
    st.tuples(*[st.floats(-2000, 2000)] * 3),
    st.sampled_from(SUFFIXES),
)
def test_oblique_and_left_handed_grids_survive_every_format(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    mirrored: bool,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    suffix: str,
) -> None:
    axes = Rotation.random(random_state=seed).as_matrix() * [-1 if mirrored else 1, 1, 1]
    geometry = Geometry(SIZE, spacing, origin, tuple(float(value) for value in axes.ravel()))
    path = tmp_path_factory.mktemp("oblique") / f"out{suffix}"
    write_segmentation(path, apart(), segments(2), geometry)
    found = read_segmentation(path)
    assert np.array_equal(found.masks, apart())
    # NIfTI holds its geometry in single precision.
    assert_same_place(found.geometry, geometry, 1e-3 if suffix.startswith(".nii") else 1e-6)


def test_names_colours_and_terminology_survive_in_slicers_file(tmp_path: Path) -> None:
    written = [Segment("Leber = foie", (0.1, 0.2, 0.3), LIVER), Segment("tissue", (1, 0, 0.5))]
    write_segmentation(tmp_path / "out.seg.nrrd", apart(), written, GRID)
    found = read_segmentation(tmp_path / "out.seg.nrrd").segments
    assert found == [written[0], Segment("tissue", (1, 0, 0.5), DEFAULT_TERMINOLOGY)]
    theirs = slicerio.read_segmentation(str(tmp_path / "out.seg.nrrd"))["segments"]
    assert [segment["name"] for segment in theirs] == ["Leber = foie", "tissue"]
    assert theirs[0]["terminology"]["type"] == ["SCT", "10200004", "Liver"]
    assert theirs[1]["terminology"]["type"] == ["SCT", "85756007", "Tissue"]
    assert len({segment["id"] for segment in theirs}) == 2


@pytest.mark.parametrize("name", ["pulmón derecho", "肺", "Fußgelenk µm", "emoji 🫁"])
def test_names_beyond_ascii_are_written_as_utf8_as_slicer_reads_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.seg.nrrd"
    write_segmentation(path, apart(), [Segment(name), Segment("other")], GRID)
    assert f"Segment0_Name:={name}\n".encode() in path.read_bytes()
    found = read_segmentation(path)
    assert [segment.name for segment in found.segments] == [name, "other"]
    assert np.array_equal(found.masks, apart())


@given(st.text(max_size=20))
def test_no_name_can_damage_the_file(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("names") / "out.seg.nrrd"
    write_segmentation(path, apart(), [Segment(name), Segment("other")], GRID)
    found = read_segmentation(path)
    assert [segment.name for segment in found.segments][1:] == ["other"]
    assert found.segments[0].name
    assert np.array_equal(found.masks, apart())
    assert np.array_equal(slicerio.read_segmentation(str(path))["voxels"].T, apart()[0] + 2 * apart()[1])


def test_a_line_break_in_a_name_adds_no_field_to_the_header(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "out.seg.nrrd", apart()[:1], [Segment("a\nSegment7_Name:=b")], GRID)
    assert [segment.name for segment in read_segmentation(tmp_path / "out.seg.nrrd").segments] == ["a Segment7_Name:=b"]


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_overlapping_objects_survive_in_slicers_file(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, density: float
) -> None:
    masks = list((np.random.default_rng(seed).random((count, *GRID.shape)) < density).astype(np.uint8))
    path = tmp_path_factory.mktemp("overlap") / "out.seg.nrrd"
    assert write_segmentation(path, masks, segments(count), GRID) == ()
    assert np.array_equal(read_segmentation(path).masks, masks)
    theirs = slicerio.read_segmentation(str(path))
    for mask, segment in zip(masks, theirs["segments"], strict=True):
        layer = theirs["voxels"][segment["layer"]] if theirs["voxels"].ndim == 4 else theirs["voxels"]
        assert np.array_equal((layer == segment["labelValue"]).T, mask)


def test_objects_apart_share_a_layer_and_only_an_overlap_makes_a_second(tmp_path: Path) -> None:
    path = tmp_path / "out.seg.nrrd"
    first, second = apart()
    write_segmentation(path, [first, first | second, second], segments(3), GRID)
    theirs = slicerio.read_segmentation(str(path))
    assert [segment["layer"] for segment in theirs["segments"]] == [0, 1, 0]
    assert theirs["voxels"].shape == (2, *SIZE)
    # Slicer expects the layers as a list along the fastest axis.
    assert sitk.ReadImage(str(path)).GetNumberOfComponentsPerPixel() == 2


def test_more_objects_than_a_byte_can_count_are_kept_apart(tmp_path: Path) -> None:
    grid = Geometry((300, 1, 1))
    masks = list(np.eye(300, dtype=np.uint8)[:, None, None, :])
    for suffix in (".seg.nrrd", ".nii.gz"):
        write_segmentation(tmp_path / f"out{suffix}", masks, segments_of(300), grid)
        assert np.array_equal(read_segmentation(tmp_path / f"out{suffix}").masks, masks)


def segments_of(count: int) -> list[Segment]:
    return [Segment(f"object {index}") for index in range(count)]


@pytest.mark.parametrize("suffix", LABEL_MAP_SUFFIXES)
def test_a_label_map_counts_the_objects_from_1(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    assert write_segmentation(path, apart(), segments(2), GRID) == ()
    image = sitk.ReadImage(str(path))
    assert image.GetPixelID() == sitk.sitkUInt8
    assert np.array_equal(sitk.GetArrayFromImage(image), apart()[0] + 2 * apart()[1])
    found = read_segmentation(path)
    assert [segment.name for segment in found.segments] == ["label 1", "label 2"]
    assert np.array_equal(found.masks, apart())


def test_the_later_object_wins_in_a_label_map_and_a_notice_says_so(tmp_path: Path) -> None:
    first, second = apart()
    (notice,) = write_segmentation(tmp_path / "out.nrrd", [first | second, second], segments(2), GRID)
    assert f"{second.sum()} voxels" in notice
    assert np.array_equal(read_segmentation(tmp_path / "out.nrrd").masks, [first, second])


def test_bool_masks_and_masks_with_any_value_are_objects(tmp_path: Path) -> None:
    first, second = apart()
    write_segmentation(tmp_path / "out.seg.nrrd", [first > 0, second * 200], segments(2), GRID)
    assert np.array_equal(read_segmentation(tmp_path / "out.seg.nrrd").masks, apart())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_slice_stays_one_slice(tmp_path: Path, suffix: str) -> None:
    grid = Geometry((6, 5, 1), (0.25, 0.5, 2.0), ORIGIN, AXES_AND_FLIPS[9])
    mask = np.zeros((1, 5, 6), np.uint8)
    mask[0, 1:3, 2:] = 1
    write_segmentation(tmp_path / f"out{suffix}", [mask], segments(1), grid)
    found = read_segmentation(tmp_path / f"out{suffix}")
    assert np.array_equal(found.masks, [mask])
    assert_same_place(found.geometry, grid, 1e-4)


def test_an_object_that_was_found_nowhere_is_kept_in_slicers_file(tmp_path: Path) -> None:
    masks = [apart()[0], np.zeros(GRID.shape, np.uint8)]
    write_segmentation(tmp_path / "out.seg.nrrd", masks, segments(2), GRID)
    assert np.array_equal(read_segmentation(tmp_path / "out.seg.nrrd").masks, masks)


def test_slicers_own_overlapping_file_is_read() -> None:
    from_slicer = Path(slicerio.__file__).parent / "data" / "SegmentationOverlapping.seg.nrrd"
    if not from_slicer.is_file():
        pytest.skip("slicerio's test data are not installed")
    found = read_segmentation(from_slicer)
    theirs = slicerio.read_segmentation(str(from_slicer))
    assert [segment.name for segment in found.segments] == slicerio.segment_names(theirs)
    for mask, segment in zip(found.masks, theirs["segments"], strict=True):
        assert mask.any()
        assert np.array_equal((theirs["voxels"][segment["layer"]] == segment["labelValue"]).T, mask)


def test_a_label_map_of_floats_is_read_and_absent_labels_are_skipped(tmp_path: Path) -> None:
    labels = (2 * apart()[0] + 7 * apart()[1]).astype(np.float32)
    sitk.WriteImage(GRID.to_image(labels), str(tmp_path / "labels.nii.gz"))
    found = read_segmentation(tmp_path / "labels.nii.gz")
    assert [segment.name for segment in found.segments] == ["label 2", "label 7"]
    assert np.array_equal(found.masks, apart())


def test_a_flat_label_map_becomes_one_slice(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.eye(4, dtype=np.uint8)), str(tmp_path / "flat.nrrd"))
    assert np.array_equal(read_segmentation(tmp_path / "flat.nrrd").masks, [[np.eye(4)]])


def test_equal_results_are_equal_files_whenever_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, [np.ones((2, 3, 4))], [Segment("a", (1, 0, 0))], Geometry((4, 3, 2)))
    header = path.read_bytes().partition(b"\n\n")[0]
    assert not re.search(rb"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}", header)
    assert read_segmentation(path).masks[0].all()


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz"])
def test_of_many_objects_one_mask_at_a_time_is_in_memory(tmp_path: Path, suffix: str) -> None:
    number, shape = 60, (60, 64, 64)
    masks = np.zeros((number, *shape), bool)
    for place, mask in enumerate(masks):
        mask[place] = True
    path, geometry = tmp_path / f"organs{suffix}", Geometry(shape[::-1])
    write_segmentation(path, list(masks), [Segment(f"organ {n}") for n in range(number)], geometry)
    tracemalloc.start()
    try:
        found = read_segmentation(path)
        for place, mask in enumerate(found.masks):
            assert mask[place].all()
            assert np.count_nonzero(mask) == 64 * 64
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert place == number - 1
    assert most < number / 2 * masks[0].size, "half of all masks were in memory at once"
    assert [mask.sum() for mask in found.masks[1:3]] == 2 * [64 * 64]
    with pytest.raises(IndexError):
        found.masks[number]
    with pytest.raises(ValueError, match="read-only"):
        found.masks[0][0] = 0
