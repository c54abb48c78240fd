"""The image of a planned case, the same for everybody who reads it: who computes the case, reviews it, or trains on it.

A file does not always tell all that was known when the case was planned: the voxels of a volume of Slicer's scene are
kept as NRRD, which has no place for the modality, and without it a CT is seen under another window.
"""

from __future__ import annotations

from dataclasses import replace

from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Volume


def read_planned(case: PlannedCase) -> Volume:
    """The image of a case that lies in files, with what the plan knows of it beside them.

    Raises as read_volume.
    """
    assert case.image is not None, "a volume in memory was not handed over"
    volume = read_volume(case.image, case.volume)
    return replace(
        volume,
        modality=case.modality or volume.modality,
        file_window=case.file_window or volume.file_window,
    )
