"""Which slices of a result to look at first, and a saved result corrected in its file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from PromptOnceLib.api.images import Image, Labels3D, any_volume, labels_on
from PromptOnceLib.api.loaded_model import OnCancel
from PromptOnceLib.api.marks import FourNumbers, Pixel, correction_marks
from PromptOnceLib.api.result import Segmentation
from PromptOnceLib.api.session import Session
from PromptOnceLib.batch.corrections import CaseCorrection
from PromptOnceLib.cases.correction import read_saved_result, write_saved_result
from PromptOnceLib.cases.correction_record import settled_prompts
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.cases.slice_review import SliceReview, review_recorded, review_result
from PromptOnceLib.workflows.correct import steps_of_saved_correction


def review(result: Segmentation | str | Path, name: str | None = None) -> list[SliceReview]:
    """List the slices of a result, with those to check first at the top.

    Parameters
    ----------
    result : Segmentation, str or Path
        What ``segment`` gave, or a .seg.nrrd file that PromptOnce wrote.
    name : str, optional
        Only this object.

    Returns
    -------
    list of SliceReview
        Each with ``object``, ``slice``, ``state`` ("prompted", "corrected", "accepted", "confident", "doubtful" or "not
        computed"), ``confidence`` (0 to 1), ``area`` in pixels and ``reasons`` in words.

    Raises
    ------
    InputError
        For a file that does not record how sure the model was, and for a name that no object has.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> volume, organs = po.phantom(slices=8)
    >>> result = po.segment(volume, box=(40, 65, 121, 188), window="lung", device="cpu")
    >>> slices = po.review(result)
    >>> len(slices), slices[-1].slice, slices[-1].state
    (8, 4, 'prompted')
    """
    if not isinstance(result, Segmentation):
        return review_recorded(read_recorded_result(Path(result)), name)
    prompts = settled_prompts(result.run.case.prompt, result.run.result)
    return review_result(result.run.result, prompts if name is None else prompts.only((name,)))


def correct(
    image: Image,
    result: str | Path,
    slice: int,
    *,
    spacing: Sequence[float] | None = None,
    box: FourNumbers | None = None,
    points: Sequence[Pixel] = (),
    positive: Sequence[Pixel] = (),
    negative: Sequence[Pixel] = (),
    mask: NDArray[Any] | None = None,
    accept: bool = False,
    name: str | None = None,
    keep_out: Labels3D | None = None,
    model: str | Path | Session = "auto",
    device: str = "auto",
    should_cancel: OnCancel | None = None,
    on_notice: Callable[[str], object] | None = None,
) -> Path:
    """Correct or accept one slice of a saved result, and propagate again up to the next fixed slices.

    ``Session.correct`` does this without a file, and uses what the worker remembers of the last run.

    Parameters
    ----------
    image : path, Volume, array, SimpleITK.Image or nibabel image
        The one that the result was made from.
    result : str or Path
        A .seg.nrrd file that PromptOnce wrote. It is overwritten; the file as it was before the first correction is
        kept beside it as .bak. In the folder of a batch, the result itself stays, and ``corrected.seg.nrrd`` is written
        beside it.
    slice : int
        The slice to correct, from 0.
    spacing : sequence of float, optional
        Of an image that is an array, as ``segment`` takes it.
    box, points, positive, negative, mask
        As ``segment`` takes them. Points correct the mask that is there, a box says anew where the object is; a mask
        replaces it, an empty one where the object is not there.
    accept : bool, optional
        Keep the slice as it is from now on; nothing is computed.
    name : str, optional
        Of the object; may be left out where there is only one.
    keep_out : path, array or image, optional
        Other segments that the object must not reach into.
    model, device, should_cancel
        As ``segment`` takes them.
    on_notice : callable, optional
        Called with messages for the user, such as that the image is not the one of the result; by default those of a
        Session that is given go where its own go, and others become warnings.

    Returns
    -------
    Path
        The file that holds the correction.

    Raises
    ------
    InputError
        And its children for what does not fit together, for several corrections at once, for a file that another
        program changed meanwhile: it stays as it is then.
    CancelledError
        When it was cancelled: the file stays as it was.
    """
    volume, notices, path = any_volume(image, spacing), list[str](), Path(result)
    of_run = CaseCorrection.of(path)
    source = path if of_run is None else of_run.source(path)
    saved = read_saved_result(volume, source)
    chosen = saved.prompts.chosen(name).name
    marks = correction_marks(chosen, accept, box, points, positive, negative, mask)
    others = None if keep_out is None else labels_on(keep_out, volume, notices.append)
    tell = on_notice or (model.notify if isinstance(model, Session) else _warn)
    for notice in (*saved.notices, *notices):
        tell(notice)
    with ExitStack() as held:
        session = model if isinstance(model, Session) else held.enter_context(Session(model, device=device))
        corrected = session.go(steps_of_saved_correction(saved, chosen, slice, marks, others), should_cancel)
    target = path if of_run is None else of_run.target
    told = write_saved_result(source, corrected, None if source == target else target)
    if of_run is not None:
        told += of_run.note()
        of_run.renew_report()
    for notice in told:
        tell(notice)
    return target


def _warn(notice: str) -> None:
    warnings.warn(notice, stacklevel=3)
