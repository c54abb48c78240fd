"""DICOM series, X-rays and files that are not images, written here; real ones are in test_shared_data."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from imaging.dicom_files import PATIENT, make_monochrome1, write_dicom, write_series
from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.read import read_volume


def test_a_folder_is_read_in_the_order_of_positions_not_of_names(tmp_path):
    write_series(tmp_path, [30, 32.5, 35])
    volume = read_volume(tmp_path)
    assert volume.array[:, 0, 0].tolist() == [0, 1, 2]
    assert volume.geometry.size == (5, 4, 3)
    assert volume.geometry.spacing == pytest.approx((0.5, 0.75, 2.5))
    assert volume.geometry.origin == pytest.approx((10, 20, 30))
    assert volume.modality == "CT"
    assert volume.notices == ()


def test_a_file_of_a_series_brings_the_whole_series_with_a_notice(tmp_path):
    paths = write_series(tmp_path, [0, 2, 4])
    write_series(tmp_path, [0, 2, 4, 6], value=50, prefix="b", t0020_000e="1.2.4")
    volume = read_volume(paths[1])
    assert volume.array[:, 0, 0].tolist() == [0, 1, 2]
    assert "whole series" in volume.notices[0]


def test_the_only_slice_of_a_series_is_read_alone(tmp_path):
    (path,) = write_series(tmp_path, [0])
    volume = read_volume(path)
    assert volume.geometry.size == (5, 4, 1)
    assert volume.notices == ()


def test_of_several_series_the_longest_is_taken_and_the_notice_says_how_to_choose(tmp_path):
    write_series(tmp_path, [0, 2], t0008_103e="Scout 2")
    write_series(tmp_path, [0, 1, 2, 3], value=50, prefix="b", t0020_000e="1.2.4", t0008_103e="Thorax 1.0")
    volume = read_volume(tmp_path)
    assert volume.array[:, 0, 0].tolist() == [50, 51, 52, 53]
    (notice,) = volume.notices
    assert "4 slices, CT, Thorax 1.0" in notice
    assert "give a file of that series" in notice


def test_localizers_segmentations_and_other_files_do_not_disturb_a_series(tmp_path):
    write_series(tmp_path, [0, 2, 4])
    write_series(tmp_path, range(9), prefix="s", t0020_000e="1.2.4", t0008_0008="ORIGINAL\\PRIMARY\\LOCALIZER")
    # A scout in the series itself, seen from the side.
    scout = {"t0020_0037": "0\\1\\0\\0\\0\\-1", "t0008_0008": "ORIGINAL\\PRIMARY\\LOCALIZER"}
    write_dicom(tmp_path / "scout.dcm", np.zeros((1, 7, 8), np.int16), **scout)
    write_series(tmp_path, range(5), prefix="g", t0020_000e="1.2.5", t0008_0060="SEG")
    (tmp_path / "readme.txt").write_text("not an image")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    volume = read_volume(tmp_path)
    assert volume.array[:, 0, 0].tolist() == [0, 1, 2]
    assert volume.notices == ()


def test_a_missing_slice_is_refused_and_the_gap_is_named(tmp_path):
    write_series(tmp_path, [0, 2, 4, 8, 10, 12])
    with pytest.raises(VolumeError, match=r"missing.*between slices 2 and 3.*4 mm instead of 2 mm"):
        read_volume(tmp_path)


def test_two_images_at_one_position_are_refused(tmp_path):
    write_series(tmp_path, [0, 2, 2, 4, 6])
    with pytest.raises(VolumeError, match=r"Slices 1 and 2 .* same position"):
        read_volume(tmp_path)


def test_two_phases_of_every_slice_are_refused(tmp_path):
    write_series(tmp_path, [0, 0, 2, 2, 4, 4])
    with pytest.raises(VolumeError, match="same position"):
        read_volume(tmp_path)


def test_slightly_uneven_slices_get_the_mean_spacing_and_a_notice(tmp_path):
    write_series(tmp_path, [0, 2, 4.2, 6])
    volume = read_volume(tmp_path)
    assert volume.geometry.spacing[2] == pytest.approx(2)
    assert "uneven" in volume.notices[0]


def test_clearly_uneven_slices_are_refused(tmp_path):
    write_series(tmp_path, [0, 2, 4, 6.6, 8.6])
    with pytest.raises(VolumeError, match="unevenly spaced: between slices 2 and 3"):
        read_volume(tmp_path)


def test_a_copy_of_a_file_is_left_out_with_a_notice(tmp_path):
    paths = write_series(tmp_path, [0, 2, 4])
    (tmp_path / "copy.dcm").write_bytes(paths[0].read_bytes())
    volume = read_volume(tmp_path)
    assert volume.geometry.size[2] == 3
    assert "copies" in volume.notices[0]


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path):
    for index in range(6):
        origin = (0.0, index * 2.0 * np.tan(np.radians(15)), index * 2.0)
        write_dicom(tmp_path / f"{index}.dcm", np.zeros((1, 4, 5), np.int16), origin)
    with pytest.raises(GeometryError, match="tilt of about 15"):
        read_volume(tmp_path)


def test_an_oblique_series_keeps_its_direction(tmp_path):
    angle = np.radians(30)
    row, column = np.array([1, 0, 0]), np.array([0, np.cos(angle), np.sin(angle)])
    normal = np.cross(row, column)
    orientation = "\\".join(f"{value:.8f}" for value in (*row, *column))
    for index in range(4):
        origin = tuple(np.array([5, 6, 7]) + 3 * index * normal)
        write_dicom(tmp_path / f"{9 - index}.dcm", np.full((1, 4, 5), index, np.int16), origin, t0020_0037=orientation)
    volume = read_volume(tmp_path)
    matrix = volume.geometry.ijk_to_lps()
    np.testing.assert_allclose(matrix[:3, 0], 0.5 * row, atol=1e-5)
    np.testing.assert_allclose(matrix[:3, 1], 0.75 * column, atol=1e-5)
    np.testing.assert_allclose(matrix[:3, 2], 3 * normal, atol=1e-5)
    np.testing.assert_allclose(matrix[:3, 3], (5, 6, 7), atol=1e-5)
    assert volume.array[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_values_are_rescaled_to_hounsfield_units(tmp_path):
    write_series(tmp_path, [0, 2], value=-1000, t0028_1052="-1024", t0028_1053="1")
    volume = read_volume(tmp_path)
    assert volume.array[:, 0, 0].tolist() == [-1000, -999]
    assert volume.array.dtype.kind == "i"


def test_a_series_with_a_rescale_of_its_own_on_every_slice_keeps_fractions(tmp_path):
    _, last = write_series(tmp_path, [0, 2], value=375, t0028_1053="125", t0028_1052="0", t0008_0060="PT")
    contents = last.read_bytes()
    assert contents.count(b"125 ") == 1
    last.write_bytes(contents.replace(b"125 ", b"0.5 "))
    # Both slices store 3.
    assert read_volume(tmp_path).array[:, 0, 0].tolist() == [375, 1.5]


def test_monochrome1_is_inverted_once_with_a_notice(tmp_path):
    pixels = np.arange(20, dtype=np.uint16).reshape(1, 4, 5)
    path = make_monochrome1(write_dicom(tmp_path / "chest.dcm", pixels, t0008_0060="DX", t0020_0032="", t0020_0037=""))
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, 65535 - pixels)
    assert "MONOCHROME1" in volume.notices[0]
    assert volume.modality == "DX"


def test_monochrome1_is_inverted_in_a_series_too(tmp_path):
    for path in write_series(tmp_path, [0, 2], t0008_0060="MR"):
        make_monochrome1(path)
    array = read_volume(tmp_path).array
    assert (array[0] > array[1]).all()


def test_x_rays_of_one_series_are_not_stacked(tmp_path):
    frontal, _lateral = write_series(tmp_path, [0, 2], t0008_0060="CR")
    assert read_volume(frontal).geometry.size == (5, 4, 1)
    folder = read_volume(tmp_path)
    assert folder.geometry.size == (5, 4, 1)
    assert "2 image series" in folder.notices[0]


def test_a_multi_frame_file_becomes_a_stack_with_a_notice(tmp_path):
    pixels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    volume = read_volume(write_dicom(tmp_path / "loop.dcm", pixels, t0008_0060="US", t0020_0032="", t0020_0037=""))
    np.testing.assert_array_equal(volume.array, pixels)
    assert "3 frames" in volume.notices[0]


def test_a_colour_dicom_becomes_grey(tmp_path):
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 1] = 100
    path = tmp_path / "colour.dcm"
    sitk.WriteImage(sitk.GetImageFromArray(image, isVector=True), str(path))
    volume = read_volume(path)
    assert np.unique(volume.array).tolist() == [59]
    assert "colour" in volume.notices[0]


def test_a_dicom_segmentation_is_refused_as_an_image(tmp_path):
    path = write_dicom(tmp_path / "seg.dcm", np.zeros((3, 4, 5), np.uint8), t0008_0060="SEG")
    with pytest.raises(VolumeError, match="without an image"):
        read_volume(path)


def test_a_folder_without_images_is_refused_with_a_hint(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(VolumeError, match="holds no DICOM image"):
        read_volume(tmp_path)


def test_nothing_of_the_patient_reaches_the_volume_or_an_error(tmp_path):
    paths = write_series(tmp_path / "good", [0, 2, 4])
    volume = read_volume(paths[0])
    told = [*volume.notices, repr(volume.scanner), repr(volume.geometry), volume.modality]
    for positions in ([0, 2, 2, 4], [0, 2, 4, 8, 10], [0, 2, 4, 6.6, 8.6]):
        folder = tmp_path / f"bad{len(told)}"
        write_series(folder, positions)
        with pytest.raises(VolumeError) as refused:
            read_volume(folder)
        told += [refused.value.message, refused.value.detail]
    assert not any(secret in text for text in told for secret in (PATIENT, "ID4711", "1.2.3"))


def test_reading_dicom_prints_nothing(tmp_path, capfd):
    write_series(tmp_path, [0, 2, 4.2, 6])
    (tmp_path / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\x60\x00CS\x02\x00CT")
    read_volume(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_two_copies_of_the_only_slice_are_one_slice(tmp_path):
    (path,) = write_series(tmp_path, [0], value=7)
    (tmp_path / "copy.dcm").write_bytes(path.read_bytes())
    volume = read_volume(tmp_path)
    assert volume.geometry.size == (5, 4, 1)
    assert np.unique(volume.array).tolist() == [7]
