"""Damaged headers that make libraries raise what nobody expects: refused with a sentence, and without their remarks."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from imaging.nifti_files import affine, voxels, write_nifti_image
from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.screening.screen import screen_file


def refused(path: Path) -> str:
    with pytest.raises(VolumeError, match=path.name) as error:
        read_volume(path)
    return error.value.message


@pytest.mark.parametrize("size", [348, 540])
def test_a_packed_nifti_that_ends_in_its_header(tmp_path: Path, size: int) -> None:
    path = write_nifti_image(
        tmp_path / "a.nii", (affine(), 1), kind=nib.Nifti1Image if size == 348 else nib.Nifti2Image
    )
    for kept in (200, size - 1):
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()[:kept]))
        refused(tmp_path / "b.nii.gz")


def test_a_nifti_scaled_beyond_all_numbers(tmp_path: Path) -> None:
    path = write_nifti_image(tmp_path / "a.nii", (affine(), 1), kind=nib.Nifti2Image)
    content = bytearray(path.read_bytes())
    content[176:192] = struct.pack("<2d", 1e60, 0)
    path.write_bytes(content)
    refused(path)


def test_an_analyze_slice_of_two_dimensions(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nib.save(nib.AnalyzeImage(voxels()[:, :, 0], np.diag([2.0, 3.0, 1.0, 1.0])), tmp_path / "a.img")
    assert read_volume(tmp_path / "a.img").array.shape == (1, 10, 12)
    assert capfd.readouterr() == ("", ""), "not even that Analyze is an old format"


def test_a_nifti_of_two_dimensions_that_itk_does_not_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(voxels()[:, :, 0], None), tmp_path / "a.img")
    header = bytearray((tmp_path / "a.hdr").read_bytes())
    header[344:348] = b"\0\0\0\0"  # Analyze: nothing says where it lies
    header[76:80] = struct.pack("<f", -1.5)
    (tmp_path / "a.hdr").write_bytes(header)
    assert read_volume(tmp_path / "a.img").geometry.spacing[2] == 1.0


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "bmp"])
def test_a_picture_that_ends_in_its_header_or_its_pixels(tmp_path: Path, kind: str, kept: float) -> None:
    path = tmp_path / f"a.{kind}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 7)).astype(np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * (len(content) - 14))])
    refused(path)


@pytest.mark.parametrize("length", [15, 18, 26, 40, 53])
def test_a_bmp_that_ends_within_its_headers(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.full((9, 7, 3), 90, np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:length])
    assert "incomplete" in refused(path)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_a_tiff_that_claims_more_pixels_than_its_strips_can_hold(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((9, 7), np.uint16)).save(path, compression=compression)
    content = bytearray(path.read_bytes())
    tag = content.index(struct.pack("<H", 257), 8)
    content[tag + 2 : tag + 12] = struct.pack("<HII", 4, 1, 500_000_000)  # rows
    path.write_bytes(content)
    with pytest.raises(VolumeError, match="incomplete"):
        screen_file(path)


@pytest.mark.parametrize("chunk", [b"IHDR", b"PLTE"])
def test_a_png_whose_chunks_are_too_short(tmp_path: Path, chunk: bytes) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((9, 7), np.uint8)).convert("P").save(path)
    content = bytearray(path.read_bytes())
    place = content.index(chunk)
    content[place - 4 : place] = struct.pack(">I", 1)
    path.write_bytes(content)
    refused(path)


def test_a_tiff_whose_directory_ends_too_early(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(path)
    content = path.read_bytes()
    start = struct.unpack("<I", content[4:8])[0]
    path.write_bytes(content[: start + 5])
    refused(path)
