"""Files other than DICOM: kinds, dimensions, colours, and everything that cannot be read."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.image_file import read_image_file, read_size
from PromptOnceLib.imaging.read import read_volume

RNG = np.random.default_rng(0)


def write(path, array, **kwargs):
    sitk.WriteImage(sitk.GetImageFromArray(array, **kwargs), str(path))
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_voxels_keep_their_type(tmp_path, dtype, suffix):
    array = RNG.integers(0, 200, (3, 4, 5)).astype(dtype)
    volume = read_volume(write(tmp_path / f"image{suffix}", array))
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, array)
    assert (volume.modality, volume.scanner, volume.notices) == ("", None, ())


@pytest.mark.parametrize("name", ["x.nii.gz", "x.nii", "x.nrrd", "x.mha", "x.mhd"])
def test_a_size_is_read_from_the_header_alone(tmp_path, name):
    path = write(tmp_path / name, RNG.integers(0, 200, (30, 40, 50)).astype(np.int16))
    if name not in ("x.mhd", "x.nii"):  # of these the length is compared with the header
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
    assert read_size(path) == (50, 40, 30)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "I;16"])
def test_a_picture_has_the_size_of_one_slice(tmp_path, mode):
    Image.new(mode, (6, 4)).save(tmp_path / "x.png")
    assert read_size(tmp_path / "x.png") == (6, 4, 1)


def test_the_size_of_what_is_no_image_is_refused(tmp_path):
    for name in ("x.nii.gz", "x.nrrd", "x.png"):
        (tmp_path / name).write_text("hello")
        with pytest.raises(VolumeError, match=name):
            read_size(tmp_path / name)
    with pytest.raises(VolumeError, match="does not exist"):
        read_size(tmp_path / "gone.nrrd")


def test_nan_and_infinities_are_kept(tmp_path):
    array = np.array([np.nan, np.inf, -np.inf, 1], np.float32).reshape(1, 2, 2)
    np.testing.assert_array_equal(read_volume(write(tmp_path / "image.nrrd", array)).array, array)


@pytest.mark.parametrize(
    ("name", "dtype"), [("x.png", np.uint8), ("x.png", np.uint16), ("x.jpg", np.uint8), ("x.tif", np.uint16)]
)
def test_a_2d_x_ray_becomes_one_slice(tmp_path, name, dtype):
    array = np.full((4, 6), 77, dtype)
    volume = read_volume(write(tmp_path / name, array))
    assert volume.geometry.shape == (1, 4, 6)
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array[0], array)
    assert volume.notices[0] == f"{name} states no pixel size: 1 mm is assumed, so distances are in pixels."


def test_the_pixel_size_of_a_2d_image_is_kept(tmp_path):
    image = sitk.GetImageFromArray(np.zeros((4, 6), np.uint8))
    image.SetSpacing((0.2, 0.3))
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    assert read_volume(tmp_path / "image.nrrd").geometry.spacing == (0.2, 0.3, 1.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_become_luminance_with_a_notice(tmp_path, dtype):
    array = np.zeros((1, 4, 3), dtype)
    array[0, :3] = np.eye(3) * 200
    array[0, 3] = 123
    volume = read_volume(write(tmp_path / "colour.png", array, isVector=True))
    assert volume.array.ravel().tolist() == [60, 117, 23, 123]
    assert volume.array.dtype == dtype
    assert "colour" in volume.notices[0]


def test_a_constant_alpha_channel_is_ignored_and_a_varying_one_is_told(tmp_path):
    array = np.full((2, 2, 4), 90, np.uint8)
    assert "transparency" not in "".join(read_volume(write(tmp_path / "a.png", array, isVector=True)).notices)
    array[0, 0, 3] = 0
    volume = read_volume(write(tmp_path / "b.png", array, isVector=True))
    assert "transparency" in volume.notices[0]
    assert np.unique(volume.array).tolist() == [90]


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_a_grey_picture_saved_with_three_equal_channels_is_not_called_one_in_colour(tmp_path, ending):
    grey = np.arange(250, dtype=np.uint8).reshape(10, 25)
    volume = read_volume(write(tmp_path / f"grey.{ending}", np.stack([grey] * 3, axis=-1), isVector=True))
    np.testing.assert_array_equal(volume.array[0], grey)
    assert not [notice for notice in volume.notices if "colour" in notice]


def test_a_grey_picture_with_alpha_is_read(tmp_path):
    picture = Image.new("LA", (6, 4), (50, 255))
    picture.save(tmp_path / "grey.png")
    assert np.unique(read_volume(tmp_path / "grey.png").array).tolist() == [50]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_in_which_white_is_0_is_turned_as_an_image_but_not_as_labels(tmp_path, dtype):
    array = RNG.integers(0, 200, (1, 6, 8)).astype(dtype)
    path = write(tmp_path / "film.tif", array)
    stored = path.read_bytes()
    black_is_0, white_is_0 = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    assert stored.count(black_is_0) == 1
    assert read_volume(path).array[0].tolist() == array[0].tolist()
    path.write_bytes(stored.replace(black_is_0, white_is_0))
    volume = read_volume(path)
    assert volume.array[0].tolist() == (np.iinfo(dtype).max - array[0]).tolist()
    assert any("white is 0" in notice for notice in volume.notices)
    assert read_image_file(path).array[0].tolist() == array[0].tolist()


def test_a_palette_picture_is_read_by_its_colours(tmp_path):
    picture = Image.new("P", (6, 4), 1)
    picture.putpalette([0, 0, 0, 80, 80, 80])
    picture.save(tmp_path / "palette.png")
    assert np.unique(read_volume(tmp_path / "palette.png").array).tolist() == [80]


def test_a_4d_image_is_refused_and_its_volumes_are_counted(tmp_path):
    path = write(tmp_path / "perfusion.nii.gz", np.zeros((5, 4, 3, 2), np.int16), isVector=False)
    with pytest.raises(VolumeError, match="4D image of 5 volumes"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_a_4d_image_of_one_volume_is_read(tmp_path, suffix):
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(1, 4, 3, 2), isVector=False)
    image.SetSpacing((0.5, 0.6, 0.7, 1))
    image.SetDirection((1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / f"image{suffix}"))
    volume = read_volume(tmp_path / f"image{suffix}")
    assert volume.geometry.size == (2, 3, 4)
    assert volume.geometry.spacing == pytest.approx((0.5, 0.6, 0.7))
    np.testing.assert_allclose(volume.geometry.ijk_to_lps()[:3, 2], (0, -0.7, 0), atol=1e-6)


@pytest.mark.parametrize(("components", "dtype"), [(2, np.uint8), (3, np.float32), (6, np.float32)])
def test_a_vector_image_is_refused(tmp_path, components, dtype):
    path = write(tmp_path / "vectors.nrrd", np.zeros((3, 4, 5, components), dtype), isVector=True)
    with pytest.raises(VolumeError, match=f"{components} values per voxel"):
        read_volume(path)


def test_complex_numbers_are_refused(tmp_path):
    image = sitk.Image((3, 4, 5), sitk.sitkComplexFloat32)
    sitk.WriteImage(image, str(tmp_path / "complex.mha"))
    with pytest.raises(VolumeError, match="complex"):
        read_volume(tmp_path / "complex.mha")


def test_a_segmentation_is_refused_as_an_image(tmp_path):
    with pytest.raises(VolumeError, match="segmentation, not an image"):
        read_volume(write(tmp_path / "lungs.seg.nrrd", np.zeros((3, 4, 5), np.uint8)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VolumeError, match=r"nowhere\.nii\.gz does not exist"):
        read_volume(tmp_path / "nowhere.nii.gz")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = write(tmp_path / "image.nrrd", np.zeros((3, 4, 5), np.uint8))
    path.chmod(0)
    with pytest.raises(VolumeError, match="permission denied"):
        read_volume(path)


@pytest.mark.parametrize("name", ["image.nii.gz", "image.nrrd", "image.dcm", "image.png", "image"])
def test_an_empty_file_is_told(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(VolumeError, match="empty file"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("name", ["image.nii.gz", "image.nii", "image.nrrd", "image.mha", "image.dcm", "image.png"])
def test_a_text_file_under_the_name_of_an_image_is_told(tmp_path, name):
    (tmp_path / name).write_text("This is not an image, whatever its name says.\n" * 20)
    with pytest.raises(VolumeError, match=f"{name} cannot be read"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".png"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, suffix):
    array = RNG.integers(0, 30_000, (20, 30, 40)).astype(np.uint16)
    path = write(tmp_path / f"image{suffix}", array[0] if suffix == ".png" else array)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VolumeError, match=r"incomplete|cannot be read"):
        read_volume(path)


def test_a_compressed_nifti_with_damaged_contents_is_refused(tmp_path):
    path = write(tmp_path / "image.nii.gz", RNG.integers(0, 30_000, (20, 30, 40)).astype(np.uint16))
    contents = bytearray(path.read_bytes())
    contents[-6] ^= 0xFF  # in the checksum and length at the end
    path.write_bytes(contents)
    with pytest.raises(VolumeError, match=r"damaged|incomplete"):
        read_volume(path)


def test_a_header_without_its_voxels_says_that_the_file_must_lie_beside(tmp_path):
    write(tmp_path / "image.mhd", np.zeros((3, 4, 5), np.uint8))
    for data in tmp_path.glob("image*raw"):
        data.unlink()
    with pytest.raises(VolumeError, match="beside it"):
        read_volume(tmp_path / "image.mhd")


def test_a_sheared_nrrd_is_refused(tmp_path):
    header = (
        "NRRD0004\ntype: uint8\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
        "space directions: (1,0,0) (0.3,1,0) (0,0,1)\nkinds: domain domain domain\nencoding: raw\n"
        "space origin: (0,0,0)\n\n"
    )
    (tmp_path / "sheared.nrrd").write_bytes(header.encode() + bytes(8))
    with pytest.raises(GeometryError, match="not perpendicular"):
        read_volume(tmp_path / "sheared.nrrd")


def test_a_sheared_nifti_is_refused(tmp_path):
    path = write(tmp_path / "sheared.nii", np.zeros((3, 4, 5), np.uint8))
    contents = bytearray(path.read_bytes())
    struct.pack_into("<2h", contents, 252, 0, 1)  # no quaternion, the matrix counts
    for row, values in enumerate(((1, 0.3, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0))):
        struct.pack_into("<4f", contents, 280 + 16 * row, *values)
    path.write_bytes(contents)
    with pytest.raises(GeometryError, match=r"sheared\.nii are not perpendicular"):
        read_volume(path)


def test_names_with_spaces_and_accents_are_read(tmp_path):
    folder = tmp_path / "Täst Ordner"
    folder.mkdir()
    assert read_volume(str(write(folder / "Bild ü.nii.gz", np.zeros((3, 4, 5), np.uint8)))).array.shape == (3, 4, 5)


def test_reading_ordinary_files_prints_nothing(tmp_path, capfd):
    for name in ("image.nii.gz", "image.nrrd", "image.mha"):
        read_volume(write(tmp_path / name, np.zeros((3, 4, 5), np.int16)))
    read_volume(write(tmp_path / "image.png", np.zeros((4, 5), np.uint8)))
    assert capfd.readouterr() == ("", "")


def test_warnings_of_itk_are_shown_again_afterwards(tmp_path):
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    read_volume(write(tmp_path / "image.nrrd", np.zeros((3, 4, 5), np.int16)))
    assert sitk.ProcessObject.GetGlobalWarningDisplay() == shown
