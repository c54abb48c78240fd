"""From an image of any orientation through a worker into files: other programs find every voxel at its place."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
from worker.disks import disk_frames
from worker.fake_process import INSTEAD, fake_python

import PromptOnceLib as po
from PromptOnceLib.segmentation.metrics import dice

pytestmark = pytest.mark.slow
SLICES = 5
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# About the axis (1, 2, 3) by 20 degrees, by Rodrigues' formula.
_AXIS = np.array([[0, -3, 2], [3, 0, -1], [-2, 1, 0]]) / np.sqrt(14)
OBLIQUE = np.eye(3) + np.sin(np.radians(20)) * _AXIS + (1 - np.cos(np.radians(20))) * _AXIS @ _AXIS
SPACINGS = ((0.7, 0.7, 2.5), (0.5, 0.8, 1.9), (1.3, 0.9, 0.4))  # the last one has its slices along the finest axis
ORIENTATIONS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


@pytest.fixture(scope="module")
def model() -> Iterator[po.Session]:
    with po.Session(device="cpu", precision="float32", threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def fake_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[po.Session]:
    """A worker that needs no model; it gets the same slices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(INSTEAD, str(fake_python(tmp_path_factory.mktemp("fake"))))
        with po.Session(device="cpu", precision="float32") as opened:
            yield opened


def reoriented(array: np.ndarray, affine: np.ndarray, order: tuple[int, ...], signs: tuple[int, ...]):
    """The same voxels at the same places in another order along axes (i, j, k), and their matrix to RAS."""
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for new, (old, sign) in enumerate(zip(order, signs, strict=True)):
        change[old, new] = sign
        change[old, 3] += 0 if sign > 0 else array.shape[old] - 1
    flipped = array.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    return flipped, affine @ change


def read_mha(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (i, j, k) and matrix to LPS, by the format's definition."""
    header, _, body = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
    fields = dict(re.findall(r"(\w+) = (.*)", header.decode()))
    body = zlib.decompress(body) if fields["CompressedData"] == "True" else body
    size = [int(value) for value in fields["DimSize"].split()]
    matrix = np.eye(4)
    axes = np.array([float(value) for value in fields["TransformMatrix"].split()]).reshape(3, 3)
    matrix[:3, :3] = axes.T * [float(value) for value in fields["ElementSpacing"].split()]
    matrix[:3, 3] = [float(value) for value in fields["Offset"].split()]
    assert fields["ElementType"] == "MET_UCHAR"
    return np.frombuffer(body, np.uint8).reshape(size, order="F"), matrix


@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_no_voxel_is_elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...], oblique: bool
) -> None:
    spacing = SPACINGS[ORIENTATIONS.index((order, signs)) % len(SPACINGS)]
    frames = disk_frames(slices=SLICES).transpose(2, 1, 0)
    y, x = np.mgrid[: frames.shape[1], : frames.shape[0]]
    disk = np.stack([np.hypot(x - 45 - k, y - 40) < 16 for k in range(SLICES)]).transpose(2, 1, 0)
    affine = np.eye(4)
    affine[:3, :3] = (OBLIQUE if oblique else np.eye(3)) * spacing
    affine[:3, 3] = (-20.5, 33.25, 107.125)
    voxels, matrix = reoriented(frames.astype(np.int16), affine, order, signs)
    expected, _ = reoriented(disk, affine, order, signs)
    nib.save(nib.Nifti1Image(voxels, matrix), tmp_path / "image.nii.gz")

    along = "ijk"[order.index(2)]
    result = po.segment(
        po.read(tmp_path / "image.nii.gz"),
        prompt_from=np.ascontiguousarray(expected.T.astype(np.uint8)),
        axis=along,
        window="full",
        model=request.getfixturevalue("fake_model" if oblique else "model"),
    )
    for name in ("mask.nii.gz", "mask.seg.nrrd", "mask.mha"):
        result.save(tmp_path / name)

    mask = result.mask.T
    assert dice(mask, expected.astype(np.uint8)) > 0.9, "the mask is not where the disk is"
    image, saved = nib.load(tmp_path / "image.nii.gz"), nib.load(tmp_path / "mask.nii.gz")
    assert np.count_nonzero(np.asarray(saved.dataobj) != mask) == 0
    assert np.allclose(saved.affine, image.affine, atol=1e-5)
    data, header = nrrd.read(str(tmp_path / "mask.seg.nrrd"))
    assert np.count_nonzero(data != mask) == 0
    assert header["space"] == "left-posterior-superior"
    to_lps = np.eye(4)
    to_lps[:3, :3], to_lps[:3, 3] = header["space directions"].T, header["space origin"]
    assert np.allclose(LPS_TO_RAS @ to_lps, image.affine, atol=1e-4)
    data, to_lps = read_mha(tmp_path / "mask.mha")
    assert np.count_nonzero(data != mask) == 0
    assert np.allclose(LPS_TO_RAS @ to_lps, image.affine, atol=1e-4)
