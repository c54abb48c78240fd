"""The DICOM files that were read wrongly in hospitals, each with its right value; they lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from PromptOnceLib.errors import GeometryError, SeveralVolumesError, VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.imaging.window import to_uint8, window_from_text

BLOB = slice(15, 18)  # rows and columns in its middle


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Path:
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the cases are not at {folder}")
    return folder


def is_the_usual_volume(volume: Volume) -> bool:
    geometry = volume.geometry
    return (
        geometry.size == (32, 32, 10)
        and np.allclose(geometry.spacing, (0.8, 0.8, 2.5))
        and np.allclose(geometry.origin, (-20, -30, 100))
        and (int(volume.array.min()), int(volume.array.max())) == (-1006, 300)
    )


@pytest.mark.parametrize(
    "name",
    [
        "dicom-same-instance-uid/dicom",
        "dicom-series-uid-per-slice/dicom",
        "mf-frames-interleaved/mf.dcm",
        "mf-position-rounded/mf.dcm",
    ],
)
def test_all_slices_come_in_their_order(cases: Path, name: str) -> None:
    assert is_the_usual_volume(read_volume(cases / name))


def test_interleaved_frames_are_those_of_the_file_by_position(cases: Path) -> None:
    path = cases / "mf-frames-interleaved" / "mf.dcm"
    dataset = pydicom.dcmread(path)
    heights = [
        float(group.PlanePositionSequence[0].ImagePositionPatient[2])
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    rule = dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    values = dataset.pixel_array[np.argsort(heights)] * float(rule.RescaleSlope) + float(rule.RescaleIntercept)
    np.testing.assert_array_equal(read_volume(path).array, values)


def test_two_phases_are_two_volumes(cases: Path) -> None:
    path = cases / "mf-two-phases" / "mf.dcm"
    with pytest.raises(SeveralVolumesError, match="2 volumes"):
        read_volume(path)
    assert is_the_usual_volume(read_volume(path, "1"))
    assert read_volume(path, "2").geometry.size == (32, 32, 10)


def test_every_frame_has_its_own_rescale(cases: Path) -> None:
    array = read_volume(cases / "mf-rescale-per-frame" / "mf.dcm").array
    blob = array[4:8, BLOB, BLOB].reshape(4, -1)
    assert np.allclose(np.median(blob, axis=1), 4440, atol=25), np.median(blob, axis=1)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("dicom-last-slice-empty/dicom", VolumeError, r"IM0009\.dcm"),
        ("dicom-mosaic/mosaic.dcm", VolumeError, "mosaic"),
        ("mf-gantry-tilt/mf.dcm", GeometryError, r"21\.8 degrees"),
        ("messages-dicom-without-pixels/DICOMDIR", VolumeError, "index of a disc"),
        ("messages-dicom-without-pixels/sr.dcm", VolumeError, "structured report"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_with_the_reason(
    cases: Path, name: str, error: type[VolumeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_volume(cases / name)


def test_an_assumed_pixel_size_is_told_and_that_of_ultrasound_is_known(cases: Path) -> None:
    assumed = read_volume(cases / "dicom-ct-without-pixel-spacing" / "dicom")
    assert any("1 mm is assumed" in notice for notice in assumed.notices)
    assert read_volume(cases / "us-region-spacing" / "us.dcm").geometry.spacing[:2] == pytest.approx((0.2, 0.2))


def greys(volume: Volume, *values: float) -> list[int]:
    """What values become in the automatic window."""
    shown = to_uint8(np.array([[values]], np.float32), window_from_text("auto", volume))
    return [int(grey) for grey in shown.ravel()]


def test_padding_does_not_stretch_the_greys_of_an_mr(cases: Path) -> None:
    blob, fat, air = greys(read_volume(cases / "mr-padding-low" / "dicom"), 1100, 900, 0)
    # 255 for the brightest tissue that is left: the marker of 1300 lies below the padding.
    assert (blob - fat, air) == (pytest.approx(46, abs=3), pytest.approx(1, abs=1))


def test_an_x_ray_is_shown_in_the_window_of_its_file(cases: Path) -> None:
    window = window_from_text("auto", read_volume(cases / "dx-window-of-the-file" / "dx.dcm"))
    assert (window.lower, window.upper) == pytest.approx((900, 1200), abs=1)


def test_one_tissue_of_a_pet_has_one_value_on_all_slices(cases: Path) -> None:
    array = read_volume(cases / "pet-monochrome1-slopes" / "dicom").array
    blob = np.median(array[4:8, BLOB, BLOB].reshape(4, -1), axis=1)
    assert np.ptp(blob) <= 0.01 * blob.mean(), blob
