"""Values of DICOM images as they are meant, and their windows: padding, tables, MONOCHROME1, the file's window."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.enhanced_files import BLOB, blob, slices, write_file, write_slice
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.window import to_uint8, window_from_text


def noise(shape=(32, 32), seed=0) -> np.ndarray:
    """Air near 0, tissue near 900 in the middle, a blob of 1100."""
    image = np.random.default_rng(seed).integers(0, 40, shape).astype(np.int16)
    image[8:24, 8:24] += 860
    image[12:16, 12:16] = 1100
    return image


def automatic(path):
    volume = read_volume(path)
    return volume, window_from_text("auto", volume)


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("padding", [-32768, 32767])
@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_padding_does_not_stretch_the_greys_whether_stated_or_far_off(tmp_path, modality, padding, stated):
    (tmp_path / "whole").mkdir()
    whole = automatic(write_slice(tmp_path / "whole" / "a.dcm", noise(), slices(1)[0], modality))[1]
    padded = noise()
    padded[:, :5] = padding
    tags = {"PixelPaddingValue": padding} if stated else {}
    volume, window = automatic(write_slice(tmp_path / "padded.dcm", padded, slices(1)[0], modality, **tags))
    assert window.lower == pytest.approx(whole.lower, abs=2)
    assert window.upper == pytest.approx(whole.upper, rel=0.02)
    assert volume.padding == (((padding, padding),) if stated else ())
    full = window_from_text("full", volume)
    assert (full.lower, full.upper) == ((0, 1100) if stated else (min(padding, 0), max(padding, 1100)))


def test_a_few_isolated_voxels_do_not_stretch_the_greys(tmp_path):
    image = noise((64, 64))
    image[0, :3], image[1, :4] = 32767, -32768
    window = automatic(write_slice(tmp_path / "a.dcm", image, slices(1)[0], "MR"))[1]
    assert window.lower >= -1
    assert window.upper <= 1100


def test_a_bright_object_in_much_air_is_not_taken_for_padding(tmp_path):
    image = noise((80, 80))
    image[8:24, 8:24] = 900
    window = automatic(write_slice(tmp_path / "a.dcm", image, slices(1)[0], "MR"))[1]
    assert window.upper >= 900


def test_a_range_of_padding_is_rescaled_and_signed(tmp_path):
    tags = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1900, "RescaleSlope": 2, "RescaleIntercept": 10}
    volume = read_volume(write_slice(tmp_path / "a.dcm", noise(), slices(1)[0], "MR", **tags))
    assert volume.padding == ((-3990, -3790),)


def dx(path, **tags):
    """An X-ray with a white marker and a black collimator; tissue of 950 and 1150 between."""
    image = np.full((32, 32), 950, np.uint16)
    image[10:20, 10:20] = 1150
    image[:4], image[-4:] = 4095, 0
    return write_file(path, image, "DX", BitsStored=12, HighBit=11, **tags)


def test_an_x_ray_is_shown_in_the_window_of_its_file(tmp_path):
    volume, window = automatic(dx(tmp_path / "a.dcm", WindowCenter=1050, WindowWidth=300))
    assert window.name == "file"
    greys = to_uint8(volume.array, window)[0]
    assert int(greys[15, 15]) - int(greys[5, 5]) >= 165


def test_the_first_of_several_windows_and_the_linear_exact_one(tmp_path):
    several = read_volume(dx(tmp_path / "a.dcm", WindowCenter=[1050, 2000], WindowWidth=[300, 4000]))
    assert several.file_window == (900, 1199)
    exact = dx(tmp_path / "b.dcm", WindowCenter=1050, WindowWidth=300, VOILUTFunction="LINEAR_EXACT")
    assert read_volume(exact).file_window == (900, 1200)


def test_a_table_instead_of_a_window_gives_its_span(tmp_path):
    data = np.clip((np.arange(4096) - 900) / 300 * 4095, 0, 4095).astype(np.uint16)
    table = {"LUTDescriptor": [4096, 0, 12], "LUTData": data.tobytes()}
    lower, upper = read_volume(dx(tmp_path / "a.dcm", VOILUTSequence=table)).file_window
    assert lower == pytest.approx(900, abs=5)
    assert upper == pytest.approx(1200, abs=5)


def test_the_file_window_can_be_asked_for_and_is_missed_with_a_sentence(tmp_path):
    path = write_slice(tmp_path / "a.dcm", noise(), slices(1)[0], "MR", WindowCenter=500, WindowWidth=101)
    volume, window = automatic(path)
    assert window.name == "percentile"
    asked = window_from_text("file", volume)
    assert (asked.lower, asked.upper) == (449.5, 549.5)
    with pytest.raises(InputError, match="states no window"):
        window_from_text("file", read_volume(dx(tmp_path / "b.dcm")))


def test_an_inverted_x_ray_turns_its_window_and_padding_with_it(tmp_path):
    tags = {"WindowCenter": 1050, "WindowWidth": 301, "PixelPaddingValue": 0}
    straight = read_volume(dx(tmp_path / "a.dcm", **tags))
    turned = read_volume(dx(tmp_path / "b.dcm", PhotometricInterpretation="MONOCHROME1", **tags))
    np.testing.assert_array_equal(turned.array, 4095 - straight.array.astype(int))
    assert turned.file_window == (4095 - straight.file_window[1], 4095 - straight.file_window[0])
    assert turned.padding == ((4095, 4095),)


def write_slopes(folder, modality, photometric):
    for k, position in enumerate(slices(6)):
        slope = 0.5 + 0.25 * k
        pixels = blob(round(6000 / slope)).astype(np.uint16)
        tags = {"RescaleSlope": slope, "PhotometricInterpretation": photometric, "SOPInstanceUID": f"1.2.{k}"}
        write_slice(folder / f"{k}.dcm", pixels, position, modality, **tags)


@pytest.mark.parametrize(("modality", "bright"), [("PT", True), ("MR", False)])
def test_one_tissue_has_one_value_on_all_slices_of_monochrome1(tmp_path, modality, bright):
    write_slopes(tmp_path, modality, "MONOCHROME1")
    volume, window = automatic(tmp_path)
    values = [float(np.unique(frame[BLOB]).item()) for frame in volume.array]
    assert max(values) - min(values) <= 2
    assert (values[0] == pytest.approx(6000, abs=2)) == bright
    greys = to_uint8(volume.array, window)
    assert np.ptp(greys[(slice(None), *BLOB)].astype(int)) <= 1
    assert "MONOCHROME1" in volume.notices[0]


def test_hounsfield_units_stay_in_monochrome1(tmp_path):
    tags = {"PhotometricInterpretation": "MONOCHROME1", "RescaleIntercept": -1024}
    volume = read_volume(write_slice(tmp_path / "a.dcm", blob(1064), slices(1)[0], **tags))
    assert np.unique(volume.array).tolist() == [7 - 1024, 40]


def test_a_modality_table_gives_the_values(tmp_path):
    table = {
        "LUTDescriptor": [256, 0, 16],
        "LUTData": (np.arange(256) ** 2).astype(np.uint16).tobytes(),
        "ModalityLUTType": "US",
    }
    pixels = np.array([[0, 3], [100, 250]], np.uint8)
    volume = read_volume(write_file(tmp_path / "a.dcm", pixels, "CR", ModalityLUTSequence=table))
    assert volume.array[0].tolist() == [[0, 9], [10000, 62500]]
