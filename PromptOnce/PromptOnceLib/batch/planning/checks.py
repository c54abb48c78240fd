"""What can be said about a case's settings before its image is read: a sentence, or None where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan
from PromptOnceLib.errors import InputError, PromptOnceError
from PromptOnceLib.imaging.image_file import check_readable
from PromptOnceLib.imaging.stack import parse_axis
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import window_from_text
from PromptOnceLib.prompts.markups_file import read_prompt_file
from PromptOnceLib.segmentation.reference import parse_reference

_ANY_GEOMETRY = Geometry((1, 1, 1))


def window_problem(text: str) -> str | None:
    """Whether a window is one."""
    any_volume = Volume(np.zeros((1, 1, 1), np.int16), _ANY_GEOMETRY, file_window=(0.0, 1.0))
    return _message(lambda: window_from_text(text, any_volume))


def axis_problem(text: str) -> str | None:
    """Whether an axis is one."""
    return _message(lambda: parse_axis(text, _ANY_GEOMETRY))


def prompt_file_problem(path: Path) -> str | None:
    """Whether a prompt file can be read; whether it fits an image is known only with the image."""
    return _message(lambda: read_prompt_file(path))


def reference_problem(text: str, folder: Path) -> str | None:
    """Whether FILE[:LABEL,...], relative to the folder, names a file that can be opened."""
    return _message(lambda: check_readable(parse_reference(str(folder / text))[0]))


def check_method(options: BatchOptions, plan: BatchPlan) -> None:
    """Raise InputError where the method, and how prompts are made of references, do not go with the cases."""
    if options.method == "propagate":
        if any(case.prompt.strategy == "S1" for case in plan.cases):
            raise InputError("S1 has no prompt to propagate: prompt each slice, or choose another strategy.")
        _check_used(options, {case.prompt.kind for case in plan.cases})
        return
    if any(case.prompt.kind != "reference" for case in plan.cases):
        raise InputError("Slices are prompted each by itself from a reference: take all prompts from there.")
    if options.round_trip:
        raise InputError("A round trip tells how far one prompted slice carries: leave it out here.")


def _check_used(options: BatchOptions, kinds: set[str]) -> None:
    """Raise InputError for moves and positions that no prompt has, lest figures be taken for those of moved prompts."""
    chosen = [name for name in ("jitter", "position") if getattr(options, name) is not None]
    if chosen and "reference" not in kinds:
        raise InputError(f"Only prompts from references can be moved so: leave out {', '.join(chosen)}.")


def _message(check: Callable[[], object]) -> str | None:
    try:
        check()
    except PromptOnceError as error:
        return error.message
    return None
