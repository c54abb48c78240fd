"""Which negative points help on a slice, asked with a reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from PromptOnceLib.api.images import Image, Labels3D, any_volume, labels_on
from PromptOnceLib.api.loaded_model import OnCancel
from PromptOnceLib.api.session import Session
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.strategies.negative_points import NegativePointSearch
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.workflows.better_prompt import search_better_prompt


def search_negative_points(
    image: Image,
    reference: Labels3D,
    *,
    prompt: Prompt | None = None,
    strategy: Strategy = "paper",
    candidates: int = 5,
    points: int = 1,
    slice: int | None = None,
    spacing: Sequence[float] | None = None,
    axis: str = "auto",
    window: str = "auto",
    model: str | Path | Session = "auto",
    device: str = "auto",
    on_trial: Callable[[int], object] | None = None,
    should_cancel: OnCancel | None = None,
) -> NegativePointSearch:
    """Search negative points that improve the mask of one slice, and say how much they gain.

    The points are tried on what is segmented beside the reference, added to the prompt or in place of its own negative
    points, as No More Training (IEEE Access 2024, figure 6) shows. Nothing is propagated.

    Parameters
    ----------
    image, spacing, axis, window, model, device
        As ``segment`` takes them.
    reference : path, array or image
        What the mask is compared with; "FILE:1,2" takes two of its labels.
    prompt : Prompt, optional
        Of one object, to begin with; without it the one that ``strategy`` takes from the reference.
    strategy : str, optional
        "paper", or "S2" to "S6" as ``segment`` takes them.
    candidates : int, optional
        How many points are tried for each that is found.
    points : int, optional
        How many points are searched for, one after the other.
    slice : int, optional
        From 0; without it the central one, or the prompt's own.
    on_trial : callable, optional
        Is called with the number of segmentations after each.
    should_cancel : callable, optional
        Is asked before every segmentation; once it returns True, CancelledError is raised.

    Returns
    -------
    NegativePointSearch
        With ``prompt`` (the best one), ``points``, ``moved``, ``before`` and ``after`` (Dice), ``gain`` and
        ``segmentations``.

    Raises
    ------
    InputError
        And its children for what does not fit together, or where the reference is empty on the slice.
    CancelledError
        When it was cancelled.
    ModelError, EngineMissingError, WorkerError, OutOfMemoryError
        Where the model cannot compute.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> volume, organs = po.phantom(slices=4)
    >>> found = po.search_negative_points(volume, organs == 1, window="lung", candidates=2, device="cpu")
    >>> found.after >= found.before, found.segmentations <= 1 + 2 * 2
    (True, True)
    """
    volume, notices = any_volume(image, spacing), list[str]()
    labels = labels_on(reference, volume, notices.append)
    source = Labels(labels, strategy=strategy) if prompt is None else prompt
    case = prepare_case(volume, source, axis, slice, window, labels, notices)
    with ExitStack() as held:
        session = model if isinstance(model, Session) else held.enter_context(Session(model, device=device))
        return search_better_prompt(session.segmenter, case, candidates, points, on_trial, should_cancel)
