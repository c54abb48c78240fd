"""Windows and the mapping to 8-bit frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging import intensity_range, window
from PromptOnceLib.imaging.intensity_range import foreground_percentiles, full_range, otsu_threshold, sample
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window, to_uint8, window_from_text, window_presets

TYPES = [np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64]


def volume(array, modality: str = "") -> Volume:
    array = np.asarray(array)
    return Volume(array, Geometry(array.shape[::-1]), modality)


def ct(*values: float) -> Volume:
    return volume(np.array(values, np.float64).reshape(-1, 1, 1), "CT")


def ends(window: Window) -> tuple[float, float]:
    return window.lower, window.upper


@pytest.mark.parametrize(("offset", "scale"), [(1024, 1), (1000, 20)])
def test_a_ct_that_is_not_in_hounsfield_units_is_not_shown_white(offset: int, scale: int) -> None:
    """Stored values without their rescaling, and those of a micro-CT."""
    rng = np.random.default_rng(3)
    air, fat, tissue, bone = (rng.normal(mean, 12, 1000) for mean in (-990, -100, 50, 700))
    values = np.concatenate([air, fat, tissue, tissue, bone[:200]])
    image = volume(np.maximum(values + offset, 0).reshape(-1, 1, 1) * scale, "CT")
    grey = to_uint8(image.array, window_from_text("auto", image))
    assert np.median(grey[2000:4000]) < 200
    assert np.median(grey[2000:4000]) - np.median(grey[1000:2000]) > 5


@pytest.mark.parametrize("values", [np.linspace(0, 400, 500), [0] * 900 + [30, 60, 90, 800], [-1000, 0, 60, 3000]])
def test_a_ct_cropped_to_soft_tissue_or_clipped_at_0_stays_in_hounsfield_units(values) -> None:
    assert ends(window_from_text("auto", ct(*values))) == ends(window_from_text("soft tissue", ct(*values)))


# --- the mapping


def test_a_window_maps_its_ends_to_0_and_255_and_clips_the_rest():
    array = np.array([-3024, -1400, -650, 100, 3000], np.int16).reshape(1, 1, 5)
    assert to_uint8(array, Window(-1400, 100, "lung")).ravel().tolist() == [0, 0, 128, 255, 255]


def test_the_same_intensity_has_the_same_grey_value_on_every_slice():
    array = np.array([[[40, 1000]], [[40, 60]], [[40, -1000]]], np.int16)
    frames = to_uint8(array, window_from_text("soft tissue", volume(array, "CT")))
    assert np.unique(frames[:, 0, 0]).size == 1


@given(st.lists(st.integers(0, 255), min_size=4, max_size=30), st.sampled_from(["full", "percentile", "paper", "auto"]))
def test_the_result_does_not_depend_on_the_type(values, text):
    array = np.array(values, np.uint8).reshape(-1, 1, 1)
    array = np.concatenate([array, array[::-1]], axis=1)
    expected = to_uint8(array, window_from_text(text, volume(array, "MR")))
    for dtype in TYPES:
        same = volume(array.astype(dtype), "MR")
        np.testing.assert_array_equal(to_uint8(same.array, window_from_text(text, same)), expected)


@given(st.lists(st.integers(-2000, 3000), min_size=2, max_size=20), st.integers(-900, 900), st.integers(1, 4000))
def test_the_mapping_never_reverses_two_intensities(values, level, width):
    array = np.sort(np.array(values, np.int16)).reshape(1, 1, -1)
    frames = to_uint8(array, window_from_text(f"{level}/{width}", volume(array)))
    assert (np.diff(frames.astype(int)) >= 0).all()


def test_8_bit_images_that_span_the_range_pass_unchanged():
    array = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(to_uint8(array, window_from_text("full", volume(array))), array)


def test_nan_is_dark_and_infinities_are_clipped():
    array = np.array([np.nan, -np.inf, 0, 50, 100, np.inf], np.float32).reshape(1, 1, 6)
    for text in ("full", "50/100"):
        frames = to_uint8(array, window_from_text(text, volume(array)))
        assert frames.ravel().tolist() == [0, 0, 0, 128, 255, 255]
    paper = to_uint8(array, window_from_text("paper", volume(array)))
    assert paper.ravel().tolist() == [0, 0, 0, 127, 255, 255]


@pytest.mark.parametrize("value", [0, 7, -1000, np.nan])
@pytest.mark.parametrize("text", ["full", "percentile", "paper", "paper:lung"])
def test_a_constant_image_is_black(value, text):
    array = np.full((2, 3, 4), value, np.float32)
    with np.errstate(all="raise"):
        assert not to_uint8(array, window_from_text(text, volume(array))).any()


def test_a_constant_slice_is_black_under_the_papers_scaling():
    array = np.stack([np.full((2, 2), 5.0), np.arange(4.0).reshape(2, 2)])
    frames = to_uint8(array, window_from_text("paper", volume(array)))
    assert frames[0].tolist() == [[0, 0], [0, 0]]
    assert frames[1].tolist() == [[0, 85], [170, 255]]


def test_frames_are_contiguous_for_any_axis_and_the_volume_is_untouched():
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    before = array.copy()
    for axis in range(3):
        frames = to_uint8(np.moveaxis(array, axis, 0), Window(0, 59, "full"))
        assert frames.flags.c_contiguous
        assert frames.shape == np.moveaxis(array, axis, 0).shape
    np.testing.assert_array_equal(array, before)


def test_slabs_do_not_show_in_the_result(monkeypatch):
    array = np.random.default_rng(0).normal(0, 500, (7, 5, 6))
    whole = {text: to_uint8(array, window_from_text(text, volume(array))) for text in ("full", "paper", "40/400")}
    monkeypatch.setattr(intensity_range, "SLAB_VOXELS", 61)
    for text, expected in whole.items():
        np.testing.assert_array_equal(to_uint8(array, window_from_text(text, volume(array))), expected)


def test_paper_clips_and_stretches_every_slice_truncating():
    array = np.random.default_rng(1).integers(-3000, 3000, (3, 8, 9)).astype(np.int16)
    frames = to_uint8(array, window_from_text("paper:lung", volume(array, "CT")))
    for frame, values in zip(frames, array, strict=True):
        clipped = np.clip(values.astype(np.float64), -1400, 100)
        expected = (clipped - clipped.min()) / (clipped.max() - clipped.min()) * 255
        np.testing.assert_array_equal(frame, expected.astype(np.uint8))


# --- windows


def test_presets_are_levels_and_widths_in_hounsfield_units():
    presets = window_presets()
    assert presets["lung"] == (-650, 1500)
    assert presets["soft tissue"] == (50, 400)
    assert {"bone", "brain", "mediastinum", "liver", "angio"} <= presets.keys()
    assert all(width > 0 for _, width in presets.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lung", (-1400, 100)),
        ("Soft_Tissue", (-150, 250)),
        ("soft-tissue", (-150, 250)),
        ("-650/1500", (-1400, 100)),
        (" 40.5 / 81 ", (0, 81)),
        ("paper:lung", (-1400, 100)),
        ("paper:-650/1500", (-1400, 100)),
    ],
)
def test_presets_and_level_width_are_understood(text, expected):
    window = window_from_text(text, ct(0, 1))
    assert ends(window) == expected
    assert window.per_slice == text.startswith("paper")


@pytest.mark.parametrize(
    "text", ["", "lungs", "40", "40/0", "40/-5", "40/nan", "inf/3", "1/2/3", "paper:", "paper:full"]
)
def test_other_windows_are_refused(text):
    with pytest.raises(InputError):
        window_from_text(text, ct(0, 1))


def test_the_sentence_about_an_unknown_window_names_the_choices():
    with pytest.raises(InputError, match="soft tissue"):
        window_from_text("lungs", ct(0, 1))


def test_a_window_has_finite_ends_in_order():
    for lower, upper in ((0, np.inf), (np.nan, 1), (2, 1)):
        with pytest.raises(InputError):
            Window(lower, upper, "wrong")


def test_auto_takes_lung_for_a_dark_region_of_a_ct_and_soft_tissue_otherwise():
    image = ct(-1000, -850, 40, 400)
    assert window_from_text("auto", image, np.array([-850, -820, 30])).name == "lung"
    assert window_from_text("auto", image, np.array([[30, -850, 60]])).name == "soft tissue"
    assert window_from_text("auto", image).name == "soft tissue"
    assert window_from_text("auto", image, np.array([])).name == "soft tissue"
    assert window_from_text("auto", image, np.array([np.nan])).name == "soft tissue"
    assert window_from_text("auto", image, np.array([-3024, -3024, 40])).name == "soft tissue"


def test_auto_recognizes_hounsfield_units_in_a_file_without_modality():
    rng = np.random.default_rng(2)
    body = np.where(rng.random((10, 20, 20)) < 0.5, -1000, rng.normal(40, 100, (10, 20, 20)))
    body[:, 0] = -3024
    assert window_from_text("auto", volume(body.astype(np.int16))).name == "soft tissue"
    assert window_from_text("auto", volume(body.astype(np.int16), "MR")).name == "percentile"
    assert window_from_text("auto", volume((body + 3024).astype(np.uint16))).name == "percentile"
    normalized = rng.normal(0, 1, (10, 20, 20))
    assert window_from_text("auto", volume(normalized)).name == "percentile"


@pytest.mark.parametrize(
    ("shape", "dtype", "modality", "name"),
    [
        ((1, 9, 9), np.uint8, "", "full"),
        ((1, 9, 9), np.uint16, "", "full"),
        ((1, 9, 9), np.float32, "", "percentile"),
        ((3, 9, 9), np.uint8, "", "percentile"),
        ((1, 9, 9), np.uint16, "MR", "percentile"),
        ((1, 9, 9), np.int32, "DX", "full"),
        ((1, 9, 9), np.uint16, "MG", "full"),
        ((3, 9, 9), np.uint16, "PT", "percentile"),
    ],
)
def test_auto_takes_the_full_range_for_x_rays_and_percentiles_for_the_rest(shape, dtype, modality, name):
    array = np.random.default_rng(3).integers(0, 200, shape).astype(dtype)
    assert window_from_text("auto", volume(array, modality)).name == name


@pytest.mark.parametrize("text", ["full", "percentile"])
@pytest.mark.parametrize("padding", [-2000, -2048, -3024])
def test_ct_padding_does_not_stretch_a_window(text, padding):
    array = np.random.default_rng(4).integers(-1000, 1000, (4, 16, 16)).astype(np.int16)
    padded = array.copy()
    padded[:, ::4] = padding
    kept = volume(array[:, np.arange(16) % 4 > 0], "CT")
    assert ends(window_from_text(text, volume(padded, "CT"))) == ends(window_from_text(text, kept))


def test_low_values_are_no_padding_in_other_modalities():
    assert ends(window_from_text("full", volume(np.array([[[-3000, 0, 5]]]), "MR"))) == (-3000, 5)


# --- ranges


def test_the_foreground_of_an_mr_does_not_depend_on_the_air_around_it():
    rng = np.random.default_rng(5)
    tissue, air = rng.normal(500, 100, 20_000), np.abs(rng.normal(0, 10, 20_000))
    _, little = foreground_percentiles(np.concatenate([tissue, air]))
    _, much = foreground_percentiles(np.concatenate([tissue, np.tile(air, 9)]))
    assert much == pytest.approx(little, rel=0.01)
    assert little == pytest.approx(np.percentile(tissue, 99.5), rel=0.01)


def test_a_few_very_bright_voxels_do_not_darken_an_mr():
    tissue = np.random.default_rng(6).normal(500, 100, 20_000)
    spikes = np.concatenate([tissue, np.full(10, 1e6)])
    assert foreground_percentiles(spikes)[1] == pytest.approx(foreground_percentiles(tissue)[1], rel=0.05)


def test_dark_tissue_is_not_clipped():
    values = np.concatenate([np.zeros(1000), np.full(1000, 60.0), np.full(1000, 200.0)])
    lower, upper = foreground_percentiles(values)
    assert (lower, upper) == (0, 200)


def test_otsu_separates_two_groups():
    values = np.concatenate([np.full(500, 10.0), np.full(20, 12.0), np.full(300, 90.0)])
    assert 12 < otsu_threshold(values) <= 90


def test_a_rare_object_on_an_empty_image_keeps_its_range():
    values = np.concatenate([np.zeros(100_000), np.full(20, 50.0)])
    assert foreground_percentiles(values) == (0, 50)


def test_the_full_range_is_exact_and_ignores_what_is_not_finite(monkeypatch):
    monkeypatch.setattr(intensity_range, "SLAB_VOXELS", 10)
    array = np.zeros((50, 5, 5), np.float32)
    array[17, 3, 3], array[41, 0, 1], array[3, 3, 3], array[4, 4, 4] = -7, 9, np.nan, np.inf
    assert full_range(array) == (-7, 9)
    assert full_range(np.full((2, 2, 2), np.nan)) == (0, 0)


def test_a_sample_of_a_large_image_is_small_and_regular(monkeypatch):
    monkeypatch.setattr(intensity_range, "SLAB_VOXELS", 100)
    array = np.arange(8000).reshape(20, 20, 20)
    values = sample(array)
    assert 0 < values.size <= 100
    assert set(values) <= set(array[::5, ::5, ::5].ravel())


@pytest.mark.parametrize("modality", ["MR", ""])
def test_the_voxels_of_a_volume_are_looked_at_once_for_all_its_automatic_windows(monkeypatch, modality):
    looks = []
    monkeypatch.setattr(window, "sample", lambda *arguments: looks.append(1) or sample(*arguments))
    first, second = (volume(np.arange(scale * 64).reshape(4, 4, -1), modality) for scale in (1, 4))
    chosen = [window_from_text("auto", first) for _ in range(3)]
    assert chosen == chosen[:1] * 3
    asked_once = len(looks)
    window_from_text("auto", first)
    assert len(looks) == asked_once
    assert window_from_text("auto", second) != chosen[0]
    assert len(looks) == 2 * asked_once
