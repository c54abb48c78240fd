"""Means over examples, and the tables made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from PromptOnceLib.prompts.strategies.jitter import SHIFT_LEVELS
from training.evaluation.images import DATA_SETS
from training.evaluation.jitter import Jitter, level_name
from training.evaluation.markdown import markdown_table
from training.evaluation.phantoms import LARGE, PHANTOMS
from training.evaluation.scores import Score
from training.evaluation.speed import Speed

Figures = dict[str, Any]
_DICE = ("seed_dice", "volume_dice", "box_seed_dice", "box_volume_dice")
_KINDS: dict[str, Callable[[Score], bool]] = {
    "all": lambda score: True,
    "kinds of the training": lambda score: not score.held_out,
    "kinds left out": lambda score: score.held_out,
    f"{LARGE} pixels and more": lambda score: score.pixels >= LARGE,
}


def phantom_rows(scores: Sequence[Score]) -> list[Figures]:
    """One row for each kind of objects, first of all objects, then of those that can be seen."""
    rows = []
    for which, seen in (("", scores), ("visible, ", [score for score in scores if score.visible])):
        for name, belongs in _KINDS.items():
            rows.append({"objects": which + name, **_phantom_means([score for score in seen if belongs(score)])})
    return rows


def _phantom_means(scores: Sequence[Score]) -> Figures:
    figures: Figures = {"count": len(scores)}
    for key in (*_DICE, "left_empty", "found"):
        figures[key] = _mean(getattr(score, key) for score in scores)
    for key in _DICE[:2]:
        figures[f"{key}_median"] = _median(getattr(score, key) for score in scores)
    return figures


def fifths(scores: Sequence[Score]) -> list[float | None]:
    """Mean Dice of slices by distance from the prompted one; see scores.by_distance."""
    return [_mean(values) for values in zip(*(score.fifths for score in scores if score.fifths), strict=True)]


def ring_rows(scores: Sequence[Score]) -> list[Figures]:
    """Of all rings, and of those that somebody could outline: whose hole differs from their wall."""
    groups = {"all": scores, "hole visible": [score for score in scores if score.hole_visible]}
    return [
        {"objects": name, "count": len(group), **{key: _mean(getattr(s, key) for s in group) for key in _DICE[::2]}}
        for name, group in groups.items()
    ]


def image_rows(scores: Sequence[Score]) -> list[Figures]:
    """One row for each data set: means over its objects; last the means over data sets."""
    rows = []
    for data_set in DATA_SETS:
        own = [score for score in scores if score.group == data_set.name]
        if own:
            means = {key: _mean(getattr(score, key) for score in own) for key in _DICE}
            rows.append({"data_set": data_set.name, "reference": data_set.reference, "count": len(own), **means})
    overall = {key: _mean(row[key] for row in rows) for key in _DICE}
    return [*rows, {"data_set": f"mean over {len(rows)} data sets", "reference": "", "count": len(scores), **overall}]


def jitter_rows(jitters: Sequence[Jitter]) -> list[Figures]:
    """One row for the phantoms that can be seen, over objects, and one for the real images, over data sets."""
    phantoms = [[j for j in jitters if j.group == PHANTOMS and j.visible]]
    images = [[j for j in jitters if j.group == data_set.name] for data_set in DATA_SETS]
    rows = []
    for name, groups in (("phantoms that can be seen", phantoms), ("real images, mean over data sets", images)):
        filled = [group for group in groups if group]
        if filled:
            rows.append({"objects": name, "count": sum(map(len, filled)), **_jitter_means(filled)})
    return rows


def _jitter_means(groups: Sequence[Sequence[Jitter]]) -> Figures:
    unshifted = _mean(_mean(j.unshifted for j in group) for group in groups) or 0.0
    figures: Figures = {"unshifted": unshifted}
    for level in groups[0][0].shifted:
        dice = _mean(_mean(value for j in group for value in j.shifted[level]) for group in groups) or 0.0
        figures[level] = {"dice": dice, "share_of_unshifted": dice / unshifted if unshifted else None}
    return figures


def _mean(values: Iterable[float | None]) -> float | None:
    """Of the values that are defined; None where there is none."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _median(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.median(defined)) if defined else None


def phantom_table(rows: Sequence[Figures]) -> str:
    """Markdown."""
    head = ("objects", "number", "prompted-slice Dice, mean (median)", "3D Dice, mean (median)", "3D Dice, box alone")
    body = [
        (
            row["objects"],
            str(row["count"]),
            *(f"{_figure(row[key])} ({_figure(row[f'{key}_median'])})" if row["count"] else "" for key in _DICE[:2]),
            _figure(row["box_volume_dice"]),
            _percent(row["left_empty"]),
            _percent(row["found"]),
        )
        for row in rows
    ]
    return markdown_table((*head, "slices without the object left empty", "slices with the object given a mask"), body)


def fifths_table(means: Sequence[float | None]) -> str:
    """Markdown."""
    return markdown_table([f"fifth {i + 1}" for i in range(len(means))], [[_figure(value) for value in means]])


def ring_table(rows: Sequence[Figures]) -> str:
    """Markdown."""
    head = ("rings", "number", "prompted slice", "prompted slice, box alone")
    body = [(row["objects"], str(row["count"]), *(_figure(row[key]) for key in _DICE[::2])) for row in rows]
    return markdown_table(head, body)


def image_table(rows: Sequence[Figures]) -> str:
    """Markdown."""
    head = ("data set", "reference", "objects", "prompted slice", "3D", "prompted slice, box alone", "3D, box alone")
    body = [
        (row["data_set"], row["reference"], str(row["count"]), *(_figure(row[key]) for key in _DICE)) for row in rows
    ]
    return markdown_table(head, body)


def jitter_table(rows: Sequence[Figures]) -> str:
    """Markdown."""
    levels = [level_name(level) for level in SHIFT_LEVELS]
    head = ("objects", "number", "unshifted", *(f"{level} pixels" for level in levels))
    body = []
    for row in rows:
        cells = [f"{_figure(row[x]['dice'])} ({_percent(row[x]['share_of_unshifted'])})" for x in levels]
        body.append((row["objects"], str(row["count"]), _figure(row["unshifted"]), *cells))
    return markdown_table(head, body)


def speed_table(speed: Speed) -> str:
    """Markdown."""
    peak = "not known" if speed.worker_peak_mib is None else f"{speed.worker_peak_mib:.0f} MiB"
    body = [
        ("slices a second, from voxels to the last mask", f"{speed.slices_per_second:.1f}"),
        ("slices a second, propagation alone", f"{speed.propagation_slices_per_second:.1f}"),
        ("seconds to the mask of a changed prompt, median", f"{speed.click_median_seconds:.3f}"),
        ("seconds to the mask of a changed prompt, worst", f"{speed.click_worst_seconds:.3f}"),
        ("peak memory of the worker", peak),
        ("file of the checkpoint", f"{speed.checkpoint_bytes / 1e6:.2f} MB"),
    ]
    title = f"512 x 512 x {speed.slices} int16, through the worker, CPU threads: {speed.threads}"
    return markdown_table((title, ""), body)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
