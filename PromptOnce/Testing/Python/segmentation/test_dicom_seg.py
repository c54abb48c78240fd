"""DICOM Segmentation objects: of series, of multi-frame files and of X-rays; read back here and by pydicom alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from imaging.dicom_files import PATIENT, write_dicom, write_series
from imaging.enhanced_files import slices, write_enhanced

from PromptOnceLib.errors import MissingPackageError, SegmentationFileError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.segmentation.formats.dicom_seg import check_source
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.segment import segments_of

pytest.importorskip("highdicom")
NAMED = {"t0020_000d": "1.2.3.1", "t0020_0052": "1.2.3.9", "t0008_0020": "20200101", "t0008_0030": "101112"}


@pytest.fixture
def series(tmp_path: Path) -> Volume:
    """Eight slices, read in the order of their places, which is not that of the files."""
    write_series(tmp_path / "ct", [2.5 * n for n in range(8)], shape=(16, 20), **NAMED)
    return read_volume(tmp_path / "ct")


def two_masks(volume: Volume) -> list[np.ndarray]:
    """They overlap, and leave slices empty at both ends."""
    first, second = np.zeros((2, *volume.array.shape), bool)
    first[2:5, 3:9, 4:12] = True
    second[4:6, 5:12, 1:7] = True
    return [first, second]


SEGMENTS = segments_of([ObjectPrompt(name="right kidney", color=(0.2, 0.6, 1.0)), ObjectPrompt(name="größe")])


def test_what_is_written_is_read_back_voxel_by_voxel(series: Volume, tmp_path: Path) -> None:
    masks = two_masks(series)
    assert write_segmentation(tmp_path / "r.dcm", masks, SEGMENTS, series.geometry, dicom=series.dicom) == ()
    found = read_segmentation(tmp_path / "r.dcm")
    assert [segment.name for segment in found.segments] == ["right kidney", "größe"]
    assert found.segments[0].color == pytest.approx((0.2, 0.6, 1.0), abs=0.01)
    for number, (mask, name) in enumerate(zip(masks, ("right kidney", "größe"), strict=True), start=1):
        for label in (number, name):
            array = read_reference(tmp_path / "r.dcm", series.geometry, [label])
            np.testing.assert_array_equal(array != 0, mask)


@pytest.mark.parametrize("marked", [(1, 4), (0, 2, 4), (1, 4, 6), (0, 7)])
def test_slices_without_any_object_between_others_stay_empty(
    series: Volume, tmp_path: Path, marked: tuple[int, ...]
) -> None:
    mask = np.zeros(series.array.shape, bool)
    mask[list(marked), 3:9, 4:12] = True
    write_segmentation(tmp_path / "r.dcm", [mask], SEGMENTS[:1], series.geometry, dicom=series.dicom)
    np.testing.assert_array_equal(read_reference(tmp_path / "r.dcm", series.geometry) != 0, mask)


def test_it_belongs_to_the_study_and_refers_to_the_slices_it_marks(series: Volume, tmp_path: Path) -> None:
    write_segmentation(tmp_path / "r.dcm", two_masks(series), SEGMENTS, series.geometry, dicom=series.dicom)
    seg = pydicom.dcmread(tmp_path / "r.dcm")
    assert seg.Modality == "SEG"
    assert (str(seg.PatientName), seg.StudyInstanceUID, seg.FrameOfReferenceUID) == (PATIENT, "1.2.3.1", "1.2.3.9")
    assert seg.NumberOfFrames == 3 + 2
    kidney = seg.SegmentSequence[0]
    assert kidney.SegmentedPropertyTypeCodeSequence[0].CodeValue == "64033007"
    side = kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert side.CodeMeaning == "Right"
    assert "for research only" in seg.SeriesDescription
    places = {
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2]) for frame in seg.PerFrameFunctionalGroupsSequence
    }
    assert places == {5.0, 7.5, 10.0, 12.5}
    assert series.dicom is not None
    by_place = {float(pydicom.dcmread(p).ImagePositionPatient[2]): p for p in series.dicom.files}
    assert list(by_place) == [2.5 * n for n in range(8)]
    for frame in seg.PerFrameFunctionalGroupsSequence:
        place = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert source == pydicom.dcmread(by_place[place]).SOPInstanceUID


@pytest.mark.parametrize(
    ("name", "label"),
    [("肝臓", "肝臓"), ("печень", "печень"), ("left\\right\tlobe", "left right lobe"), ("\\", "object")],
)
def test_names_of_every_language_and_with_odd_signs_are_kept(
    series: Volume, tmp_path: Path, name: str, label: str
) -> None:
    segments = segments_of([ObjectPrompt(name=name)])
    write_segmentation(tmp_path / "r.dcm", two_masks(series)[:1], segments, series.geometry, dicom=series.dicom)
    assert [segment.name for segment in read_segmentation(tmp_path / "r.dcm").segments] == [label]
    assert str(pydicom.dcmread(tmp_path / "r.dcm").PatientName) == PATIENT


def by_others(
    series: Volume, pixels: np.ndarray, kind: str, shift: float = 0.0, names: tuple[str, ...] = ("liver",)
) -> Any:
    """A segmentation as other programs write it. shift: mm along the columns, from slice to slice."""
    import highdicom as hd

    assert series.dicom is not None
    images = [pydicom.dcmread(file) for file in series.dicom.files]
    for number, image in enumerate(images):
        image.SliceThickness = 2.5
        x, y, z = image.ImagePositionPatient
        image.ImagePositionPatient = [x, y + shift * number, z]
    liver, tissue = hd.sr.CodedConcept("10200004", "SCT", "Liver"), hd.sr.CodedConcept("85756007", "SCT", "Tissue")
    by_hand = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    described = [hd.seg.SegmentDescription(n, name, tissue, liver, by_hand) for n, name in enumerate(names, start=1)]
    uids = (hd.UID(), 1, hd.UID(), 1)
    return hd.seg.Segmentation(images, pixels, kind, described, *uids, "maker", "model", "1", "0")


def test_of_fractions_a_half_and_more_is_object(series: Volume, tmp_path: Path) -> None:
    shares = np.zeros(series.array.shape)
    shares[2:5, 3:9, 4:12], shares[2:5, 9:12, 4:12] = 0.9, 0.1
    by_others(series, shares, "FRACTIONAL").save_as(tmp_path / "f.dcm")
    np.testing.assert_array_equal(read_reference(tmp_path / "f.dcm", series.geometry) != 0, shares > 0.5)


@pytest.mark.parametrize("marked", [(1, 2, 4), (3,)])
def test_label_maps_are_read(series: Volume, tmp_path: Path, marked: tuple[int, ...]) -> None:
    labels = np.zeros(series.array.shape, np.uint8)
    labels[list(marked), 3:9, 4:12], labels[list(marked), 9:12, 4:12] = 1, 2
    by_others(series, labels, "LABELMAP", names=("liver", "cyst")).save_as(tmp_path / "l.dcm")
    assert [segment.name for segment in read_segmentation(tmp_path / "l.dcm").segments] == ["liver", "cyst"]
    for number, name in enumerate(("liver", "cyst"), start=1):
        np.testing.assert_array_equal(
            read_reference(tmp_path / "l.dcm", series.geometry, [name]) != 0, labels == number
        )


def test_slices_of_a_tilted_gantry_are_refused(series: Volume, tmp_path: Path) -> None:
    mask = two_masks(series)[0].astype(np.uint8)
    by_others(series, mask, "BINARY", shift=1.5).save_as(tmp_path / "tilted.dcm")
    with pytest.raises(SegmentationFileError, match="tilted gantry"):
        read_segmentation(tmp_path / "tilted.dcm")


def test_nothing_found_is_a_result_too(series: Volume, tmp_path: Path) -> None:
    empty = np.zeros(series.array.shape, bool)
    write_segmentation(tmp_path / "r.dcm", [empty], SEGMENTS[:1], series.geometry, dicom=series.dicom)
    assert not read_segmentation(tmp_path / "r.dcm").masks[0].any()


def test_files_of_many_frames_and_x_rays(tmp_path: Path) -> None:
    stack = [np.full((16, 20), value, np.int16) for value in range(5)]
    write_enhanced(tmp_path / "mf.dcm", stack, slices(5), StudyInstanceUID="1.2.3.1")
    write_dicom(tmp_path / "xray.dcm", np.zeros((1, 16, 20), np.int16), t0008_0060="DX", **NAMED)
    for name in ("mf.dcm", "xray.dcm"):
        volume = read_volume(tmp_path / name)
        mask = np.zeros(volume.array.shape, bool)
        mask[-2:, 3:9, 4:12] = True
        target = tmp_path / f"seg-{name}"
        write_segmentation(target, [mask], SEGMENTS[:1], volume.geometry, dicom=volume.dicom)
        np.testing.assert_array_equal(read_reference(target, volume.geometry) != 0, mask)


def test_what_has_no_dicom_files_is_refused_before_the_work(series: Volume, tmp_path: Path) -> None:
    assert check_source(series.dicom) is series.dicom
    with pytest.raises(SegmentationFileError, match="is none"):
        check_source(None)
    assert series.dicom is not None
    series.dicom.files[3].unlink()
    with pytest.raises(SegmentationFileError, match="not there any more"):
        check_source(series.dicom)
    write_dicom(tmp_path / "image.dcm", np.zeros((1, 4, 4), np.int16))
    with pytest.raises(SegmentationFileError, match="no DICOM segmentation"):
        read_segmentation(tmp_path / "image.dcm")


def test_without_highdicom_the_error_says_what_is_missing(series: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom.seg", None)
    with pytest.raises(MissingPackageError, match="highdicom"):
        check_source(series.dicom)
