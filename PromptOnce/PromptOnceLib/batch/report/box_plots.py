"""Box plots of a figure over the cases of every group, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from PromptOnceLib.batch.report.run_results import CaseResult
from PromptOnceLib.batch.report.svg import chart, element, joined

_WIDTH, _ROW, _AXIS = 400.0, 44.0, 22.0
_LEFT, _RIGHT = 10.0, 16.0
_TICKS = 4


def box_plots(cases: Sequence[CaseResult]) -> Markup:
    """Dice, lowest predicted IoU and volume by group; a figure that no case has is left out."""
    shares = [
        ("Dice of the volume", _by_group(cases, [case.dice for case in cases])),
        ("Lowest predicted IoU", _by_group(cases, [_lowest_iou(case) for case in cases])),
    ]
    volumes = _by_group(cases, [None if c.record is None else c.record.figures.volume for c in cases])
    plots = [shares_plot(title, groups) for title, groups in shares if groups]
    if volumes:
        plots.append(distances_plot("Volume in ml", volumes))
    return joined(plots)


def shares_plot(title: str, groups: Mapping[str, Sequence[float]]) -> Markup:
    """A row for every group, of values that go up to 1."""
    return _plot(title, groups, *_span_of_shares(groups))


def distances_plot(title: str, groups: Mapping[str, Sequence[float]]) -> Markup:
    """A row for every group, of values from 0 on."""
    return _plot(title, groups, 0.0, _rounded_up(max(map(max, groups.values()))))


def _lowest_iou(case: CaseResult) -> float | None:
    return None if case.record is None else case.record.look_first.lowest_predicted_iou


def _by_group(cases: Sequence[CaseResult], values: Sequence[float | None]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for case, value in zip(cases, values, strict=True):
        if value is not None:
            groups.setdefault(case.group, []).append(value)
    return dict(sorted(groups.items()))


def _span_of_shares(groups: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    return min(0.9, math.floor(min(map(min, groups.values())) * 10) / 10), 1.0


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 4 and 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return power * next(step for step in (1, 2, 4, 8, 10) if step * power >= value * (1 - 1e-12))


def _plot(title: str, groups: Mapping[str, Sequence[float]], low: float, high: float) -> Markup:
    height = _ROW * len(groups) + _AXIS
    body = _axis(low, high, height)
    for place, (name, values) in enumerate(groups.items()):
        body += _row(name, values, _ROW * place, low, high)
    return chart(title, body, (_WIDTH, height), _described(title, groups))


def _axis(low: float, high: float, height: float) -> Markup:
    parts = []
    for step in range(_TICKS + 1):
        value = low + (high - low) * step / _TICKS
        x = _x(value, low, high)
        parts.append(element("path", class_="grid", d=f"M{x:.1f} 0V{height - _AXIS:g}"))
        anchor = "start" if step == 0 else "end" if step == _TICKS else "middle"
        parts.append(element("text", f"{value:.4g}", x=f"{x:.1f}", y=height - 6, text_anchor=anchor))
    return joined(parts)


def _row(name: str, values: Sequence[float], top: float, low: float, high: float) -> Markup:
    """Box of the quartiles, whiskers to the extremes, a line at the median, a dot for every case."""
    quartiles = np.percentile(values, (25, 50, 75))
    left, middle, right = (_x(float(value), low, high) for value in quartiles)
    first, last = _x(min(values), low, high), _x(max(values), low, high)
    y = top + 31
    label = element("text", _short(f"{name or 'all cases'} ({len(values)})"), x=_LEFT, y=top + 16)
    if len(values) > 1:
        label += element("path", class_="whisker", d=f"M{first:.1f} {y:g}H{last:.1f}")
        width = f"{max(1.0, right - left):.1f}"
        label += element("rect", class_="box", x=f"{left:.1f}", y=y - 8, width=width, height=16)
        label += element("path", class_="median", d=f"M{middle:.1f} {y - 8:g}v16")
    dots = "".join(f"M{_x(value, low, high):.1f} {y + 5 * math.sin(2.4 * i):.1f}h0" for i, value in enumerate(values))
    return label + element("path", class_="dots", d=dots)


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _short(name: str, longest: int = 48) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _described(title: str, groups: Mapping[str, Sequence[float]]) -> str:
    parts = [
        f"{name or 'all cases'}: median {np.median(values):.3g}, from {min(values):.3g} to {max(values):.3g}"
        for name, values in groups.items()
    ]
    return f"{title}. {'; '.join(parts)}"
