"""A scene that was saved with version 0.1.0: prompts, results and choices are found again, without and with the panel.

data/scene.mrb and scene.json, which says what the old version saw in it, were made by version 0.1.0 (commit 054f464).
Neither may ever be made anew: a test that fails here means that users lose work.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from gui.user import User

from compatibility.old_files import DATA
from PromptOnceLib.mrml.owned_nodes import node_on, role_of
from PromptOnceLib.mrml.prompts.from_positions import prompt_of_module
from PromptOnceLib.mrml.prompts.prompt_nodes import find_prompts
from PromptOnceLib.mrml.tables import write_tables
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results

RECORDED: dict[str, Any] = json.loads((DATA / "scene.json").read_text(encoding="utf-8"))
EXPECTED = Prompt.model_validate(RECORDED["prompt"])


def load() -> None:
    assert slicer.mrmlScene.ReadFromMRB(str(DATA / "scene.mrb"), True, None)


@pytest.fixture
def volume(scene: Any) -> Any:
    load()
    return slicer.util.getNode("disk CT")


def assert_same(found: Prompt, expected: Prompt = EXPECTED) -> None:
    """Equal but for rounding: nodes are written with a limited number of digits."""
    assert (found.axis, found.slice) == (expected.axis, expected.slice)
    for ours, theirs in zip(found.objects, expected.objects, strict=True):
        assert (ours.name, ours.color, ours.terminology) == (theirs.name, theirs.color, theirs.terminology)
        assert [p.positive for p in ours.points] == [p.positive for p in theirs.points]
        ends = [
            [*dict(item.box or {}).values(), *(c for p in item.points for c in (p.x, p.y))] for item in (ours, theirs)
        ]
        assert ends[0] == pytest.approx(ends[1], abs=1e-4)


def test_the_prompts_are_found_where_they_were(volume: Any) -> None:
    found = find_prompts(volume)
    assert [nodes.key for nodes in found] == RECORDED["keys"]
    assert_same(prompt_of_module(volume))
    for nodes in found:
        for role, suffix in (("box", "box"), ("positive", "positive points"), ("negative", "negative points")):
            expected = RECORDED["markups"].get(f"{nodes.name} {suffix}")
            node = nodes.node(role)
            assert (node is None) == (expected is None)
            if node is not None:
                positions = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
                assert np.allclose(positions, expected, atol=1e-4)
                assert role_of(node) == role
    assert np.allclose(found[0].node("box").GetSize(), RECORDED["box size"], atol=1e-4)


def test_a_prompt_of_an_old_scene_can_be_moved_and_removed(volume: Any) -> None:
    first, second = find_prompts(volume)
    first.put_back_on_slice(1)
    second.remove()
    assert first.slice_index() == 1
    assert [nodes.key for nodes in find_prompts(volume)] == RECORDED["keys"][:1]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(first.node("box")))
    assert hierarchy.GetItemName(folder) == "PromptOnce prompts"
    first.remove()
    assert hierarchy.GetItemName(folder) != "PromptOnce prompts"


def test_the_segments_are_there_with_their_tags(volume: Any) -> None:
    node = slicer.util.getNode("PromptOnce segmentation")
    segmentation = node.GetSegmentation()
    assert list(segmentation.GetSegmentIDs()) == list(RECORDED["segments"])
    for segment_id, expected in RECORDED["segments"].items():
        segment = segmentation.GetSegment(segment_id)
        assert segment.GetName() == expected["name"]
        assert np.allclose(segment.GetColor(), expected["color"], atol=1e-4)
        assert {name: tag(segment, name) for name in expected["tags"]} == expected["tags"]
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)
        assert np.count_nonzero(mask, axis=(1, 2)).tolist() == expected["voxels"]


def tag(segment: Any, name: str) -> str | None:
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else None


def table_of(node: Any) -> dict[str, list[float]]:
    names = [node.GetColumnName(number) for number in range(node.GetNumberOfColumns())]
    return {name: [float(value) for value in slicer.util.arrayFromTableColumn(node, name)] for name in names}


def test_the_table_is_there_and_the_next_run_writes_into_it(volume: Any) -> None:
    node = node_on(volume, "vtkMRMLTableNode", "slice table")
    assert_table(node)
    chart = node_on(volume, "vtkMRMLPlotChartNode", "slice chart")
    assert chart.GetTitle() == RECORDED["chart"]
    shape = read_volume_node(volume).geometry.shape
    written = write_tables(volume, slice_results(SegmentationResult.empty(["disk"], shape, 0)))
    assert written.table is node
    assert written.chart is chart
    assert np.isnan(table_of(node)["Area"]).all()
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")) == 4


def assert_table(node: Any) -> None:
    found = table_of(node)
    assert list(found) == list(RECORDED["table"])
    for name, expected in RECORDED["table"].items():
        wanted = [float("nan") if value is None else value for value in expected]
        assert found[name] == pytest.approx(wanted, abs=1e-4, nan_ok=True), name


def test_the_panel_takes_up_prompts_choices_and_results(user: User) -> None:
    load()
    user.panel.compare.widget.collapsed = False
    user.wait_for_panel()
    parameters = user.work.choices.node
    for name, expected in RECORDED["parameters"].items():
        found = getattr(parameters, name)
        assert (found if not hasattr(found, "GetName") else found.GetName()) == expected, name
    assert user.case.objects.keys == RECORDED["keys"]
    prompt = user.prompt
    assert prompt is not None
    assert_same(prompt)
    assert user.panel.run.segmentation.currentNode() is slicer.util.getNode("PromptOnce segmentation")
    assert user.panel.compare.reference.currentNode() is slicer.util.getNode("truth")
    assert (user.panel.run.limit.checked, user.panel.run.first.value, user.panel.run.last.value) == (True, 1, 4)
    assert user.work.comparison.table is None, "it is of the other object"
    user.work.current.select_object(1)
    assert_table(user.work.comparison.table)
