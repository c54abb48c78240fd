"""Size, contrast, aspect and outline of the reference on every slice of a study's cases (Huang et al., section 4.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import make_stack, parse_axis, slices_along
from PromptOnceLib.imaging.window import window_from_text
from PromptOnceLib.segmentation.shape.measures import SliceShape, slice_shape
from PromptOnceLib.studies.study_cases import ReadyCase, Say, labels_of

Shapes = dict[tuple[str, int], SliceShape]
"""By case and slice."""


def shapes_of(
    cases: Sequence[ReadyCase],
    window_of: Callable[[str], str],
    axis: str,
    fewest_pixels: int,
    say: Say,
    should_cancel: Callable[[], bool] = lambda: False,
) -> Shapes:
    """Shapes of the reference, all its labels together, on the grey frames that the network sees.

    window_of: window of a group. fewest_pixels: of a slice's reference; others are left out. A cancel leaves out what
    was not measured yet. Raises InputError and its children for a case that cannot be read.
    """
    found: Shapes = {}
    for case in cases:
        if should_cancel():
            break
        volume = read_volume(case.image)
        labels = labels_of(case, volume.geometry, say)
        along = parse_axis(axis, volume.geometry).axis
        frames = make_stack(volume, along, window_from_text(window_of(case.group), volume, volume.array[labels != 0]))
        masks = slices_along(labels, along) != 0
        for index in np.flatnonzero(np.count_nonzero(masks, axis=(1, 2)) >= fewest_pixels):
            found[case.name, int(index)] = slice_shape(masks[index], frames.frames[index])
    return found
