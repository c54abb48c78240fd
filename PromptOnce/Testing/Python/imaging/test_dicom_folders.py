"""Folders as they come out of archives: nothing lost, nothing joined wrongly, and what is damaged is named."""

from __future__ import annotations

import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLSLossless, RLELossless

from imaging.dicom_files import write_series
from imaging.enhanced_files import blob, blobs, slices, write_enhanced, write_file, write_slice
from PromptOnceLib.errors import CancelledError, SeveralVolumesError, VolumeError
from PromptOnceLib.imaging.read import read_volume


def write_folder(folder, count=6, modality="CT", name="IM{:04}.dcm", first=0, **tags):
    """A series: blob 100 on the first slice, 101 on the next; a callable tag is given the number of the slice."""
    folder.mkdir(exist_ok=True)
    paths = []
    for k, position in enumerate(slices(count)):
        own = {"SOPInstanceUID": f"1.2.3.4.{k}", "InstanceNumber": k + 1}
        own |= {key: value(k) if callable(value) else value for key, value in tags.items()}
        path = folder / name.format(first + k)
        paths.append(write_slice(path, blob(100 + first + k), own.pop("position", position), modality, **own))
    return paths


def test_equal_instance_uids_with_other_places_are_all_slices(tmp_path):
    write_folder(tmp_path, SOPInstanceUID="1.2.3.4")
    volume = read_volume(tmp_path)
    assert blobs(volume) == [100, 101, 102, 103, 104, 105]
    assert volume.notices == ()


def test_a_copy_with_another_instance_uid_is_left_out_but_other_pixels_are_not(tmp_path):
    write_folder(tmp_path, 3)
    write_slice(tmp_path / "again.dcm", blob(101), slices(3)[1], SOPInstanceUID="1.2.9")
    volume = read_volume(tmp_path)
    assert blobs(volume) == [100, 101, 102]
    assert "1 files of the series are copies, with the pixels" in volume.notices[0]
    write_slice(tmp_path / "again.dcm", blob(55), slices(3)[1], SOPInstanceUID="1.2.3.4.1")
    with pytest.raises(VolumeError, match="same position"):
        read_volume(tmp_path)


def test_a_series_uid_per_slice_is_one_series_with_a_notice(tmp_path):
    paths = write_folder(tmp_path, SeriesInstanceUID=lambda k: f"1.2.5.{k}", SeriesDescription="Thorax")
    for path in (tmp_path, paths[3]):
        volume = read_volume(path)
        assert blobs(volume) == [100, 101, 102, 103, 104, 105]
        assert "Each of 6 slices states a series of its own" in volume.notices[0]


def test_single_slices_of_other_studies_are_not_joined(tmp_path):
    write_folder(tmp_path, SeriesInstanceUID=lambda k: f"1.2.5.{k}", StudyInstanceUID=lambda k: f"1.2.6.{k}")
    volume = read_volume(tmp_path)
    assert volume.geometry.size[2] == 1
    assert "6 image series" in volume.notices[0]


def test_two_patients_whose_uids_were_blanked_are_two_series(tmp_path):
    blank = {"SeriesInstanceUID": "", "StudyInstanceUID": "", "SOPInstanceUID": "", "FrameOfReferenceUID": ""}
    write_folder(tmp_path, 3, **blank)
    write_folder(tmp_path, 4, first=10, PatientName="ROE^JOHN", PatientID="ID1", **blank)
    volume = read_volume(tmp_path)
    assert blobs(volume) == [110, 111, 112, 113]
    assert "2 image series" in volume.notices[0]
    assert not any("ROE" in notice for notice in volume.notices)


def cut(path, left):
    path.write_bytes(path.read_bytes()[:left])


@pytest.mark.parametrize("number", [0, 5])
@pytest.mark.parametrize("left", [0, 100, 300, -10])
def test_an_empty_damaged_or_cut_slice_at_an_end_is_refused_by_name(tmp_path, number, left):
    paths = write_folder(tmp_path)
    cut(paths[number], left)
    with pytest.raises(VolumeError, match=paths[number].name):
        read_volume(tmp_path)
    with pytest.raises(VolumeError, match=paths[number].name):
        read_volume(paths[2])


def test_a_slice_of_zeros_is_refused_by_name(tmp_path):
    paths = write_folder(tmp_path)
    paths[5].write_bytes(bytes(len(paths[5].read_bytes())))
    with pytest.raises(VolumeError, match=paths[5].name):
        read_volume(tmp_path)


def test_a_damaged_file_of_another_name_is_left_out_with_a_notice(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "empty.dcm").write_bytes(b"")
    volume = read_volume(tmp_path)
    assert volume.notices == ("empty.dcm is an empty file: it was left out.",)


def test_slices_without_places_are_refused_but_one_can_be_read_by_itself(tmp_path):
    paths = write_folder(tmp_path, position=lambda k: None)
    with pytest.raises(VolumeError, match="6 of 6 files of the series do not state where they lie"):
        read_volume(tmp_path)
    volume = read_volume(paths[2])
    assert blobs(volume) == [102]
    assert "does not state where it lies" in volume.notices[0]


def test_one_slice_without_a_place_at_the_end_is_not_lost_silently(tmp_path):
    paths = write_folder(tmp_path, position=lambda k: None if k == 5 else slices(6)[k])
    for given in (tmp_path, paths[0]):
        with pytest.raises(VolumeError, match=r"1 of 6 files .* IM0005\.dcm"):
            read_volume(given)


@pytest.mark.parametrize(
    ("tag", "values", "name"),
    [
        ("EchoNumbers", (1, 2), "echo 2"),
        ("EchoTime", (20, 80), "echo time 80 ms"),
        ("TemporalPositionIdentifier", (1, 2), "time 2"),
        ("AcquisitionNumber", (1, 2), "acquisition 2"),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]), "p"),
        ("ConvolutionKernel", ("B30f", "B60f"), "kernel B60f"),
    ],
)
def test_two_images_of_every_slice_are_two_volumes_to_choose_from(tmp_path, tag, values, name):
    paths = write_folder(tmp_path, 4, "MR", **{tag: values[0]})
    paths += write_folder(tmp_path, 4, "MR", first=50, SOPInstanceUID=lambda k: f"1.2.8.{k}", **{tag: values[1]})
    for path in (tmp_path, paths[0]):
        with pytest.raises(SeveralVolumesError, match="There are 2 volumes"):
            read_volume(path)
        assert blobs(read_volume(path, name)) == [150, 151, 152, 153]
        assert blobs(read_volume(path, "1")) == [100, 101, 102, 103]


def test_trigger_times_that_differ_by_slice_and_phase_divide_no_slices(tmp_path):
    for phase in (0, 1):
        trigger = {"TriggerTime": lambda k, phase=phase: 10 * k + 500 * phase, "CardiacNumberOfImages": 2}
        write_folder(tmp_path, 4, "MR", first=50 * phase, **trigger)
    with pytest.raises(VolumeError, match="same position"):
        read_volume(tmp_path)


def test_series_of_a_folder_are_chosen_by_number_or_description(tmp_path):
    write_folder(tmp_path, 3, SeriesDescription="Scout")
    write_folder(tmp_path, 5, first=50, SeriesInstanceUID="1.2.7", SeriesDescription="Thorax 1.0")
    assert blobs(read_volume(tmp_path, "scout")) == [100, 101, 102]
    assert blobs(read_volume(tmp_path, "2")) == [150, 151, 152, 153, 154]


def test_a_mosaic_is_refused_with_the_reason(tmp_path):
    path = write_slice(
        tmp_path / "m.dcm", blob(1, (48, 48)), slices(1)[0], "MR", ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    )
    for given in (path, tmp_path):
        with pytest.raises(VolumeError, match="is a mosaic"):
            read_volume(given)


@pytest.mark.parametrize(
    ("modality", "words"),
    [("SR", "structured report"), ("RTSTRUCT", "contours"), ("PR", "presentation state"), ("KO", "key images")],
)
def test_what_is_no_image_is_called_by_its_name(tmp_path, modality, words):
    path = write_file(tmp_path / "x.dcm", None, modality)
    for given in (path, tmp_path):
        with pytest.raises(VolumeError, match=words) as refused:
            read_volume(given)
        assert "damaged" not in refused.value.message


def test_the_index_of_a_disc_is_called_so(tmp_path):
    path = write_file(tmp_path / "DICOMDIR", None, "", SOPClassUID="1.2.840.10008.1.3.10")
    with pytest.raises(VolumeError, match="index of a disc"):
        read_volume(path)


def test_a_series_without_pixel_size_says_that_1_mm_is_assumed(tmp_path):
    write_folder(tmp_path, PixelSpacing=None)
    volume = read_volume(tmp_path)
    assert volume.geometry.spacing == pytest.approx((1, 1, 2.5))
    assert volume.notices == ("The image states no pixel size: 1 mm is assumed, so distances are in pixels.",)


def region(delta, units=3, x1=100):
    return {
        "RegionSpatialFormat": 1, "RegionLocationMinX0": 0, "RegionLocationMinY0": 0, "RegionLocationMaxX1": x1,
        "RegionLocationMaxY1": 50, "PhysicalUnitsXDirection": units, "PhysicalUnitsYDirection": units,
        "PhysicalDeltaX": delta, "PhysicalDeltaY": delta / 2,
    }  # fmt: skip


def test_ultrasound_takes_the_pixel_size_of_its_largest_region_in_centimetres(tmp_path):
    regions = [region(0.5, x1=20), region(0.02), region(0.001, units=4, x1=900)]
    path = write_file(tmp_path / "us.dcm", np.stack([blob(1)] * 3), "US", SequenceOfUltrasoundRegions=regions)
    volume = read_volume(path)
    assert volume.geometry.spacing[:2] == pytest.approx((0.2, 0.1))
    assert not any("pixel size" in notice for notice in volume.notices)


def test_an_archive_of_a_series_is_read_like_its_folder(tmp_path):
    paths = write_folder(tmp_path / "x")
    archive = tmp_path / "series.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number, path in enumerate(paths):
            file.write(path, f"study/{number % 2}/{number}/IM.dcm")
        file.writestr("study/readme.txt", "not an image")
    assert blobs(read_volume(archive)) == [100, 101, 102, 103, 104, 105]


@pytest.mark.parametrize("contents", [b"PK\x03\x04 damaged", b"no archive at all"])
def test_a_damaged_archive_is_called_so(tmp_path, contents):
    path = tmp_path / "series.zip"
    path.write_bytes(contents)
    with pytest.raises(VolumeError, match="damaged archive"):
        read_volume(path)


def test_an_archive_that_claims_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("PromptOnceLib.imaging.dicom.zip_archive._LEAST_SUSPECT", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.dcm", bytes(10**6))
    with pytest.raises(VolumeError, match="more than any series"):
        read_volume(tmp_path / "bomb.zip")


def test_pieces_of_compressed_pixels_that_end_too_early_are_cut_off(tmp_path):
    path = write_slice(tmp_path / "a.dcm", blob(1), slices(1)[0])
    contents = path.read_bytes()
    start = contents.index(b"\xe0\x7f\x10\x00OW")
    pieces = b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\xff\0\0\0abc"
    syntax = str(JPEGLSLossless).encode()
    assert contents.count(b"1.2.840.10008.1.2.1\0") == 1
    header = contents[:start].replace(b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x16\x00" + syntax)
    path.write_bytes(header + pieces)
    with pytest.raises(VolumeError, match=r"a\.dcm is damaged"):
        read_volume(path)


def test_frames_that_a_file_cannot_hold_are_not_looked_at_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("PromptOnceLib.imaging.dicom.frames._frame", lambda *_: pytest.fail("it was looked at"))
    path = write_slice(tmp_path / "a.dcm", blob(1), slices(1)[0])
    image = pydicom.dcmread(path)
    image.compress(RLELossless)
    image.NumberOfFrames = 10**9
    image.save_as(tmp_path / "packed.dcm")
    image = pydicom.dcmread(path)
    image.NumberOfFrames = 10**9
    image.save_as(path)
    for claims in (path, tmp_path / "packed.dcm"):
        with pytest.raises(VolumeError, match=rf"{claims.name} is damaged: fewer pixels follow"):
            read_volume(claims)


def test_the_files_of_a_folder_and_the_frames_of_a_file_are_counted_while_they_are_read(tmp_path):
    write_series(tmp_path / "series", range(4))
    seen: list[tuple[int, int]] = []
    read_volume(tmp_path / "series", on_progress=lambda *told: seen.append(told))
    assert seen == [(number, 4) for number in range(1, 5)]
    seen.clear()
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(5)], slices(5))
    read_volume(path, on_progress=lambda *told: seen.append(told))
    assert seen == [(number, 5) for number in range(1, 6)]


def test_reading_ends_at_once_where_it_is_cancelled(tmp_path):
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(5)], slices(5))
    seen: list[int] = []

    def cancel(done: int, total: int) -> None:
        seen.append(done)
        raise CancelledError("Cancelled.")

    for place in (path, tmp_path):
        seen.clear()
        with pytest.raises(CancelledError):
            read_volume(place, on_progress=cancel)
        assert seen == [1]
