"""Curves over the slices of a case, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from PromptOnceLib.batch.report.svg import chart, element, joined
from PromptOnceLib.segmentation.result import SliceResult

_WIDTH, _HEIGHT = 400.0, 156.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 8.0, 28.0


@dataclass(frozen=True)
class _Curve:
    """name: for the legend; style: class in the style sheet; values: one a slice, None where there is none."""

    name: str
    style: str
    values: Sequence[float | None]


def curves(rows: Sequence[SliceResult], seed_slice: int, look_slice: int) -> Markup:
    """Two charts of a case: presence, predicted IoU and Dice from 0 to 1, and the areas in pixels.

    rows: sorted by slice. seed_slice is marked by a line, look_slice by a triangle.
    """
    scores = [
        _Curve("presence", "presence", [row.presence for row in rows]),
        _Curve("predicted IoU", "iou", [row.predicted_iou for row in rows]),
        _Curve("Dice", "dice", [row.dice if row.reference_area else None for row in rows]),
    ]
    areas = [
        _Curve("area", "area", [row.area for row in rows]),
        _Curve("area of the reference", "reference", [row.reference_area for row in rows]),
    ]
    largest = max((value for curve in areas for value in curve.values if value is not None), default=0) or 1
    marks = (seed_slice, look_slice)
    return _chart("Confidence and agreement by slice", scores, 1.0, ("0", "0.5", "1"), marks) + _chart(
        "Area by slice, in pixels", areas, float(largest), ("0", "", f"{largest:g}"), marks
    )


def _chart(
    title: str, candidates: Sequence[_Curve], top: float, ticks: tuple[str, str, str], marks: tuple[int, int]
) -> Markup:
    shown = [curve for curve in candidates if any(value is not None for value in curve.values)]
    count = len(candidates[0].values)
    body = _grid(ticks, count) + _marks(marks, count)
    body += joined(element("path", class_=f"curve {curve.style}", d=_path(curve.values, top)) for curve in shown)
    described = f"{title}: {', '.join(curve.name for curve in shown)}; slices 0 to {count - 1}, started from {marks[0]}"
    keys = joined(element("span", curve.name, class_=f"key {curve.style}") for curve in shown)
    return chart(title, body, (_WIDTH, _HEIGHT), described, element("span", keys, class_="keys"))


def _grid(ticks: tuple[str, str, str], count: int) -> Markup:
    parts = []
    for place, label in zip((0.0, 0.5, 1.0), ticks, strict=True):
        y = _y(place)
        parts.append(element("path", class_="grid", d=f"M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"))
        if label:
            parts.append(element("text", label, x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    for index in sorted({0, count - 1}):
        anchor = "start" if index == 0 else "end"
        label = f"slice {index}" if index == 0 else str(index)
        parts.append(element("text", label, x=f"{_x(index, count):.1f}", y=_HEIGHT - 5, text_anchor=anchor))
    return joined(parts)


def _marks(marks: tuple[int, int], count: int) -> Markup:
    seed, look = (_x(index, count) for index in marks)
    base = _HEIGHT - _BOTTOM
    return element("path", class_="seed", d=f"M{seed:.1f} {_TOP:g}V{base:g}") + element(
        "path", class_="look", d=f"M{look:.1f} {base:g}l-4 7h8z"
    )


def _path(values: Sequence[float | None], top: float) -> str:
    """Lines through neighbouring values; a value alone is a dot."""
    count, parts, previous = len(values), [], False
    for index, value in enumerate(values):
        if value is None:
            previous = False
            continue
        x, y = _x(index, count), _y(min(1.0, value / top))
        parts.append(f"{'L' if previous else 'M'}{x:.1f} {y:.1f}{'' if previous else 'h0'}")
        previous = True
    return "".join(parts)


def _x(index: int, count: int) -> float:
    """Position of a slice; one slice alone stands in the middle."""
    inside = _WIDTH - _LEFT - _RIGHT
    return _LEFT + (inside * index / (count - 1) if count > 1 else inside / 2)


def _y(part: float) -> float:
    return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)
