"""Files on which readers hang, crash or take all memory: refused by name, and usual files never tried in a child."""

from __future__ import annotations

import gzip
import os
import struct
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from PromptOnceLib.errors import (
    OutOfMemoryError,
    PromptOnceError,
    ReaderCrashError,
    SegmentationFileError,
    VolumeError,
)
from PromptOnceLib.imaging.image_file import check_readable
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.screening import screen
from PromptOnceLib.segmentation.io import read_segmentation
from PromptOnceLib.segmentation.reference import read_reference

NRRD = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
META = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
VOXELS = b"12345678"
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files on Windows")


@pytest.fixture
def no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header alone has to tell."""

    def never(path: Path) -> None:
        raise AssertionError(f"{path.name} was tried in a child process")

    monkeypatch.setattr(screen, "try_reader", never)


def nifti(tmp_path: Path, name: str = "a.nii") -> Path:
    path = tmp_path / name
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)), str(path))
    return path


def changed(path: Path, *changes: tuple[int, bytes]) -> Path:
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place : place + len(value)] = value
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("no_trial")
class TestByTheHeaderAlone:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.nhdr", "a.mha", "a.mhd", "a.hdr", "a.img"])
    @pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64])
    def test_usual_volumes_pass(self, tmp_path: Path, name: str, kind: type) -> None:
        array = np.arange(24).reshape(2, 3, 4).astype(kind)
        written = tmp_path / name.replace(".img", ".hdr")
        sitk.WriteImage(sitk.GetImageFromArray(array), str(written), useCompression=name.endswith(("rd", "ha")))
        assert np.array_equal(read_volume(tmp_path / name).array, array)

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
    def test_usual_pictures_pass(self, tmp_path: Path, name: str) -> None:
        Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(tmp_path / name)
        assert read_volume(tmp_path / name).array.shape == (1, 3, 4)

    def test_long_texts_in_a_nrrd_header_pass(self, tmp_path: Path) -> None:
        path = tmp_path / "a.nrrd"
        texts = f"# {'c' * 3000}\ncontent: {'c' * 3000}\nkey:={'v' * 3000}\n"
        path.write_bytes(f"{NRRD}{texts}\n".encode() + VOXELS)
        assert read_volume(path).array.shape == (2, 2, 2)

    @pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
    @pytest.mark.parametrize("place", [80, 256, 268, 300], ids=["spacing", "quaternion", "offset", "affine"])
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_a_nifti_form_that_is_no_number(self, tmp_path: Path, value: float, place: int, name: str) -> None:
        path = changed(nifti(tmp_path), (place, struct.pack("<f", value)))
        if name.endswith(".gz"):
            path = tmp_path / name
            path.write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
        with pytest.raises(VolumeError, match=f"{name} .* position"):
            read_volume(path)

    @pytest.mark.parametrize(
        ("name", "text", "wrong"),
        [
            ("a.mha", META.replace("NDims = 3", "NDims = 99999"), "99999 dimensions"),
            ("a.mha", META.replace("NDims = 3", "NDims = -1"), "-1 dimensions"),
            ("a.nrrd", NRRD.replace("dimension: 3", "dimension: 999999") + "\n", "999999 dimensions"),
            ("a.nrrd", NRRD + "line skip: 2000000000\n\n", "skips more"),
            ("a.nrrd", NRRD + "byte skip: 2000000000\n\n", "skips more"),
            ("a.nrrd", NRRD.replace("2 2 2", "60000 60000 60000") + "\n", "incomplete"),
            ("a.nrrd", NRRD.replace("2 2 2", "9999 9999 10").replace("raw", "gzip") + "\n", "incomplete"),
            ("a.mha", META.replace("2 2 2", "60000 60000 60000"), "incomplete"),
            ("a.mha", "CompressedData = True\nCompressedDataSize = 99999999999\n" + META, "incomplete"),
        ],
    )
    def test_a_text_header_that_claims_too_much(self, tmp_path: Path, name: str, text: str, wrong: str) -> None:
        path = tmp_path / name
        path.write_bytes(text.encode() + VOXELS)
        with pytest.raises(VolumeError, match=f"{name} .*{wrong}"):
            read_volume(path)

    @posix
    @pytest.mark.parametrize("voxels", ["/dev/zero", "pipe"])
    @pytest.mark.parametrize(
        "text",
        [
            NRRD + "data file: {}\n\n",
            NRRD + "data file: {}\nline skip: 5\n\n",
            NRRD + "data file: LIST\n{}\n",
            META.replace("LOCAL", "{}"),
            META.replace("LOCAL", "LIST\n{}"),
        ],
    )
    def test_voxels_in_a_device_or_a_pipe(self, tmp_path: Path, text: str, voxels: str) -> None:
        os.mkfifo(tmp_path / "pipe")
        path = tmp_path / ("a.nhdr" if text.startswith("NRRD") else "a.mhd")
        path.write_text(text.format(voxels))
        with pytest.raises(VolumeError, match=rf"{path.name} .*{voxels}.* not an ordinary file"):
            read_volume(path)

    @pytest.mark.parametrize("size", [26, 43, 53])
    def test_a_bmp_that_is_cut_off_in_its_header_or_pixels(self, tmp_path: Path, size: int) -> None:
        path = tmp_path / "a.bmp"
        header = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
        path.write_bytes(header + b"x" * 100)
        with pytest.raises(VolumeError, match=r"a\.bmp is incomplete"):
            read_volume(path)

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_a_picture_of_kilobytes_that_claims_gigabytes(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        Image.fromarray(np.zeros((3, 4), np.uint8)).save(path)
        if name == "a.png":
            changed(path, (16, struct.pack(">II", 60000, 60000)))
            changed(path, (29, struct.pack(">I", crc32(path.read_bytes()[12:29]))))
        else:
            content = path.read_bytes()
            tags = content.index(struct.pack("<HHI", 279, 4, 1))
            changed(path, (tags + 8, struct.pack("<I", 1 << 31)))
        with pytest.raises(VolumeError, match=f"{name} is incomplete"):
            read_volume(path)

    def test_an_image_larger_than_the_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("PromptOnceLib.imaging.screening.claims.total_memory", lambda: 40)
        with pytest.raises(OutOfMemoryError, match=r"a\.nii"):
            read_volume(nifti(tmp_path))


@posix
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "pipe"])
def test_devices_and_pipes_are_no_images(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (check_readable, read_volume):
        with pytest.raises(VolumeError, match="not an ordinary file"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "line", ["a" * 1100, f"encoding: {'x' * 1100}", f"kinds: domain domain {'x' * 1100}", f"key: with {'v' * 3000}"]
)
def test_a_nrrd_line_that_ends_its_reader(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.nrrd"
    header = NRRD.replace("encoding: raw\n", "")
    path.write_bytes(f"{header}{line}\n\n".encode() + VOXELS)
    with pytest.raises(ReaderCrashError, match=r"a\.nrrd"):
        read_volume(path)
    with pytest.raises(SegmentationFileError, match=r"a\.nrrd"):
        read_segmentation(path)
    with pytest.raises(SegmentationFileError, match=r"a\.nrrd"):
        read_reference(path, read_volume(nifti(tmp_path)).geometry)


def test_a_file_that_its_reader_refuses_keeps_that_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(b"no image")
    with pytest.raises(VolumeError, match="not an image of a known kind"):
        read_volume(path)


def test_a_reader_that_hangs_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes, SimpleITK\nSimpleITK.ImageFileReader.Execute = lambda reader: ctypes.PyDLL(None).pause()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ReaderCrashError, match=r"a\.nii cannot be read: it hangs"):
        screen.try_reader(nifti(tmp_path), seconds=2)


def test_no_header_that_hurt_a_reader_gets_through(shared_data: Path) -> None:
    folder = shared_data.parent / "cases" / "faults"
    if not folder.is_dir():
        pytest.skip(f"the damaged headers are not at {folder}")
    fine = {f"real-{name}.nrrd" for name in ("comment", "content", "keyvalue", "labels", "longkey")}
    for path in sorted(folder.iterdir()):
        if path.name in fine:
            assert read_volume(path).array.shape == (2, 2, 2)
        else:
            with pytest.raises(PromptOnceError, match=path.name):
                read_volume(path)
