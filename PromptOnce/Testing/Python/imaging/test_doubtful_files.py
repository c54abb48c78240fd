"""Files that were cut off, several images in one, and files that are hardly the image that was meant."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.read import read_volume

NOISE = np.random.default_rng(0).integers(1, 30_000, (12, 30, 40)).astype(np.uint16)
BYTES = (NOISE // 120).astype(np.uint8)
# (k, j, i, components) of a volume whose channels differ
COLOURS = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
SHARES = (0.3, 0.5, 0.7, 0.9, 0.99)


def save(path: Path, array: np.ndarray, compressed: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path), compressed)
    return path


def cut(path: Path, share: float) -> None:
    contents = path.read_bytes()
    path.write_bytes(contents[: int(share * len(contents))])


# --- cut off


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    ("name", "array", "compressed"),
    [
        ("stack.tif", NOISE, False),
        ("stack.tiff", NOISE, True),
        ("stack.TIF", BYTES, False),
        ("picture.tif", BYTES[0], False),
        ("picture.jpg", BYTES[0], False),
        ("picture.bmp", BYTES[0], False),
    ],
)
def test_a_picture_that_was_cut_off_is_refused_as_incomplete(tmp_path, name, array, compressed, share):
    path = save(tmp_path / name, array, compressed)
    assert read_volume(path).array.shape[-2:] == (30, 40)
    cut(path, share)
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(path)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    ("mode", "options"),
    [("L", {}), ("RGB", {"progressive": True}), ("I;16", {"compression": "tiff_lzw"}), ("1", {})],
)
def test_pictures_of_pillow_that_were_cut_off_are_refused(tmp_path, mode, options, share):
    name = "picture.jpg" if "progressive" in options or (not options and mode == "L") else "picture.tif"
    path = tmp_path / name
    (Image.fromarray(NOISE[0]) if mode == "I;16" else Image.fromarray(BYTES[0]).convert(mode)).save(path, **options)
    read_volume(path)
    cut(path, share)
    with pytest.raises(VolumeError, match=r"incomplete|cannot be read"):
        read_volume(path)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["image.mhd", "image.mha", "image.nhdr", "image.nrrd"])
def test_voxels_of_nrrd_and_metaimage_that_were_cut_off_are_refused(tmp_path, name, compressed, share):
    path = save(tmp_path / name, NOISE, compressed)
    cut(max(tmp_path.iterdir(), key=lambda file: file.stat().st_size), share)
    with pytest.raises(VolumeError, match=r"incomplete|cannot be read"):
        read_volume(path)


# --- several images in one


def save_nrrd(path: Path, kinds: list[str], array: np.ndarray, **fields: str) -> Path:
    """array: (components, i, j, k)."""
    header = {"space": "left-posterior-superior", "kinds": kinds, "space origin": [0, 0, 0], **fields}
    header["space directions"] = np.vstack([np.full(3, np.nan), np.diag([1, 1, 2])])
    nrrd.write(str(path), array, header)
    return path


@pytest.mark.parametrize("count", [2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_an_nrrd_sequence_is_refused_as_one(tmp_path, count, dtype):
    frames = np.zeros((count, 5, 4, 3), dtype)
    path = save_nrrd(tmp_path / "cine.seq.nrrd", ["list", "domain", "domain", "domain"], frames)
    with pytest.raises(VolumeError, match=f"sequence of {count} volumes"):
        read_volume(path)


@pytest.mark.parametrize("key", ["DWMRI_b-value", "MultiVolume.NumberOfFrames"])
def test_diffusion_and_multivolume_files_are_refused_as_sequences(tmp_path, key):
    frames = np.zeros((3, 5, 4, 3), np.uint8)
    path = save_nrrd(tmp_path / "dwi.nrrd", ["vector", "domain", "domain", "domain"], frames, **{key: "3"})
    with pytest.raises(VolumeError, match="sequence of 3 volumes"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_three_values_of_16_bits_in_a_volume_are_no_colour_unless_it_says_so(tmp_path, suffix):
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint16), isVector=True), str(tmp_path / f"v{suffix}")
    )
    with pytest.raises(VolumeError, match="3 values per voxel"):
        read_volume(tmp_path / f"v{suffix}")
    path = save_nrrd(tmp_path / "c.nrrd", ["RGB-color", "domain", "domain", "domain"], COLOURS.T.astype(np.uint16))
    assert "colour" in read_volume(path).notices[0]


def test_a_colour_volume_of_bytes_is_still_read(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(COLOURS, isVector=True), str(tmp_path / "c.nrrd"))
    assert "colour" in read_volume(tmp_path / "c.nrrd").notices[0]


def test_the_shared_sequence_is_refused(shared_data: Path):
    path = shared_data.parent / "cases" / "nrrd-sequence-of-three" / "cine.seq.nrrd"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    with pytest.raises(VolumeError, match="sequence of 3 volumes"):
        read_volume(path)


# --- hardly the image that was meant


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_of_one_value_is_told(tmp_path, value):
    path = save(tmp_path / "image.nrrd", np.full((3, 4, 5), value, np.int16))
    assert f"the same value ({value})" in read_volume(path).notices[0]


def test_a_label_map_is_told_when_it_is_taken_for_an_image(tmp_path):
    organs = np.zeros((20, 60, 60), np.uint8)
    for number in range(1, 31):
        place = 6 * (number % 10)
        organs[5:15, place : place + 6, 10 * (number // 10) : 10 * (number // 10) + 9] = number
    for name, array in (("organs.nii.gz", organs), ("lung.nrrd", (organs == 3).astype(np.int16))):
        if name.endswith("nii.gz"):
            nib.save(nib.Nifti1Image(array.T, np.eye(4)), tmp_path / name)
        else:
            save(tmp_path / name, array)
        assert "looks like a segmentation" in read_volume(tmp_path / name).notices[-1]


@pytest.mark.parametrize("array", [NOISE, BYTES, NOISE.astype(np.int16) - 1024, NOISE / 7.0])
def test_nothing_is_said_of_ordinary_images(tmp_path, array):
    assert read_volume(save(tmp_path / "image.nrrd", array)).notices == ()


# --- a folder of pictures


def test_a_folder_of_pictures_is_read_in_natural_order(tmp_path):
    for number in (1, 2, 9, 10, 11):
        save(tmp_path / f"slice{number}.png", np.full((4, 6), number, np.uint8))
    volume = read_volume(tmp_path)
    assert volume.array[:, 0, 0].tolist() == [1, 2, 9, 10, 11]
    assert volume.geometry.shape == (5, 4, 6)
    assert "slice1.png first and slice11.png last" in volume.notices[0]
    assert "no picture with the number 3, 4, 5, 6, 7" in volume.notices[1]


def test_pictures_that_are_no_slices_of_one_volume_are_refused(tmp_path):
    save(tmp_path / "1.png", BYTES[0])
    save(tmp_path / "2.png", BYTES[0, :, 1:])
    with pytest.raises(VolumeError, match="no slices of one volume"):
        read_volume(tmp_path)


def test_a_picture_of_a_folder_that_was_cut_off_is_named(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.jpg", BYTES[number])
    cut(tmp_path / "1.jpg", 0.5)
    with pytest.raises(VolumeError, match=r"1\.jpg is incomplete"):
        read_volume(tmp_path)


def test_a_folder_of_slices_in_pages_is_refused(tmp_path):
    save(tmp_path / "stack.tif", BYTES)
    with pytest.raises(VolumeError, match="12 pages"):
        read_volume(tmp_path)
