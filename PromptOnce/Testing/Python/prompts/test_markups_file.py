"""Markups that 3D Slicer saved, as prompts: places in mm become slice pixels of any image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging.test_volume import AXIS_DIRECTIONS

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import PromptError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.markups_file import Markups, read_markups, read_prompt_file
from PromptOnceLib.prompts.prompt import Box, Point

GRID = Geometry((20, 16, 12), (0.5, 0.75, 2.0), (10.0, -20.0, 30.0))


def lps(k: float, y: float, x: float) -> list[float]:
    """Place of voxel (k, j, i) of the grid."""
    return [10 + 0.5 * x, -20 + 0.75 * y, 30 + 2.0 * k]


def point(position: list[float] | None, **fields: Any) -> dict[str, Any]:
    return {"id": "1", "label": "F-1", "position": position, "positionStatus": "defined", **fields}


def fiducials(*points: dict[str, Any], **fields: Any) -> dict[str, Any]:
    system = {"coordinateSystem": "LPS", "coordinateUnits": "mm"}
    return {"type": "Fiducial", **system, "controlPoints": list(points), **fields}


def roi(first: list[float], last: list[float], **fields: Any) -> dict[str, Any]:
    center, size = (np.add(first, last) / 2).tolist(), np.abs(np.subtract(last, first)).tolist()
    system = {"coordinateSystem": "LPS", "coordinateUnits": "mm"}
    axes = np.eye(3).ravel().tolist()
    return {"type": "ROI", "roiType": "Box", **system, "center": center, "size": size, "orientation": axes, **fields}


def save(folder: Path, *markups: dict[str, Any], name: str = "lungs.mrk.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"@schema": "https://example.org/markups-schema-v1.0.3.json#", "markups": markups}))
    return path


def test_points_and_box_become_slice_pixels(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        fiducials(point(lps(5, 4, 6)), point(lps(5, 8, 2.5)), point(lps(5, 1, 1), label="negative-1")),
        roi(lps(2, 3, 1), lps(9, 10, 12)),
    )
    prompt = read_markups(path).on_slice(GRID, 0)
    assert (prompt.axis, prompt.slice) == (0, 5)
    (item,) = prompt.objects
    assert item.name == "lungs"
    assert [(round(p.x, 6), round(p.y, 6), p.positive) for p in item.points] == [
        (6, 4, True),
        (2.5, 8, True),
        (1, 1, False),
    ]
    assert item.box is not None
    assert (item.box.x0, item.box.y0, item.box.x1, item.box.y1) == pytest.approx((1, 3, 12, 10))


@pytest.mark.parametrize(("system", "signs"), [("LPS", (1, 1)), ("RAS", (-1, -1)), ("0", (-1, -1)), (1, (1, 1))])
def test_the_files_own_coordinate_system_counts(tmp_path: Path, system: object, signs: tuple[int, int]) -> None:
    x, y, z = lps(5, 4, 6)
    turned = [signs[0] * x, signs[1] * y, z]
    box = roi(lps(4, 2, 3), lps(6, 8, 9), coordinateSystem=system)
    box["center"] = [signs[0] * box["center"][0], signs[1] * box["center"][1], box["center"][2]]
    prompt = read_markups(save(tmp_path, fiducials(point(turned), coordinateSystem=system), box)).on_slice(GRID, 0)
    assert (round(prompt.objects[0].points[0].x, 6), round(prompt.objects[0].points[0].y, 6)) == (6, 4)
    found = prompt.objects[0].box
    assert found is not None
    assert (found.x0, found.y0, found.x1, found.y1) == pytest.approx((3, 2, 9, 8))


@given(st.sampled_from(AXIS_DIRECTIONS), st.integers(0, 2), st.tuples(*[st.integers(0, 8)] * 3))
def test_a_voxel_is_found_again_on_every_grid_and_axis(
    direction: tuple[float, ...], axis: int, kji: tuple[int, int, int]
) -> None:
    grid = Geometry((9, 10, 11), (0.5, 0.75, 2.0), (1.0, 2.0, 3.0), direction)
    place = (grid.ijk_to_lps() @ [*kji[::-1], 1])[:3]
    prompt = Markups(place[np.newaxis], np.empty((0, 3)), None, "object").on_slice(grid, axis)
    y, x = (kji[other] for other in range(3) if other != axis)
    assert prompt.slice == kji[axis]
    assert (prompt.objects[0].points[0].x, prompt.objects[0].points[0].y) == pytest.approx((x, y), abs=1e-6)


def test_a_box_alone_is_on_its_middle_slice_or_on_one_that_it_meets(tmp_path: Path) -> None:
    markups = read_markups(save(tmp_path, roi(lps(2, 3, 1), lps(8, 10, 12))))
    assert markups.on_slice(GRID, 0).slice == 5
    assert markups.on_slice(GRID, 0, 7).slice == 7
    with pytest.raises(PromptError, match="slice 11 is not in it"):
        markups.on_slice(GRID, 0, 11)


def test_a_box_that_reaches_over_the_border_is_cut_there(tmp_path: Path) -> None:
    prompt = read_markups(save(tmp_path, roi(lps(2, -5, -5), lps(8, 50, 50)))).on_slice(GRID, 0)
    assert prompt.objects[0].box == Box(x0=-0.5, y0=-0.5, x1=20, y1=16)
    prompt.validate_for(GRID.shape)


def test_a_turned_box_gives_the_smallest_box_around_it(tmp_path: Path) -> None:
    turned = roi([0, 0, 0], [2, 2, 2])
    turned.update(center=lps(5, 8, 10), orientation=[0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1])
    box = read_markups(save(tmp_path, turned)).on_slice(GRID, 0).objects[0].box
    assert box is not None
    assert (box.x0, box.x1) == pytest.approx((10 - 1.4 / 0.5, 10 + 1.4 / 0.5))
    assert (box.y0, box.y1) == pytest.approx((8 - 1.4 / 0.75, 8 + 1.4 / 0.75))


def test_points_without_a_place_do_not_count(tmp_path: Path) -> None:
    path = save(tmp_path, fiducials(point(lps(5, 4, 6)), point(None, positionStatus="undefined"), point(None)))
    assert len(read_markups(path).positive) == 1


@pytest.mark.parametrize(
    ("fields", "name"), [({"description": "Background"}, "a.mrk.json"), ({}, "liver negative points.mrk.json")]
)
def test_points_beside_the_object_are_told_by_description_or_file(
    tmp_path: Path, fields: dict[str, str], name: str
) -> None:
    markups = read_markups(save(tmp_path, fiducials(point(lps(5, 4, 6), **fields)), name=name))
    assert (len(markups.positive), len(markups.negative)) == (0, 1)


def test_points_on_several_slices_are_refused(tmp_path: Path) -> None:
    markups = read_markups(save(tmp_path, fiducials(point(lps(5, 4, 6)), point(lps(7, 4, 6)))))
    with pytest.raises(PromptError, match=r"several slices \(5, 7\)"):
        markups.on_slice(GRID, 0)
    assert markups.on_slice(GRID, 1).slice == 4
    with pytest.raises(PromptError, match="cannot be put on slice 3"):
        markups.on_slice(GRID, 1, 3)


@pytest.mark.parametrize(
    ("markups", "words"),
    [
        ([], "neither points nor a box"),
        ([{"type": "Line", "controlPoints": []}], "kind Line"),
        ([fiducials(point([1, 2]))], "damaged"),
        ([fiducials(point([1, 2, "three"]))], "damaged"),
        ([fiducials(point(lps(1, 2, 3)), coordinateSystem="XYZ")], "neither in LPS nor in RAS"),
        ([fiducials(point(lps(1, 2, 3)), coordinateUnits="um")], "another unit"),
        ([roi(lps(1, 1, 1), lps(2, 2, 2))] * 2, "holds 2 boxes"),
        ([{"type": "ROI"}], "damaged"),
        (["text"], "damaged"),
    ],
)
def test_files_that_cannot_be_a_prompt_are_told(tmp_path: Path, markups: list[Any], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        read_prompt_file(save(tmp_path, *markups))


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON", "[" * 100_000, '{"markups": 3}'])
def test_damaged_files_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "points.mrk.json"
    path.write_text(text)
    with pytest.raises(PromptError, match="damaged"):
        read_prompt_file(path)
    with pytest.raises(PromptError, match="cannot be opened"):
        read_prompt_file(tmp_path / "nowhere.mrk.json")


def test_a_case_is_made_from_markups(tmp_path: Path) -> None:
    path = save(tmp_path, fiducials(point(lps(5, 4, 6))))
    volume = Volume(np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32), GRID)
    case = prepare_case(volume, read_prompt_file(path))
    assert case.prompt.slice == 5
    assert case.prompt.objects[0].points == (Point(x=6.0, y=4.0, positive=True),)
    outside = save(tmp_path, fiducials(point(lps(5, 400, 6))))
    with pytest.raises(PromptError, match="outside the slice"):
        prepare_case(volume, read_prompt_file(outside))


@pytest.mark.parametrize(
    "change",
    [{"coordinateUnits": []}, {"controlPoints": [point([10**400, 0, 0])]}, {"controlPoints": [point([1e300, 0, 0])]}],
)
def test_values_beyond_all_places_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "a.mrk.json"
    path.write_text(json.dumps({"markups": [fiducials(point(lps(1, 2, 3))) | change]}))
    with pytest.raises(PromptError, match="not a markups file"):
        read_markups(path)


@pytest.mark.parametrize("change", [{"size": [1e300, 1, 1]}, {"orientation": [1e300, 0, 0, 0, 1, 0, 0, 0, 1]}])
def test_boxes_beyond_all_places_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "a.mrk.json"
    path.write_text(json.dumps({"markups": [roi(lps(1, 2, 3), lps(4, 5, 6)) | change]}))
    with pytest.raises(PromptError, match="not a markups file"):
        read_markups(path)
