"""Tables, plots and totals made from the figures of a run."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.volumes import add_volume, reloaded
from PromptOnceLib.mrml.tables import totals_in_words, write_tables
from PromptOnceLib.segmentation.result import SegmentationResult, slice_results, totals


def run(computed: list[int], reference: bool = True) -> tuple[list, object]:
    """Rows and totals of a stack of four slices; the third is empty in both result and reference."""
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[[0, 1, 3], 1:3, 1:4] = 1
    true_mask = mask.copy()
    true_mask[1, 1] = 0
    result = SegmentationResult.empty(["object"], mask.shape, 0)
    for index in computed:
        result.set_slice(index, mask[None, index], [0.9], [0.8])
    compared = true_mask if reference else None
    return slice_results(result, compared), totals(result, (1.0, 1.0, 10.0), compared)


def column(nodes, name: str) -> np.ndarray:
    return slicer.util.arrayFromTableColumn(nodes.table, name)


def test_the_table_holds_one_row_for_each_slice(scene):
    nodes = write_tables(add_volume(), run([0, 1, 2, 3])[0])
    assert column(nodes, "Slice").tolist() == [0, 1, 2, 3]
    assert column(nodes, "Area").tolist() == [6, 6, 0, 6]
    assert column(nodes, "Presence") == pytest.approx([0.9] * 4)
    assert column(nodes, "Predicted IoU") == pytest.approx([0.8] * 4)
    assert column(nodes, "Dice") == pytest.approx([1, 0.6667, np.nan, 1], nan_ok=True)
    assert column(nodes, "Jaccard") == pytest.approx([1, 0.5, np.nan, 1], nan_ok=True)
    assert nodes.table.GetColumnUnitLabel("Area") == "pixels"


def test_slices_that_were_not_computed_are_nan(scene):
    nodes = write_tables(add_volume(), run([1])[0])
    for name in ("Area", "Presence", "Dice"):
        assert np.isnan(column(nodes, name)).tolist() == [True, False, True, True]


def test_only_figures_that_exist_are_plotted(scene):
    volume = add_volume()
    nodes = write_tables(volume, run([0, 1], reference=False)[0])
    assert nodes.chart.GetNumberOfPlotSeriesNodes() == 2
    nodes = write_tables(volume, run([0, 1])[0], "liver")
    assert nodes.chart.GetNumberOfPlotSeriesNodes() == 4
    assert nodes.chart.GetTitle() == "liver"
    for name, series in nodes.series.items():
        assert (series.GetName(), series.GetXColumnName(), series.GetYColumnName()) == (name, "Slice", name)
        assert series.GetTableNode() is nodes.table


def test_the_nodes_are_used_again_also_after_loading_the_scene(scene, tmp_path):
    volume = add_volume()
    write_tables(volume, run([0, 1, 2, 3])[0])
    first = write_tables(volume, run([0])[0])
    assert len(slicer.util.getNodesByClass("vtkMRMLTableNode")) == 1
    assert np.isnan(column(first, "Dice")).sum() == 3
    volume = reloaded(scene, tmp_path)
    second = write_tables(volume, run([0, 1, 2, 3])[0])
    assert len(slicer.util.getNodesByClass("vtkMRMLTableNode")) == 1
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")) == 4
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotChartNode")) == 1
    assert column(second, "Dice") == pytest.approx([1, 0.6667, np.nan, 1], nan_ok=True)


def test_nan_survives_saving_and_loading(scene, tmp_path):
    write_tables(add_volume(), run([1])[0])
    reloaded(scene, tmp_path)
    table = slicer.util.getNode("PromptOnce slices")
    dice = slicer.util.arrayFromTableColumn(table, "Dice")
    assert dice == pytest.approx([np.nan, 0.6667, np.nan, np.nan], nan_ok=True)


def test_two_volumes_have_tables_of_their_own(scene):
    rows = run([0, 1])[0]
    assert write_tables(add_volume(), rows).table is not write_tables(add_volume(), rows).table


def test_totals_are_told_in_words():
    words = dict(totals_in_words(run([0, 1, 2])[1]))
    assert words["Slices"] == "3 of 4"
    assert words["Volume"] == "0.1 ml"
    assert words["Dice"] == f"{2 * 9 / (12 + 15):.4f}"
    assert words["Dice per slice"].startswith("mean 0.8333")
    assert words["Slices with reference, not computed"] == "1"


def test_without_a_reference_nothing_is_said_of_dice():
    assert [name for name, _ in totals_in_words(run([0, 1, 2, 3], reference=False)[1])] == ["Slices", "Volume"]
