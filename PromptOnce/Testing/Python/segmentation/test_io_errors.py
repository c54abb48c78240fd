"""Segmentations that cannot be written or read: what is said, and that no broken file is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, SegmentationFileError
from PromptOnceLib.segmentation import io
from PromptOnceLib.segmentation.io import SUFFIXES, read_segmentation, write_segmentation
from PromptOnceLib.segmentation.segment import Segment
from segmentation.sample_segmentations import GRID, LIVER, apart, segments


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"out{suffix}"
    write_segmentation(path, apart(), segments(2), GRID)
    old = path.read_bytes()

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    monkeypatch.setattr(sitk, "WriteImage", no_space)
    monkeypatch.setattr(io, "write_nifti", no_space)
    with pytest.raises(SegmentationFileError, match="disk is full"):
        write_segmentation(path, apart()[::-1], segments(2), GRID)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


WRITE_WITH_LITTLE_SPACE = """
import resource, sys
import numpy as np
from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.segmentation import io
from PromptOnceLib.segmentation.io import Segment, write_segmentation
from PromptOnceLib.imaging.volume import Geometry
mask = np.random.default_rng(0).random((40, 60, 60)) < 0.5
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_segmentation(sys.argv[1], [mask], [Segment("noise")], Geometry((60, 60, 40)))
except SegmentationFileError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes cannot be limited on Windows")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_while_writing_is_reported_and_nothing_stays(tmp_path: Path, suffix: str) -> None:
    source = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", WRITE_WITH_LITTLE_SPACE, str(tmp_path / f"out{suffix}")],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "disk" in done.stdout
    assert "full" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegmentationFileError, match="there is no folder"):
        write_segmentation(tmp_path / "missing" / "out.nii.gz", apart(), segments(2), GRID)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # File permissions do not stop an administrator, so the refusal is put in.
    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(SegmentationFileError, match="read-only"):
        write_segmentation(tmp_path / "out.seg.nrrd", apart(), segments(2), GRID)


@pytest.mark.parametrize("name", ["out.png", "out", "out.seg", "out.mhd"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    for refused in (
        lambda: write_segmentation(tmp_path / name, apart(), segments(2), GRID),
        lambda: read_segmentation(tmp_path / name),
    ):
        with pytest.raises(SegmentationFileError, match=r"\.seg\.nrrd, \.nii\.gz"):
            refused()


def test_masks_of_another_size_than_the_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError):
        write_segmentation(tmp_path / "out.nrrd", [np.zeros((3, 4, 4))], segments(1), GRID)


def test_nothing_to_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SegmentationFileError, match="no object"):
        write_segmentation(tmp_path / "out.nrrd", [], [], GRID)


@pytest.mark.parametrize("terminology", ["Liver", "a~b~c~d~e~f~g", LIVER + "~", "~" * 6])
def test_a_malformed_terminology_is_refused_and_nothing_is_written(tmp_path: Path, terminology: str) -> None:
    with pytest.raises(SegmentationFileError, match="not a terminology entry"):
        write_segmentation(tmp_path / "out.seg.nrrd", apart()[:1], [Segment("a", terminology=terminology)], GRID)
    assert list(tmp_path.iterdir()) == []


def test_a_colour_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="three numbers from 0 to 1"):
        Segment("a", (255, 0, 0))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"not a segmentation", b"NRRD0004\ntype: unsigned char\n\n"])
def test_a_damaged_file_is_reported(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"bad{suffix}").write_bytes(content)
    with pytest.raises(SegmentationFileError, match=r"damaged or|empty file"):
        read_segmentation(tmp_path / f"bad{suffix}")


def test_a_truncated_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "out.seg.nrrd"
    noise = (np.random.default_rng(0).random(GRID.shape) < 0.5).astype(np.uint8)
    write_segmentation(path, [noise], segments(1), GRID)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(SegmentationFileError, match="damaged"):
        read_segmentation(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SegmentationFileError, match="no segmentation at"):
        read_segmentation(tmp_path / "out.seg.nrrd")


@pytest.mark.parametrize(
    "voxels",
    [
        np.linspace(0, 1, 60).reshape(3, 4, 5),
        np.arange(-30, 30).reshape(3, 4, 5),
        np.full((3, 4, 5), np.nan),
        np.arange(2000, dtype=np.int16).reshape(10, 10, 20),
    ],
)
def test_an_image_is_not_taken_for_a_label_map(tmp_path: Path, voxels: NDArray[np.generic]) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / "image.nrrd"))
    with pytest.raises(SegmentationFileError, match="looks like an image"):
        read_segmentation(tmp_path / "image.nrrd")


def test_a_time_series_is_not_taken_for_a_label_map(tmp_path: Path) -> None:
    series = sitk.GetImageFromArray(np.zeros((2, 3, 4, 5), np.uint8), isVector=False)
    sitk.WriteImage(series, str(tmp_path / "series.nii.gz"))
    with pytest.raises(SegmentationFileError, match="4D image of 2 volumes"):
        read_segmentation(tmp_path / "series.nii.gz")
