"""Every real data set loads with its size, spacing, modality and scanner; its reference fits."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import choose_axis, make_stack, slices_along
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.imaging.window import to_uint8, window_from_text
from PromptOnceLib.segmentation.reference import read_reference

# image, reference, size, spacing, stack axis, window chosen without a region
VOLUMES = [
    ("ct_abdomen_totalseg/image.nii.gz", "label.nii.gz", (122, 101, 112), (3, 3, 3), 0, "soft tissue"),
    (
        "ct_lung_elastix/image_a_registered_followup.nii.gz",
        "label_a.nii.gz",
        (115, 157, 129),
        (1.366, 1.366, 2.5),
        0,
        "soft tissue",
    ),
    (
        "ct_lung_elastix/image_b_baseline_small.nii.gz",
        "label_b_resampled.nii.gz",
        (57, 78, 64),
        (2.732, 2.732, 5),
        0,
        "soft tissue",
    ),
    (
        "dicom_ct_chest_ge_a/dicom",
        "label_lungs_HU_threshold.nii.gz",
        (512, 512, 12),
        (0.682, 0.682, 1.25),
        0,
        "soft tissue",
    ),
    (
        "dicom_ct_chest_ge_b/dicom",
        "label_lungs_HU_threshold.nii.gz",
        (512, 512, 11),
        (0.82, 0.82, 2.5),
        0,
        "soft tissue",
    ),
    (
        "dicom_ct_siemens_totalseg/dicom",
        "label_on_dicom_grid.nii.gz",
        (512, 512, 20),
        (0.977, 0.977, 2),
        0,
        "soft tissue",
    ),
    ("dicom_mr_siemens_skyra/dicom", None, (256, 256, 18), (0.859, 0.859, 0.9), 0, "percentile"),
    ("mr_abdomen_totalseg/image.nii.gz", "label.nii.gz", (117, 91, 20), (3, 3, 3), 0, "percentile"),
    (
        "mr_brain_tumour_pyradiomics/brain1_image.nrrd",
        "brain1_label.nrrd",
        (256, 256, 25),
        (0.781, 0.781, 6.5),
        0,
        "percentile",
    ),
    (
        "mr_brain_tumour_pyradiomics/brain2_image.nrrd",
        "brain2_label.nrrd",
        (256, 256, 23),
        (0.781, 0.781, 6.5),
        0,
        "percentile",
    ),
    ("mr_spinalcord_sct/image_t1.nii.gz", "label_t1.nii.gz", (42, 76, 77), (1, 1, 1), 0, "percentile"),
    ("mr_spinalcord_sct/image_t2.nii.gz", "label_t2.nii.gz", (60, 55, 52), (1, 1, 1), 1, "percentile"),
    ("mr_spinalcord_sct/image_t2s_gm.nii.gz", "label_t2s_gm.nii.gz", (320, 320, 11), (0.5, 0.5, 7.5), 0, "percentile"),
]

HIPPOCAMPI = {
    "001": (35, 51, 35),
    "003": (34, 52, 35),
    "004": (36, 52, 38),
    "006": (35, 52, 34),
    "007": (34, 47, 40),
    "008": (36, 48, 40),
    "011": (36, 50, 31),
    "014": (39, 50, 40),
}

X_RAYS = {
    "ARDSSevere": (790, 631),
    "MCUCXR_0001_0": (512, 512),
    "MCUCXR_0002_0": (512, 512),
    "MCUCXR_0003_0": (512, 512),
    "MCUCXR_0004_0": (512, 512),
    "X-ray_of_cyst_in_pneumocystis_pneumonia_1": (943, 751),
    "pneumocystis-pneumonia-1": (1024, 1024),
}


@pytest.mark.parametrize(("image", "reference", "size", "spacing", "axis", "window"), VOLUMES)
def test_a_volume_loads_with_its_geometry_and_its_reference(
    shared_data, capfd, image, reference, size, spacing, axis, window
):
    volume = read_volume(shared_data / image)
    assert volume.geometry.size == size
    assert volume.geometry.spacing == pytest.approx(spacing, abs=6e-4)
    assert volume.notices == ()
    assert choose_axis(volume.geometry).axis == axis
    chosen = window_from_text("auto", volume)
    assert chosen.name == window
    frames = make_stack(volume, axis, chosen).frames
    assert frames.shape == slices_along(volume.array, axis).shape
    assert (frames.min(), frames.max()) == (0, 255)
    if reference:
        labels = read_reference((shared_data / image).parent / reference, volume.geometry)
        assert labels.shape == volume.array.shape
        assert labels.any()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "size"), HIPPOCAMPI.items())
def test_a_hippocampus_loads_with_its_reference(shared_data, name, size):
    folder = shared_data / "mr_hippocampus_msd"
    volume = read_volume(folder / "images" / f"hippocampus_{name}.nii.gz")
    assert volume.geometry.size == size
    assert volume.geometry.spacing == pytest.approx((1, 1, 1))
    labels = read_reference(folder / "labels" / f"hippocampus_{name}.nii.gz", volume.geometry)
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels.dtype == np.uint8


@pytest.mark.parametrize(("name", "size"), X_RAYS.items())
def test_an_x_ray_loads_as_one_slice_with_its_mask(shared_data, name, size):
    volume = read_volume(shared_data / "cxr_lungs" / "images" / f"{name}.png")
    assert volume.geometry.size == (*size, 1)
    assert window_from_text("auto", volume).name == "full"
    assert choose_axis(volume.geometry).axis == 0
    labels = read_reference(shared_data / "cxr_lungs" / "masks" / f"{name}.png", volume.geometry)
    assert np.unique(labels).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("dicom_ct_siemens_totalseg", ("CT", "SIEMENS", "Biograph40_mCT 4R", "PETCT2", "Br38f\\3", "", 3.0)),
        ("dicom_ct_chest_ge_a", ("CT", "GE MEDICAL SYSTEMS", "LightSpeed16", "", "STANDARD", "", 1.25)),
        ("dicom_ct_chest_ge_b", ("CT", "GE MEDICAL SYSTEMS", "LightSpeed16", "", "STANDARD", "", 2.5)),
        ("dicom_mr_siemens_skyra", ("MR", "SIEMENS", "Skyra", "AWP45152", "", "*tfl3d1_16ns", pytest.approx(0.9))),
    ],
)
def test_the_scanner_of_a_dicom_series_is_known(shared_data, folder, expected):
    volume = read_volume(shared_data / folder / "dicom")
    scanner = volume.scanner
    found = (scanner.modality, scanner.manufacturer, scanner.model, scanner.station, scanner.kernel, scanner.sequence)
    assert (*found, scanner.slice_thickness) == expected
    assert volume.modality == expected[0]


def test_a_file_of_a_real_series_brings_the_same_volume_as_its_folder(shared_data):
    folder = shared_data / "dicom_mr_siemens_skyra" / "dicom"
    whole = read_volume(folder)
    by_file = read_volume(next(folder.iterdir()))
    assert by_file.geometry == whole.geometry
    np.testing.assert_array_equal(by_file.array, whole.array)
    assert "series of 18 slices" in by_file.notices[0]


def test_an_oblique_series_lies_where_simpleitk_puts_it(shared_data):
    folder = shared_data / "dicom_mr_siemens_skyra" / "dicom"
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = sitk.ReadImage(names)
    volume = read_volume(folder)
    assert volume.geometry.same_grid(Geometry.from_image(image))
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(image))


def test_a_reference_stored_with_y_flipped_equals_the_one_on_the_dicom_grid(shared_data):
    folder = shared_data / "dicom_ct_siemens_totalseg"
    geometry = read_volume(folder / "dicom").geometry
    notices = []
    flipped = read_reference(folder / "label_original_LAS.nii.gz", geometry, notify=notices.append)
    np.testing.assert_array_equal(flipped, read_reference(folder / "label_on_dicom_grid.nii.gz", geometry))
    assert "another order" in notices[0]


def test_a_reference_on_a_grid_twice_as_fine_is_resampled(shared_data):
    folder = shared_data / "ct_lung_elastix"
    geometry = read_volume(folder / "image_b_baseline_small.nii.gz").geometry
    fine = read_reference(folder / "label_a.nii.gz", geometry)
    own = read_reference(folder / "label_b_resampled.nii.gz", geometry)
    assert 2 * np.logical_and(fine, own).sum() / (fine.sum() + own.sum()) > 0.95


def test_the_prompted_lung_gets_the_lung_window_and_the_liver_soft_tissue(shared_data):
    lungs = read_volume(shared_data / "ct_lung_elastix" / "image_a_registered_followup.nii.gz")
    mask = read_reference(shared_data / "ct_lung_elastix" / "label_a.nii.gz", lungs.geometry)
    assert window_from_text("auto", lungs, lungs.array[mask > 0]).name == "lung"
    abdomen = read_volume(shared_data / "ct_abdomen_totalseg" / "image.nii.gz")
    liver = read_reference(shared_data / "ct_abdomen_totalseg" / "label.nii.gz", abdomen.geometry, [5])
    assert window_from_text("auto", abdomen, abdomen.array[liver > 0]).name == "soft tissue"


@pytest.mark.parametrize("folder", ["dicom_ct_chest_ge_a", "dicom_ct_chest_ge_b"])
def test_padding_of_a_real_ct_does_not_stretch_its_full_range(shared_data, folder):
    volume = read_volume(shared_data / folder / "dicom")
    assert volume.array.min() <= -2000
    window = window_from_text("full", volume)
    assert window.lower > -2000
    assert to_uint8(volume.array[:, :1, :1], window).max() == 0
