"""DICOM files of many frames: each frame at its place with its own values, decoded as it was stored."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import RLELossless

from imaging.enhanced_files import SAGITTAL, blob, blobs, slices, write_enhanced, write_file, write_slice
from PromptOnceLib.errors import DiskFullError, GeometryError, ReaderCrashError, VolumeError
from PromptOnceLib.imaging.read import read_volume


def test_frames_are_put_in_the_order_of_their_places(tmp_path):
    order = [0, 2, 4, 1, 3]
    path = write_enhanced(tmp_path / "mf.dcm", [blob(100 + k) for k in order], [slices(5)[k] for k in order])
    volume = read_volume(path)
    assert blobs(volume) == [100, 101, 102, 103, 104]
    assert volume.geometry.size == (8, 6, 5)
    assert volume.geometry.spacing == pytest.approx((0.8, 0.8, 2.5))
    assert volume.geometry.origin == pytest.approx((-20, -30, 100))
    assert volume.modality == "CT"
    assert volume.notices == ()


@pytest.mark.parametrize("off", [0.002, 0.02])
def test_a_place_that_is_off_by_rounding_does_not_change_the_spacing(tmp_path, off):
    positions = slices(5)
    positions[2][2] += off
    volume = read_volume(write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(5)], positions))
    assert volume.geometry.spacing == pytest.approx((0.8, 0.8, 2.5))
    assert volume.notices == ()


def test_places_rounded_to_two_decimals_give_the_mean_spacing(tmp_path):
    positions = [[0, 0, round(k * 2 / 3, 2)] for k in range(10)]
    volume = read_volume(write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(10)], positions))
    assert volume.geometry.spacing[2] == pytest.approx(2 / 3, abs=1e-3)


def test_every_frame_has_its_own_rescale(tmp_path):
    slopes = [0.5 + 0.125 * k for k in range(5)]
    stored = [round(444 / slope) for slope in slopes]
    groups = [{"PixelValueTransformationSequence": {"RescaleSlope": s, "RescaleIntercept": 1}} for s in slopes]
    pixels = [blob(value) for value in stored]
    shared = {"PixelValueTransformationSequence": None}
    volume = read_volume(write_enhanced(tmp_path / "mf.dcm", pixels, slices(5), "MR", groups, shared))
    assert blobs(volume) == pytest.approx([value * slope + 1 for value, slope in zip(stored, slopes, strict=True)])


def test_an_intercept_makes_hounsfield_units_of_unsigned_pixels(tmp_path):
    pixels = [blob(1024 + k).astype(np.uint16) for k in range(3)]
    shared = {"PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": -1024}}
    volume = read_volume(write_enhanced(tmp_path / "mf.dcm", pixels, slices(3), shared=shared))
    assert blobs(volume) == [0, 1, 2]
    assert volume.array.min() == 7 - 1024
    assert volume.array.dtype.kind == "i"


def test_a_tilted_gantry_and_a_missing_frame_are_refused(tmp_path):
    tilted = [[0, index * 1.0, index * 2.5] for index in range(10)]
    with pytest.raises(GeometryError, match=r"tilt of about 21\.8"):
        read_volume(write_enhanced(tmp_path / "tilt.dcm", [blob(k) for k in range(10)], tilted))
    gap = [position for number, position in enumerate(slices(6)) if number != 3]
    with pytest.raises(VolumeError, match="missing"):
        read_volume(write_enhanced(tmp_path / "gap.dcm", [blob(k) for k in range(5)], gap))


def test_a_volume_in_two_files_is_put_together(tmp_path):
    for number, part in enumerate((slice(0, 3), slice(3, 6))):
        pixels = [blob(k) for k in range(6)][part]
        common = {"ConcatenationUID": "1.2.9", "SOPInstanceUID": f"1.2.9.{number}"}
        write_enhanced(tmp_path / f"{number}.dcm", pixels, slices(6)[part], **common)
    assert blobs(read_volume(tmp_path)) == [0, 1, 2, 3, 4, 5]
    from_file = read_volume(tmp_path / "1.dcm")
    assert blobs(from_file) == [0, 1, 2, 3, 4, 5]
    assert "series of 6 slices" in from_file.notices[0]


def test_an_enhanced_projection_stack_has_places(tmp_path):
    """Breast tomosynthesis: the modality of a projection, frames in space."""
    positions = [[0, 0, float(k)] for k in range(4)]
    volume = read_volume(write_enhanced(tmp_path / "bto.dcm", [blob(k) for k in range(4)], positions, "MG"))
    assert volume.geometry.spacing == pytest.approx((0.8, 0.8, 1))


def test_a_single_enhanced_frame_is_a_slice_of_its_series(tmp_path):
    for k, position in enumerate(slices(4)):
        slope = {"PixelValueTransformationSequence": {"RescaleSlope": 1 + k, "RescaleIntercept": 0}}
        write_enhanced(tmp_path / f"{9 - k}.dcm", [blob(10)], [position], "PT", [slope], {next(iter(slope)): None})
    assert blobs(read_volume(tmp_path)) == [10, 20, 30, 40]


def test_frames_without_places_are_a_stack_with_a_notice_that_says_so(tmp_path):
    volume = read_volume(write_file(tmp_path / "xa.dcm", np.stack([blob(k) for k in range(4)]), "XA"))
    assert blobs(volume) == [0, 1, 2, 3]
    assert "4 frames without places" in volume.notices[0]
    assert "1 mm apart, which is assumed" in volume.notices[0]
    assert "no pixel size" in volume.notices[1]


@pytest.mark.parametrize("without", [[0, 1, 2, 3], [3]])
def test_enhanced_frames_without_places_are_refused(tmp_path, without):
    positions = [[] if k in without else position for k, position in enumerate(slices(4))]
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(4)], positions)
    for given in (path, tmp_path):
        with pytest.raises(VolumeError, match=f"does not state where {len(without)} of its 4 frames lie"):
            read_volume(given)


def test_nuclear_medicine_lies_where_its_detector_says_and_gates_are_refused(tmp_path):
    detector = {"ImagePositionPatient": [-20, -30, 100], "ImageOrientationPatient": SAGITTAL}
    tags = {
        "DetectorInformationSequence": detector, "PixelSpacing": [4, 4], "SpacingBetweenSlices": -3,
        "SliceThickness": 5, "SliceVector": [1, 2, 3, 4],
    }  # fmt: skip
    pixels = np.stack([blob(k) for k in range(4)])
    geometry = read_volume(write_file(tmp_path / "nm.dcm", pixels, "NM", **tags)).geometry
    assert geometry.spacing == pytest.approx((4, 4, 3))
    assert geometry.origin == pytest.approx((-20, -30, 100))
    assert geometry.direction[::3] == pytest.approx((0, 1, 0))
    with pytest.raises(VolumeError, match="4 images of 2 slices"):
        read_volume(write_file(tmp_path / "gated.dcm", pixels, "NM", **(tags | {"SliceVector": [1, 2, 1, 2]})))


def test_a_header_that_describes_another_number_of_frames_is_damaged(tmp_path):
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(4)], slices(3))
    with pytest.raises(VolumeError, match="announces 4 frames and describes 3"):
        read_volume(path)


def test_a_file_with_fewer_pixels_than_announced_is_refused(tmp_path):
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(4)], slices(4))
    contents = path.read_bytes()
    path.write_bytes(contents[:-50])
    with pytest.raises(VolumeError, match=r"mf\.dcm is damaged: fewer pixels"):
        read_volume(path)


def test_padding_is_known_in_the_units_of_every_frame(tmp_path):
    groups = [{"PixelValueTransformationSequence": {"RescaleSlope": s, "RescaleIntercept": 0}} for s in (1.0, 2.0)]
    shared = {"PixelValueTransformationSequence": None}
    pixels = [blob(-2000), blob(-2000)]
    path = write_enhanced(tmp_path / "mf.dcm", pixels, slices(2), "MR", groups, shared, PixelPaddingValue=-2000)
    assert read_volume(path).padding == ((-4000, -4000), (-2000, -2000))


def packed_by_gdcm(folder, pixels):
    """Transfer syntax and pixels of frames that were compressed as JPEG without loss."""
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(folder / "packed.dcm"))
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(pixels))
    packed = pydicom.dcmread(folder / "packed.dcm")
    return packed.file_meta.TransferSyntaxUID, packed.PixelData


@pytest.mark.parametrize("kind", ["RLE", "JPEG"])
def test_compressed_frames_are_decoded_as_stored(tmp_path, kind):
    pixels = np.stack([blob(100 + k).astype(np.uint16) for k in range(4)])
    groups = [{"PixelValueTransformationSequence": {"RescaleSlope": k + 1, "RescaleIntercept": -5}} for k in range(4)]
    shared = {"PixelValueTransformationSequence": None}
    path = write_enhanced(tmp_path / "mf.dcm", pixels, slices(4)[::-1], "MR", groups, shared)
    dataset = pydicom.dcmread(path)
    if kind == "RLE":
        dataset.compress(RLELossless, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID, dataset.PixelData = packed_by_gdcm(tmp_path, pixels)
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    assert dataset.file_meta.TransferSyntaxUID.is_compressed
    assert blobs(read_volume(path)) == [103 * 4 - 5, 102 * 3 - 5, 101 * 2 - 5, 95]


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_stored_bits_and_signs(tmp_path, bits, signed):
    kind = np.dtype(("int" if signed else "uint") + ("8" if bits == 8 else "16"))
    low = -(2 ** (bits - 1)) if signed else 0
    values = [low, low + 1, low + 2**bits - 1]
    frame = np.resize(values, (4, 6)).astype(kind)
    stored = (frame.astype(np.int32) & (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8).view(kind)
    shared = {"PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": 1}}
    tags = {"BitsStored": bits, "HighBit": bits - 1}
    path = write_enhanced(tmp_path / "mf.dcm", [stored] * 2, slices(2), "MR", None, shared, **tags)
    assert np.unique(read_volume(path).array).tolist() == [2 * value + 1 for value in values]


def test_a_file_on_whose_pixels_a_decoder_dies_is_refused_by_name(tmp_path, monkeypatch):
    path = write_slice(tmp_path / "a.dcm", blob(100), slices(1)[0])
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_volume(path).array, [blob(100)])
    (tmp_path / "sitecustomize.py").write_text(
        "import os, SimpleITK\nSimpleITK.ImageFileReader.Execute = lambda reader: os.abort()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for inverted in (False, True):  # which goes another way to the decoder
        dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
        dataset.save_as(path)
        with pytest.raises(ReaderCrashError, match=r"a\.dcm cannot be read: it ends the program"):
            read_volume(path)


def test_no_room_for_decoded_pixels_is_told(tmp_path, monkeypatch):
    path = write_slice(tmp_path / "a.dcm", blob(100), slices(1)[0])
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    (tmp_path / "sitecustomize.py").write_text(
        "import numpy\ndef full(*_, **__): raise OSError(28)\nnumpy.save = full\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DiskFullError, match="TMPDIR"):
        read_volume(path)
