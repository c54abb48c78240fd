"""Volume nodes as the core's volumes: their voxels, their own grid in LPS, and what DICOM says about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import slicer
import vtk

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.dicom.presentation import window_ends
from PromptOnceLib.imaging.dicom.values import INVERTED
from PromptOnceLib.imaging.image_file import grey_from_colour, read_image_file
from PromptOnceLib.imaging.label_likeness import doubts
from PromptOnceLib.imaging.scanner import XRAY_MODALITIES, Scanner
from PromptOnceLib.imaging.volume import Array, Geometry, Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


class DicomDatabase(Protocol):
    """What is asked of slicer.dicomDatabase; tags are written "gggg,eeee"."""

    def instanceValue(self, uid: str, tag: str) -> str:  # noqa: N802
        """Text of a tag of an instance, "" where either is unknown."""

    def fileForInstance(self, uid: str) -> str:  # noqa: N802
        """File of an instance, "" where it is unknown."""


def check_volume_node(node: Any) -> None:
    """Raise VolumeError or GeometryError, with the reason, for a node that cannot be segmented."""
    if node is None:
        raise VolumeError("No volume is chosen. Choose the image to segment.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise VolumeError(
            f"{node.GetName()} is a label map: it holds labels, not an image. Choose the image it was made on; a label "
            "map can be the reference to compare with."
        )
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise VolumeError(f"{node.GetName()} is not a volume. Choose the image to segment.")
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        raise VolumeError(f"{node.GetName()} holds no voxels. Load the image again, or choose another.")
    _check_kind(node.GetName(), image)
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        raise GeometryError(
            f"{node.GetName()} lies under a transform that is not linear, so its slices are not flat in space (Slicer "
            "adds such a transform to series with tilted gantry or uneven slices). Harden the transform, which "
            "resamples the image to a straight grid, or take the volume out of it."
        )


def read_volume_node(node: Any, database: DicomDatabase | None = None) -> Volume:
    """Volume of a scalar volume node, or of a colour picture (vector volume) of one slice, turned to grey.

    The array is a view of the node's voxels, KJI, of their own type; it is not to be written to. The geometry is the
    volume's own grid: parent transforms have no part in it. database: slicer.dicomDatabase where there is one (by
    default), from which modality and scanner come. Raises VolumeError and GeometryError as check_volume_node, and
    GeometryError for sheared grids.
    """
    check_volume_node(node)
    array: Array = slicer.util.arrayFromVolume(node)
    notices: tuple[str, ...] = ()
    if array.ndim == 4:
        array, notices = grey_from_colour(array)
    if database is None:
        database = getattr(slicer, "dicomDatabase", None)
    scanner = _scanner(node, database)
    window = None if database is None else _file_window(node, database)
    if database is not None and scanner.modality in XRAY_MODALITIES and _is_upside_down(node, array, database):
        array = (float(array.max()) + float(array.min()) - array.astype(np.float64)).astype(array.dtype)
        notices += (INVERTED,)
    if not scanner.modality:
        notices += doubts(array)
    known = scanner if scanner != Scanner(modality=scanner.modality) else None
    return Volume(array, volume_geometry(node), scanner.modality, known, notices, window)


def volume_geometry(node: Any) -> Geometry:
    """The volume's own grid in LPS. Raises GeometryError for a sheared one."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_ras = slicer.util.arrayFromVTKMatrix(matrix)
    to_lps = _RAS_TO_LPS @ to_ras[:3]
    spacing = np.linalg.norm(to_lps[:, :3], axis=0)
    # A column of zeros has no direction; Geometry refuses its spacing.
    direction = to_lps[:, :3] / np.where(spacing > 0, spacing, 1.0)
    (i, j, k), (di, dj, dk) = node.GetImageData().GetDimensions(), spacing.tolist()
    left, posterior, superior = to_lps[:, 3].tolist()
    return Geometry((i, j, k), (di, dj, dk), (left, posterior, superior), tuple(direction.ravel().tolist()))


def display_window(node: Any) -> str | None:
    """The window with which the node is shown, as imaging.window.window_from_text takes it; None where it has none."""
    display = node.GetDisplayNode()
    if display is None or not display.IsA("vtkMRMLScalarVolumeDisplayNode") or display.GetWindow() <= 0:
        return None
    return f"{display.GetLevel():.6g}/{display.GetWindow():.6g}"


def voxel_fingerprint(node: Any) -> tuple[str, int]:
    """Equal as long as the node holds the same voxels; changes whenever they were modified or replaced."""
    image = node.GetImageData()
    return node.GetID(), 0 if image is None else image.GetMTime()


def _check_kind(name: str, image: Any) -> None:
    components, slices = image.GetNumberOfScalarComponents(), 1 in image.GetDimensions()
    if image.GetScalarType() == vtk.VTK_BIT:
        raise VolumeError(f"{name} holds single bits, not grey values. Choose the image it was made on.")
    if components == 1:
        return
    colour = components in (3, 4) and image.GetScalarType() in (vtk.VTK_UNSIGNED_CHAR, vtk.VTK_UNSIGNED_SHORT)
    if not colour:
        raise VolumeError(f"{name} holds {components} values in each voxel. Choose a volume with one value in each.")
    if not slices:
        raise VolumeError(
            f"{name} is a colour image of several slices. Turn it to grey first, with the module Vector to Scalar "
            "Volume; colour pictures of one slice can be used as they are."
        )


def _scanner(node: Any, database: DicomDatabase | None) -> Scanner:
    """What the DICOM database knows of the volume's first instance; else the modality in the subject hierarchy."""
    uid = _instance_uid(node)
    if database is not None and uid:
        scanner = Scanner.from_tags(lambda tag: str(database.instanceValue(uid, tag.replace("|", ",")) or ""))
        if scanner.modality:
            return scanner
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if not item:
        return Scanner()
    attribute = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    return Scanner(modality=hierarchy.GetItemAttribute(item, attribute) or "")


def _file_window(node: Any, database: DicomDatabase) -> tuple[float, float] | None:
    """The window that the volume's first instance states; None where it is inverted, by whom is not known."""
    uid = _instance_uid(node)
    if not uid or database.instanceValue(uid, "0028,0004").strip() == "MONOCHROME1":
        return None
    try:
        level, width = (float(database.instanceValue(uid, tag).split("\\")[0]) for tag in ("0028,1050", "0028,1051"))
    except ValueError:
        return None
    return window_ends(level, width, database.instanceValue(uid, "0028,1056").strip()) if width > 0 else None


def _instance_uid(node: Any) -> str:
    uids = [uid for uid in (node.GetAttribute("DICOM.instanceUIDs") or "").split() if uid != "Unknown"]
    return uids[0] if uids else ""


def _is_upside_down(node: Any, array: Array, database: DicomDatabase) -> bool:
    """Whether an X-ray shows bone dark: stored as MONOCHROME1 and loaded as stored.

    Of Slicer's DICOM readers GDCM turns such images and DCMTK does not, and the node does not tell which one loaded
    it. So the file is read with the core's reader, which turns them, and both are compared.
    """
    uid = _instance_uid(node)
    if database.instanceValue(uid, "0028,0004").strip() != "MONOCHROME1":
        return False
    try:
        right = read_image_file(Path(database.fileForInstance(uid))).array
    except VolumeError:
        return False
    if right.shape != array.shape:
        return False
    return float(((right - right.mean(dtype=float)) * (array - array.mean(dtype=float))).sum()) < 0
