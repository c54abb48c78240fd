"""Volume nodes as the core's volumes, and what is refused with which reason."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from imaging.dicom_files import make_monochrome1, write_dicom

from mrml.volumes import (
    OBLIQUE,
    SHAPE,
    TRANSFORMS,
    add_bending_transform,
    add_transform,
    add_volume,
    axis_directions,
    ijk_to_ras,
    world_of,
)
from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.window import window_from_text
from PromptOnceLib.mrml.volumes import display_window, read_volume_node, voxel_fingerprint


class Database:
    """Stands for slicer.dicomDatabase."""

    def __init__(self, file: str = "", **tags: str) -> None:
        self.file, self.tags = file, {name[1:].replace("_", ","): value for name, value in tags.items()}

    def instanceValue(self, uid: str, tag: str) -> str:  # noqa: N802
        return self.tags.get(tag, "") if uid == "1.2.3" else ""

    def fileForInstance(self, uid: str) -> str:  # noqa: N802
        return self.file if uid == "1.2.3" else ""


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_voxels_of_every_type_are_read_as_they_are(scene, dtype):
    array = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)
    volume = read_volume_node(add_volume(array))
    assert volume.array.dtype == array.dtype
    assert np.array_equal(volume.array, array)
    assert (volume.modality, volume.notices) == ("", ())


@pytest.mark.parametrize("number", range(49))
def test_the_geometry_is_the_volumes_own_in_lps(scene, number):
    node = add_volume(matrix=ijk_to_ras([*axis_directions(), OBLIQUE][number]))
    geometry = read_volume_node(node).geometry
    for ijk in ((0, 0, 0), (8, 0, 3), (1, 6, 4)):
        lps = (geometry.ijk_to_lps() @ [*ijk, 1])[:3]
        assert np.allclose(lps * (-1, -1, 1), world_of(node, ijk))


def test_a_volume_is_read_as_the_command_line_reads_its_file(scene, tmp_path):
    node = add_volume(matrix=ijk_to_ras(OBLIQUE))
    node.AddDefaultStorageNode()
    file = str(tmp_path / "ct.nrrd")
    node.GetStorageNode().SetFileName(file)
    assert node.GetStorageNode().WriteData(node)
    from_file, from_node = read_volume(file), read_volume_node(node)
    assert from_file.geometry.same_grid(from_node.geometry, 1e-5)
    assert np.array_equal(from_file.array, from_node.array)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_linear_parent_transforms_have_no_part_in_the_geometry(scene, transform):
    node = add_volume()
    before = read_volume_node(node).geometry
    if TRANSFORMS[transform] is not None:
        node.SetAndObserveTransformNodeID(add_transform(TRANSFORMS[transform]).GetID())
    assert read_volume_node(node).geometry == before


@pytest.mark.parametrize(("components", "dtype"), [(3, np.uint8), (4, np.uint8), (3, np.uint16)])
def test_a_colour_picture_of_one_slice_becomes_grey(scene, components, dtype):
    picture = np.random.default_rng(0).integers(0, 255, (1, 7, 9, components)).astype(dtype)
    volume = read_volume_node(add_volume(picture, nodeClassName="vtkMRMLVectorVolumeNode"))
    assert volume.array.shape == (1, 7, 9)
    assert volume.array.dtype == dtype
    assert np.allclose(volume.array, picture[..., :3] @ [0.299, 0.587, 0.114], atol=0.51)
    assert "colour" in volume.notices[0]


def test_a_single_grey_slice_is_read(scene):
    volume = read_volume_node(add_volume(np.ones((1, 7, 9), np.uint8)))
    assert volume.geometry.size == (9, 7, 1)


def test_what_cannot_be_segmented_is_refused_with_the_reason(scene):
    colour = np.zeros((2, 7, 9, 3), np.uint8)
    vectors = np.zeros((1, 7, 9, 3), np.float32)
    two = np.zeros((1, 7, 9, 2), np.uint8)
    vector = {"nodeClassName": "vtkMRMLVectorVolumeNode"}
    bits = add_volume()
    bits.GetImageData().AllocateScalars(vtk.VTK_BIT, 1)
    for node, sentence in (
        (None, "No volume is chosen"),
        (scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"), "no voxels"),
        (add_volume(np.zeros(SHAPE, np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode"), "is a label map"),
        (add_volume(colour, **vector), "several slices"),
        (add_volume(vectors, **vector), "3 values in each voxel"),
        (add_volume(two, **vector), "2 values in each voxel"),
        (scene.AddNewNodeByClass("vtkMRMLSegmentationNode"), "is not a volume"),
        (bits, "single bits"),
    ):
        with pytest.raises(VolumeError, match=sentence):
            read_volume_node(node)


def test_a_sheared_grid_is_refused(scene):
    matrix = ijk_to_ras(np.eye(3))
    matrix[0, 2] = 0.4
    with pytest.raises(GeometryError, match="not perpendicular"):
        read_volume_node(add_volume(matrix=matrix))


def test_a_bending_parent_transform_is_refused(scene):
    node = add_volume()
    bending = add_bending_transform()
    node.SetAndObserveTransformNodeID(bending.GetID())
    with pytest.raises(GeometryError, match="not linear"):
        read_volume_node(node)
    straight = add_transform(TRANSFORMS["rotated"])
    straight.SetAndObserveTransformNodeID(bending.GetID())
    node.SetAndObserveTransformNodeID(straight.GetID())
    with pytest.raises(GeometryError, match="Harden"):
        read_volume_node(node)


def test_modality_and_scanner_come_from_the_dicom_database(scene):
    node = add_volume()
    node.SetAttribute("DICOM.instanceUIDs", "Unknown 1.2.3 1.2.4")
    volume = read_volume_node(node, Database(t0008_0060="CT", t0008_0070="Maker", t0018_1210="B30f"))
    assert volume.modality == "CT"
    assert (volume.scanner.manufacturer, volume.scanner.kernel) == ("Maker", "B30f")


def test_without_a_database_the_subject_hierarchy_knows_the_modality(scene):
    node = add_volume()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    hierarchy.SetItemAttribute(item, "DICOM.Modality", "MR")
    volume = read_volume_node(node)
    assert (volume.modality, volume.scanner) == ("MR", None)
    assert read_volume_node(add_volume(), Database()).modality == ""


@pytest.mark.parametrize("reader", ["GDCM", "DCMTK"])
def test_an_x_ray_stored_as_monochrome1_has_bright_bone_whichever_reader_loaded_it(scene, tmp_path, reader):
    pixels = np.random.default_rng(0).integers(0, 4000, (1, 6, 8)).astype(np.uint16)
    file = make_monochrome1(write_dicom(tmp_path / "dx.dcm", pixels, t0008_0060="DX"))
    loader = slicer.vtkITKArchetypeImageSeriesScalarReader()
    loader.SetArchetype(str(file))
    loader.AddFileName(str(file))
    loader.SetSingleFile(0)
    loader.SetOutputScalarTypeToNative()
    loader.SetDesiredCoordinateOrientationToNative()
    getattr(loader, f"SetDICOMImageIOApproachTo{reader}")()
    loader.Update()
    loaded = vtk.util.numpy_support.vtk_to_numpy(loader.GetOutput().GetPointData().GetScalars()).reshape(1, 6, 8)
    assert np.array_equal(loaded, pixels) == (reader == "DCMTK"), "only GDCM turns it"
    node = add_volume(loaded.copy())
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    database = Database(str(file), t0008_0060="DX", t0028_0004="MONOCHROME1")
    volume = read_volume_node(node, database)
    order = np.argsort(pixels, axis=None)
    assert (np.diff(volume.array.ravel()[order].astype(int)) <= 0).all(), "dark where much was stored"
    assert len(volume.notices) == (1 if reader == "DCMTK" else 0)
    assert np.array_equal(slicer.util.arrayFromVolume(node), loaded), "the user's voxels stay"


def test_an_x_ray_whose_file_is_gone_is_taken_as_it_is(scene):
    node = add_volume(np.ones((1, 6, 8), np.uint16))
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    database = Database("/nowhere/dx.dcm", t0008_0060="DX", t0028_0004="MONOCHROME1")
    assert read_volume_node(node, database).notices == ()


def test_an_x_ray_has_the_window_of_its_file_unless_it_was_turned(scene):
    node = add_volume(np.ones((1, 6, 8), np.uint16))
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    tags = {"t0008_0060": "DX", "t0028_1050": "1050\\2000", "t0028_1051": "300\\4000"}
    assert read_volume_node(node, Database("/nowhere/dx.dcm", **tags)).file_window == (900, 1199)
    inverted = Database("/nowhere/dx.dcm", t0028_0004="MONOCHROME1", **tags)
    assert read_volume_node(node, inverted).file_window is None


def test_the_window_of_the_display_can_be_used(scene):
    node = add_volume()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevel(1500.0, -650.5)
    window = window_from_text(display_window(node), read_volume_node(node))
    assert (window.lower, window.upper) == (-1400.5, 99.5)
    node.SetAndObserveDisplayNodeID(None)
    assert display_window(node) is None


def test_the_fingerprint_changes_with_the_voxels(scene):
    node = add_volume()
    first = voxel_fingerprint(node)
    node.SetName("renamed")
    node.SetOrigin(1, 2, 3)
    assert voxel_fingerprint(node) == first
    slicer.util.arrayFromVolume(node)[0, 0, 0] = 99
    slicer.util.arrayFromVolumeModified(node)
    second = voxel_fingerprint(node)
    assert second != first
    slicer.util.updateVolumeFromArray(node, np.zeros(SHAPE, np.int16))
    assert voxel_fingerprint(node) not in (first, second)
    assert voxel_fingerprint(add_volume()) != voxel_fingerprint(node)
