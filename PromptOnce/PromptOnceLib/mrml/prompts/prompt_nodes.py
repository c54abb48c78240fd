"""The markups of a prompt: for every object one box (ROI) and two lists of points, saved with the scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer

from PromptOnceLib.errors import PromptError
from PromptOnceLib.mrml.grid import Floats, StackGrid, ijk_to_ras
from PromptOnceLib.mrml.owned_nodes import mark, name_for_node, nodes_on, remove, role_of
from PromptOnceLib.mrml.prompts.folder import put_in_folder, remove_empty_folder
from PromptOnceLib.mrml.prompts.markups import box_of, defined_points, is_placed, roi_corners
from PromptOnceLib.mrml.prompts.style import style
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point
from PromptOnceLib.segmentation.segment import Color, default_color

ROLES = ("box", "positive", "negative")
_MARKUPS = "vtkMRMLMarkupsNode"
_CLASSES = {
    "box": "vtkMRMLMarkupsROINode",
    "positive": "vtkMRMLMarkupsFiducialNode",
    "negative": "vtkMRMLMarkupsFiducialNode",
}
_SUFFIXES = {"box": "box", "positive": "positive points", "negative": "negative points"}
_IN_WORDS = {"box": "The box", "positive": "A positive point", "negative": "A negative point"}

# Attributes of the nodes, saved with the scene.
_KEY, _AXIS = "PromptOnce.Object", "PromptOnce.Axis"
_NAME, _COLOR, _TERMINOLOGY = "PromptOnce.Name", "PromptOnce.Color", "PromptOnce.Terminology"

_SAME = 1e-6  # pixels and slices; further apart than rounding, nearer than any hand


class PromptNodes:
    """The nodes of one object's prompt on a stack. Nodes are made when something is put into them, not before.

    key: what tells the object from the others on the same volume, for example its segment's ID. Name, colour and
    terminology are kept on the nodes. The nodes lie under the volume's parent transform, so that a prompt stays on its
    voxels when the volume is moved. passing: marks that are neither saved with the scene nor found again.
    """

    def __init__(
        self,
        grid: StackGrid,
        key: str,
        name: str = "object",
        color: Color | None = None,
        terminology: str | None = None,
        passing: bool = False,
    ) -> None:
        self.grid, self.key, self._passing = grid, key, passing
        self.name, self.color, self.terminology = name, color or default_color(0), terminology

    def node(self, role: str) -> Any | None:
        """The node of a role ("box", "positive", "negative"), or None as long as there is none."""
        for node in nodes_on(self.grid.volume_node, _MARKUPS):
            if node.GetAttribute(_KEY) == self.key and role_of(node) == role and _is_passing(node) == self._passing:
                return node
        return None

    def make(self, role: str) -> Any:
        """The node of a role, made now if there is none: ready to place a box or points into it."""
        node = self.node(role)
        if node is not None:
            return node
        volume = self.grid.volume_node
        node = volume.GetScene().AddNewNodeByClass(_CLASSES[role])
        mark(node, role, volume)
        node.SetAttribute(_KEY, self.key)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        put_in_folder(node)
        self._describe(node, role)
        for part in (node, node.GetDisplayNode()):
            part.SetSaveWithScene(not self._passing)
        if role == "box":
            # A box that the mouse places lies along these axes.
            _set_matrix(node, _box_axes(volume))
        return node

    def describe(self, name: str, color: Color, terminology: str | None = None) -> None:
        """Give the object another name, colour and terminology."""
        self.name, self.color, self.terminology = name, color, terminology
        for role, node in self._existing():
            self._describe(node, role)

    def read(self) -> ObjectPrompt | None:
        """The prompt in slice pixels, or None while there is neither a box nor a point.

        Points and a box that is being placed do not count yet. A box that reaches over the border is cut there.
        """
        roi, points = self._placed_box(), []
        for role in ("positive", "negative"):
            points += [
                Point(x=position[1], y=position[2], positive=role == "positive") for _, position in self._points(role)
            ]
        if roi is None and not points:
            return None
        box = None if roi is None else box_of(self.grid, roi)
        return ObjectPrompt(
            name=self.name, color=self.color, terminology=self.terminology, box=box, points=tuple(points)
        )

    def write(self, prompt: ObjectPrompt | None, index: int) -> None:
        """Have the nodes show this prompt on slice `index`; None empties them. What is right already is not touched.

        Raises PromptError for a mask, which no markups can hold.
        """
        if prompt is not None and prompt.mask is not None:
            raise PromptError(f'The prompt of "{prompt.name}" is a mask: it cannot be shown as box and points.')
        if prompt is not None:
            self.describe(prompt.name, prompt.color or self.color, prompt.terminology)
        self.write_box(None if prompt is None else prompt.box, index)
        for role in ("positive", "negative"):
            points = () if prompt is None else prompt.points
            wanted = [np.array([index, p.x, p.y]) for p in points if p.positive == (role == "positive")]
            self._write_points(role, wanted)

    def slice_index(self) -> int | None:
        """The slice on which the prompt lies, where it lies on several the one with most of it; None while empty."""
        slices = [round(position[0]) for role in ("positive", "negative") for _, position in self._points(role)]
        roi = self._placed_box()
        if roi is not None:
            slices.append(round(float(roi_corners(self.grid, roi)[:, 0].mean())))
        inside = [index for index in slices if 0 <= index < self.grid.shape[0]]
        return max(inside, key=inside.count) if inside else None

    def put_back_on_slice(self, index: int) -> list[str]:
        """Bring what left slice `index` back to it, in the same column and row; a sentence for the user on each.

        A box also gets the depth of one slice and the image's axes again, which placing it with two clicks does not
        give. Call it when a placement or a drag has ended.
        """
        notices = []
        for role in ("positive", "negative"):
            for number, position in self._points(role):
                if abs(position[0] - index) > 0.5:
                    notices.append(self._left(role, index))
                if abs(position[0] - index) > _SAME:
                    self._set_point(self.node(role), number, np.array([index, *position[1:]]))
        roi = self._placed_box()
        if roi is not None:
            if abs(roi_corners(self.grid, roi)[:, 0].mean() - index) > 0.5:
                notices.append(self._left("box", index))
            self.write_box(box_of(self.grid, roi), index)
        return notices

    @property
    def has_box(self) -> bool:
        """Whether a box is placed, with all its corners."""
        return self._placed_box() is not None

    @property
    def visible(self) -> bool:
        """Whether any of the nodes is shown."""
        return any(node.GetDisplayVisibility() for _, node in self._existing())

    def set_visible(self, visible: bool) -> None:
        """Show the nodes, or hide and lock them."""
        for _, node in self._existing():
            node.SetDisplayVisibility(visible)
            node.SetLocked(not visible)

    def clear(self, role: str) -> None:
        """Empty the box or a list of points; its node stays, ready for the next placement."""
        node = self.node(role)
        if node is not None:
            node.RemoveAllControlPoints()

    def remove(self) -> None:
        """Remove the nodes from the scene, and their folder when it is empty then."""
        for _, node in list(self._existing()):
            scene = node.GetScene()  # the volume may have left it
            remove(node)
            remove_empty_folder(scene)

    def _existing(self) -> Iterator[tuple[str, Any]]:
        for role in ROLES:
            node = self.node(role)
            if node is not None:
                yield role, node

    def _describe(self, node: Any, role: str) -> None:
        with slicer.util.NodeModify(node):
            node.SetName(name_for_node(f"{self.name} {_SUFFIXES[role]}"))
            node.SetAttribute(_AXIS, str(self.grid.axis))
            node.SetAttribute(_NAME, self.name)
            node.SetAttribute(_COLOR, " ".join(f"{part:.4f}" for part in self.color))
            node.SetAttribute(_TERMINOLOGY, self.terminology)
        style(node, role, self.color)

    def _left(self, role: str, index: int) -> str:
        return (
            f'{_IN_WORDS[role]} of "{self.name}" was not on slice {index}, the slice of the prompt: it was put there.'
        )

    def _points(self, role: str) -> list[tuple[int, Floats]]:
        node = self.node(role)
        return [] if node is None else defined_points(self.grid, node)

    def _set_point(self, node: Any, number: int, position: Floats) -> None:
        node.SetNthControlPointPositionWorld(number, *self.grid.to_world(*position))

    def _write_points(self, role: str, wanted: list[Floats]) -> None:
        if not wanted and self.node(role) is None:
            return
        node = self.make(role)
        with slicer.util.NodeModify(node):
            for number, _ in reversed(self._points(role)[len(wanted) :]):
                node.RemoveNthControlPoint(number)
            placed = self._points(role)
            for (number, position), new in zip(placed, wanted, strict=False):
                if np.abs(position - new).max() > _SAME:
                    self._set_point(node, number, new)
            for new in wanted[len(placed) :]:
                node.AddControlPointWorld(*self.grid.to_world(*new))

    def _placed_box(self) -> Any | None:
        roi = self.node("box")
        return roi if roi is not None and is_placed(roi) else None

    def write_box(self, box: Box | None, index: int) -> None:
        """Have the box node show this box on slice `index`; None empties it."""
        if box is None:
            self.clear("box")
            return
        roi = self.make("box")
        lower = np.array([index - 0.5, box.x0, box.y0])
        upper = np.array([index + 0.5, box.x1, box.y1])
        if self._placed_box() is not None and self._is_box(roi, lower, upper):
            return
        volume = self.grid.volume_node
        axes = _box_axes(volume)
        to_ras = ijk_to_ras(volume)
        axes[:, 3] = to_ras @ [*self.grid.to_ijk(*(lower + upper) / 2), 1.0]
        extent = self.grid.to_ijk(*(upper - lower))
        with slicer.util.NodeModify(roi):
            roi.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
            _set_matrix(roi, axes)
            roi.SetSize(*(extent * np.linalg.norm(to_ras[:3, :3], axis=0)))

    def _is_box(self, roi: Any, lower: Floats, upper: Floats) -> bool:
        corners = roi_corners(self.grid, roi)
        on_faces = np.minimum(np.abs(corners - lower), np.abs(corners - upper))
        spread = np.abs(corners.min(axis=0) - lower).max() + np.abs(corners.max(axis=0) - upper).max()
        return bool(max(on_faces.max(), spread) <= _SAME)


def find_prompts(volume_node: Any) -> list[PromptNodes]:
    """The objects that have prompt nodes on a volume, in the order in which they were made, from a loaded scene too.

    Nodes that do not tell what they belong to, after somebody has edited their attributes, are left alone.
    """
    found: dict[str, PromptNodes] = {}
    for node in nodes_on(volume_node, _MARKUPS):
        key, axis = node.GetAttribute(_KEY), node.GetAttribute(_AXIS)
        if key and axis in ("0", "1", "2") and key not in found and not _is_passing(node):
            found[key] = PromptNodes(
                StackGrid(volume_node, int(axis)),
                key,
                node.GetAttribute(_NAME) or "object",
                _color_of(node),
                node.GetAttribute(_TERMINOLOGY),
            )
    return list(found.values())


def _is_passing(node: Any) -> bool:
    """Whether the node is of marks that are not kept."""
    return not node.GetSaveWithScene()


def _color_of(node: Any) -> Color | None:
    try:
        red, green, blue = (float(part) for part in (node.GetAttribute(_COLOR) or "").split())
    except ValueError:
        return None
    return red, green, blue


def _box_axes(volume_node: Any) -> Floats:
    """Directions of i, j and k in the volume's RAS, 4x4; made right-handed, as a box looks the same from behind."""
    axes = ijk_to_ras(volume_node)
    axes[:3, :3] /= np.linalg.norm(axes[:3, :3], axis=0)
    axes[:3, 3] = 0.0
    if np.linalg.det(axes[:3, :3]) < 0:
        axes[:3, 2] *= -1
    return axes


def _set_matrix(roi: Any, matrix: Floats) -> None:
    roi.GetObjectToNodeMatrix().DeepCopy(slicer.util.vtkMatrixFromArray(matrix))
