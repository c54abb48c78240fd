"""DICOM files of several volumes: what tells these apart, what they are called, and what divides nothing."""

from __future__ import annotations

import pytest

from imaging.enhanced_files import SAGITTAL, blob, blobs, slices, write_enhanced
from PromptOnceLib.errors import SeveralVolumesError, VolumeError
from PromptOnceLib.imaging.read import read_volume


def time(index: int) -> dict:
    return {"FrameContentSequence": {"TemporalPositionIndex": index}}


def test_two_phases_are_two_volumes_that_are_chosen_by_number_or_name(tmp_path):
    pixels = [blob(100 * t + k) for t in (1, 2) for k in range(4)]
    path = write_enhanced(
        tmp_path / "mf.dcm", pixels, slices(4) * 2, groups=[time(t) for t in (1, 2) for _ in range(4)]
    )
    with pytest.raises(SeveralVolumesError, match=r"1 \(time 1, 4 slices\), 2 \(time 2, 4 slices\)"):
        read_volume(path)
    for name in ("2", "time 2", " Time 2"):
        volume = read_volume(path, name)
        assert blobs(volume) == [200, 201, 202, 203]
        assert volume.geometry.spacing[2] == pytest.approx(2.5)
    for unknown in ("3", "0", "time", "magnitude", ""):
        with pytest.raises(SeveralVolumesError, match="time 1"):
            read_volume(path, unknown)


@pytest.mark.parametrize(
    ("groups", "name"),
    [
        ([{"MREchoSequence": {"EffectiveEchoTime": echo}} for echo in (4.92, 7.38)], "echo time 7.38 ms"),
        ([{"MRImageFrameTypeSequence": {"ComplexImageComponent": c}} for c in ("MAGNITUDE", "PHASE")], "phase"),
        ([{"MRDiffusionSequence": {"DiffusionBValue": b}} for b in (0.0, 800.0)], "b-value 800"),
        ([{"CardiacSynchronizationSequence": {"NominalPercentageOfCardiacPhase": p}} for p in (40.0, 75.0)], "75 %"),
        ([{"CTReconstructionSequence": {"ConvolutionKernel": kernel}} for kernel in ("B30f", "B60f")], "kernel B60f"),
        ([{"MRImageFrameTypeSequence": {"FrameType": ["DERIVED", "DIXON", t]}} for t in ("WATER", "FAT")], "fat"),
        ([{"FrameContentSequence": {"FrameAcquisitionNumber": number}} for number in (1, 2)], "acquisition 2"),
    ],
)
def test_what_tells_volumes_apart_names_them(tmp_path, groups, name):
    """Stored slice by slice, so that the order of the frames tells nothing."""
    pixels = [blob(100 * (v + 1) + k) for k in range(4) for v in (0, 1)]
    positions = [position for position in slices(4) for _ in (0, 1)]
    path = write_enhanced(tmp_path / "mf.dcm", pixels, positions, "MR", groups * 4)
    with pytest.raises(SeveralVolumesError, match="There are 2 volumes"):
        read_volume(path)
    assert blobs(read_volume(path, name)) == [200, 201, 202, 203]


def test_the_indices_of_dimensions_tell_volumes_apart_where_nothing_else_does(tmp_path):
    groups = [{"FrameContentSequence": {"DimensionIndexValues": [v, k]}} for v in (1, 2) for k in range(1, 5)]
    pixels = [blob(100 * v + k) for v in (1, 2) for k in range(4)]
    path = write_enhanced(tmp_path / "mf.dcm", pixels, slices(4) * 2, groups=groups)
    assert blobs(read_volume(path, "1")) == [100, 101, 102, 103]
    assert blobs(read_volume(path, "dimension 1 2")) == [200, 201, 202, 203]


def test_echoes_and_components_make_four_volumes(tmp_path):
    kinds = [(echo, part) for echo in (5.0, 10.0) for part in ("MAGNITUDE", "PHASE")]
    groups = [
        {"MREchoSequence": {"EffectiveEchoTime": e}, "MRImageFrameTypeSequence": {"ComplexImageComponent": part}}
        for e, part in kinds
        for _ in range(3)
    ]
    pixels = [blob(100 * v + k) for v in range(4) for k in range(3)]
    path = write_enhanced(tmp_path / "mf.dcm", pixels, slices(3) * 4, "MR", groups)
    assert blobs(read_volume(path, "magnitude, echo time 10 ms")) == [200, 201, 202]
    with pytest.raises(SeveralVolumesError, match="more than one"):
        read_volume(path, "phase")


def test_gradient_directions_are_volumes_of_their_own_beside_the_one_without(tmp_path):
    directions = [None, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    groups = []
    for direction in directions:
        diffusion = {"DiffusionBValue": 0.0}
        if direction is not None:
            gradient = {"DiffusionGradientOrientation": direction}
            diffusion = {"DiffusionBValue": 800.0, "DiffusionGradientDirectionSequence": gradient}
        groups += [{"MRDiffusionSequence": diffusion}] * 3
    pixels = [blob(100 * v + k) for v in range(3) for k in range(3)]
    path = write_enhanced(tmp_path / "mf.dcm", pixels, slices(3) * 3, "MR", groups)
    assert blobs(read_volume(path, "3")) == [200, 201, 202]


def test_phases_that_lie_between_each_other_are_not_one_volume(tmp_path):
    positions = slices(4) + slices(4, start=101.25)
    groups = [time(t) for t in (1, 2) for _ in range(4)]
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(8)], positions, groups=groups)
    assert blobs(read_volume(path, "2")) == [4, 5, 6, 7]


def test_a_label_that_changes_from_slice_to_slice_divides_nothing(tmp_path):
    groups = [{"FrameContentSequence": {"TemporalPositionIndex": k + 1, "StackID": "1"}} for k in range(5)]
    volume = read_volume(write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(5)], slices(5), groups=groups))
    assert blobs(volume) == [0, 1, 2, 3, 4]


def test_frames_at_one_place_that_nothing_tells_apart_are_refused(tmp_path):
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(6)], slices(3) * 2)
    with pytest.raises(VolumeError, match="nothing in the files says"):
        read_volume(path)


def test_the_planes_of_a_localizer_are_chosen_by_their_names(tmp_path):
    positions = slices(3) + [[5.0 * k, -30, 100] for k in range(3)]
    groups = [
        {"PlaneOrientationSequence": {"ImageOrientationPatient": o}} for o in [[1, 0, 0, 0, 1, 0]] * 3 + [SAGITTAL] * 3
    ]
    shared = {"PlaneOrientationSequence": None}
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(6)], positions, "MR", groups, shared)
    with pytest.raises(SeveralVolumesError, match=r"1 \(axial, 3 slices\), 2 \(sagittal, 3 slices\)"):
        read_volume(path)
    volume = read_volume(path, "sagittal")
    assert volume.geometry.spacing == pytest.approx((0.8, 0.8, 5))
    assert set(blobs(volume)) == {3, 4, 5}
