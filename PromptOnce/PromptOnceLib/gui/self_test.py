"""The whole flow on the phantom, as a user goes through it; run inside Slicer by PromptOnceTest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.gui.workbench import Workbench
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.mrml.grid import Floats
from PromptOnceLib.prompts.from_mask import prompt_from_mask

_ORGAN = "right lung"
_SLICES = 4  # on each side of the prompted slice: enough to see that it works
_SECONDS, _PAUSE = 300.0, 0.01
_LEAST_DICE = 0.6


def from_prompt_to_figures() -> str:
    """Open the module, prompt a lung, wait for its mask, propagate, compare; a sentence with the figures.

    Uses the engine that is chosen in the panel. Raises AssertionError where something is not as it should be.
    """
    volume, reference, mask = _load_phantom()
    slicer.util.selectModule("PromptOnce")
    panel = slicer.util.getModuleGui("PromptOnce").panel
    assert panel is not None, "packages are missing in Slicer's Python: press Install in the panel first"
    bench: Workbench = panel.bench
    missing = bench.engine.missing()
    assert missing is None, missing.sentence
    bench.selection.choose_volume(volume)
    case = bench.current.case
    assert case is not None, bench.notices
    objects, seed = case.objects, case.objects.seed
    objects.describe_selected(_ORGAN, objects.selected.color, None)
    objects.draw({objects.selected.key: prompt_from_mask(mask[seed]).prompt}, seed)
    bench.current.edited()
    _wait(lambda: bench.preview.visible, bench, "the mask of the prompted slice")
    bench.choices.set(limitRange=True, firstSlice=seed - _SLICES, lastSlice=seed + _SLICES)
    bench.comparison.choose_reference(reference)
    bench.runs.start()
    _wait(lambda: not bench.runs.running, bench, "the run")
    rows = slicer.util.arrayFromTableColumn(bench.comparison.table, "Dice")
    found = rows[seed - _SLICES : seed + _SLICES + 1]
    assert np.isfinite(found).all(), bench.notices
    assert found.mean() >= _LEAST_DICE, f"Dice of only {found.mean():.2f}"
    bench.runs.undo()
    bench.runs.redo()
    return f"{len(found)} slices, mean Dice {found.mean():.2f}"


def _wait(condition: Callable[[], bool], bench: Workbench, what: str) -> None:
    until = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < until, f"{what} did not come: {bench.notices}"
        slicer.app.processEvents()
        time.sleep(_PAUSE)  # for the worker, which computes meanwhile


def _load_phantom() -> tuple[Any, Any, NDArray[np.uint8]]:
    """Volume node, label map node of one organ, and its mask, KJI."""
    volume, labels = chest_phantom()
    mask = (labels == LABELS[_ORGAN]).astype(np.uint8)
    to_ras = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ _to_lps(volume))
    node = slicer.util.addVolumeFromArray(volume.array, to_ras, "PromptOnce self test")
    reference = slicer.util.addVolumeFromArray(mask, to_ras, "reference", "vtkMRMLLabelMapVolumeNode")
    return node, reference, mask


def _to_lps(volume: Any) -> Floats:
    matrix: Floats = volume.geometry.ijk_to_lps()
    return matrix
