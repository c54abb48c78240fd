"""Segment an image from one prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.api.images import Image, Labels3D, any_volume, labels_on, reference_on
from PromptOnceLib.api.loaded_model import LoadedModel, OnCancel, OnProgress
from PromptOnceLib.api.marks import FourNumbers, Pixel, object_prompt, one_source, prompt_of
from PromptOnceLib.api.result import Segmentation
from PromptOnceLib.api.session import Session
from PromptOnceLib.cases.case import prepare_case, with_walls
from PromptOnceLib.cases.prompt_source import UNNAMED, PromptSource, labels_of_file, with_name
from PromptOnceLib.errors import InputError, PromptError, SeedError
from PromptOnceLib.imaging.stack import central_slice, parse_axis
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy, check_prompted
from PromptOnceLib.seeds.apply import OLD_STARTS, SeedSource, Start
from PromptOnceLib.seeds.fit import By, Fit
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.segmenter import Settings
from PromptOnceLib.workflows.choose_seed import SeedSearch


def segment(
    image: Image,
    *,
    box: FourNumbers | None = None,
    points: Sequence[Pixel] = (),
    positive: Sequence[Pixel] = (),
    negative: Sequence[Pixel] = (),
    mask: NDArray[Any] | None = None,
    name: str = "object",
    objects: Mapping[str, Mapping[str, Any]] | None = None,
    prompt: PromptSource | str | Path | None = None,
    prompt_from: Labels3D | None = None,
    strategy: Strategy = "paper",
    seed: str | Sequence[str] | None = None,
    start: Start = "central",
    by: By = "prompt",
    fit: Fit | None = None,
    target: str | None = None,
    library: str | Path | None = None,
    slice: int | None = None,
    spacing: Sequence[float] | None = None,
    axis: str = "auto",
    window: str = "auto",
    first: int = 0,
    last: int | None = None,
    direction: Literal["both", "forward", "backward"] = "both",
    early_stop: bool = False,
    fill_hole_area: int = 0,
    zoom: Zoom = "auto",
    between: Between = "track",
    clean_up: CleanUp = "connected",
    keep_out: Labels3D | None = None,
    reference: Labels3D | None = None,
    model: str | Path | Session = "auto",
    device: str = "auto",
    on_progress: OnProgress | None = None,
    should_cancel: OnCancel | None = None,
) -> Segmentation:
    """Segment all slices of an image from one prompt.

    Give one prompt: box, points or mask of one object; or ``objects``; or ``prompt``; or ``prompt_from``; or ``seed``.
    The command line gives the same masks for the same prompt.

    Parameters
    ----------
    image : path, Volume, array, SimpleITK.Image or nibabel image
        A file or folder as ``read`` takes it. The axes of an array are slice, row, column, or row, column; ``spacing``
        belongs to it.
    box : (x0, y0, x1, y1), optional
        Around the object, in pixels of the slice as stored: x is the column, y the row, the centre of the first pixel
        is (0, 0).
    points : sequence of (x, y) or (x, y, label), optional
        On the object, or with the label 0 outside it.
    positive, negative : sequence of (x, y), optional
        The same in two lists, as on the command line.
    mask : array (rows, columns), optional
        In place of box and points; nonzero on the object.
    name : str, optional
        Name of the object.
    objects : dict, optional
        Several objects on one slice, by name, each with box, points, positive, negative or mask:
        ``{"liver": {"box": (30, 40, 120, 160)}, "spleen": {"points": [(190, 130)]}}``.
    prompt : Prompt, ObjectPrompt, Labels, SeedSource, str or Path, optional
        A prompt that was made elsewhere, or the path of a saved one (JSON, or markups of 3D Slicer, .mrk.json).
    prompt_from : path, array or image, optional
        A segmentation from which box and points are taken, as in the papers; "FILE:1,2" takes two of its labels,
        "FILE:1=liver,2=spleen" makes two objects of them.
    strategy : str, optional
        Of ``prompt_from``: "paper", or of Huang et al. "S2" one positive point, "S3" five, "S4" five and five negative
        ones, "S5" the box, "S6" the box and one point.
    seed : str or sequence of str, optional
        Name of a seed in the library, several, or "auto" for the one that suits the image best.
    start : int or str, optional
        For a seed: the slice where it takes over, or "central", "similar" or "confident".
    by : str, optional
        Whether a seed prompts by its box and points, "prompt", or by its accepted "mask".
    fit : str, optional
        How a seed's frame is fitted to the image: "stretch", as it is, or "millimetres", to the same field of view.
    target : str, optional
        With ``seed="auto"``: only seeds that mark this.
    library : str or Path, optional
        Folder of the seeds; without it PROMPTONCE_LIBRARY, or one in the user's data folder.
    slice : int, optional
        Number of the prompted slice, from 0; by default the prompt's own slice, or else the central one.
    spacing : sequence of float, optional
        For an array: mm between slices, rows and columns.
    axis : str, optional
        Along which the slices lie: "auto", "i", "j", "k", "axial", "sagittal" or "coronal".
    window : str, optional
        "auto", a CT preset such as "lung", "LEVEL/WIDTH", "file", "full", "percentile" or "paper".
    first, last : int, optional
        Range of slices to segment, both included.
    direction : str, optional
        Where to go from the prompt: "both", "forward" or "backward".
    early_stop : bool, optional
        Stop where the objects have ended; not for objects in several pieces.
    fill_hole_area : int, optional
        Fill holes up to this area in SAM 2's low-resolution mask, in its pixels.
    zoom : str or float, optional
        How much of a slice the network sees: "auto", a crop around an object that is small on the slice; "off", the
        whole slice; or a number, a crop so many times as long as the object.
    between : str, optional
        Between prompted slices "track", or "interpolate" boxes from the first to the last and segment each by itself;
        or "both", and keep what either finds there.
    clean_up : str, optional
        Which pieces stay: "connected" to the mask of a prompted slice, the "largest", or "all".
    keep_out : path, array or image, optional
        Other segments that the object must not enter; points on them become negative points on the prompted slice.
    reference : path, array or image, optional
        Segmentation to compare with; every nonzero voxel counts, or of a file that names its objects, the one of the
        same name.
    model : str, Path or Session, optional
        A name from the list of models, the file of a checkpoint, or a session, whose model is already loaded.
    device : str, optional
        "auto", "cpu", "cuda", "cuda:1" or "mps", for a model that is not loaded already.
    on_progress : callable, optional
        Is called with the numbers of slices that are done and of all, after every slice.
    should_cancel : callable, optional
        Is asked often; once it returns True the run ends, and keeps the slices that are done.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError
        And its children VolumeError, GeometryError, PromptError and SeedError for what cannot be segmented.
    ModelError, EngineMissingError, WorkerError, OutOfMemoryError
        Where the model cannot compute.
    CancelledError
        When it was cancelled before the first slice.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> volume, organs = po.phantom(slices=8)
    >>> result = po.segment(volume, box=(40, 65, 121, 188), window="lung", name="right lung", device="cpu")
    >>> result.mask.shape, result.mask.dtype
    ((8, 256, 256), dtype('uint8'))
    >>> result.dice(organs == 1) > 0.8
    True
    """
    _check_numbers(slice=slice, first=first, last=last)
    if seed is None and (start, by, fit, target) != ("central", "prompt", None, None):
        raise PromptError("start, by, fit and target go with a seed: leave them out.")
    volume, notices = any_volume(image, spacing), list[str]()
    labels = _labels(prompt_from, volume, name, strategy, notices)
    by_hand = object_prompt(name, box, points, positive, negative, mask)
    several = None if objects is None else _several(objects, volume, axis, slice)
    with ExitStack() as held:
        session = model if isinstance(model, Session) else held.enter_context(Session(model, device=device))
        seeds = None
        if seed is not None:
            found, of_choice = _seeds(seed, target, SeedLibrary(library), session, volume, axis)
            seeds = SeedSource(found, OLD_STARTS.get(str(start), start), by, fit, notices=of_choice)
        source = one_source(by_hand, several, prompt, labels, seeds)
        if name != UNNAMED and source is not by_hand and source is not labels:
            source = with_name(source, name)
        others = None if keep_out is None else labels_on(keep_out, volume, notices.append)
        compared = None if reference is None else reference_on(reference, volume, notices.append)
        case = prepare_case(volume, source, axis, slice, window, compared, notices)
        settings = Settings(first, last, direction, fill_hole_area, early_stop)
        settings = replace(settings, clean_up=clean_up, zoom=zoom, between=between)
        if others is not None:
            case, walls = with_walls(case, others)
            settings = replace(settings, walls=walls)
        within = settings.range_for(case.prompt, len(case.stack.frames))
        if isinstance(source, SeedSource) and slice is None:
            case = session.placed(case, source, within)
        return Segmentation(session.run(case, settings, on_progress, should_cancel))


def _check_numbers(**slices: Any) -> None:
    """Raise InputError for slices that are no whole numbers."""
    for name, value in slices.items():
        if value is not None and not isinstance(value, int | np.integer):
            raise InputError(f"{name} is the number of a slice, from 0, not {str(value)[:40]!r}.")


def _labels(
    prompt_from: Labels3D | None, volume: Volume, name: str, strategy: str, notices: list[str]
) -> Labels | tuple[Labels, ...] | None:
    """What the prompt is taken from, if it is; notices of the reading are added."""
    check_prompted(strategy)
    if prompt_from is None:
        if strategy != "paper":
            raise PromptError("A prompt strategy goes with a prompt from a segmentation alone.")
        return None
    if not isinstance(prompt_from, str | Path):
        return Labels(labels_on(prompt_from, volume, notices.append), name, strategy=strategy)
    found = labels_of_file(str(prompt_from), volume.geometry, notices.append, name)
    objects = tuple(replace(item, strategy=strategy) for item in found)
    return objects[0] if len(objects) == 1 else objects


def _several(objects: Mapping[str, Mapping[str, Any]], volume: Volume, axis: str, index: int | None) -> PromptSource:
    shape = volume.geometry.shape
    return prompt_of(objects, central_slice(shape[parse_axis(axis, volume.geometry).axis]) if index is None else index)


def _seeds(
    names: str | Sequence[str], target: str | None, library: SeedLibrary, model: LoadedModel, volume: Volume, axis: str
) -> tuple[tuple[Seed, ...], tuple[str, ...]]:
    """The seeds that are named or chosen, and what the user is told of the choice."""
    if isinstance(names, str) and names.lower() == "auto":
        choice = model.choice(SeedSearch(library, library.list(), volume, axis, target))
        return (choice.seed,), choice.notices
    if target is not None:
        raise SeedError('A target goes with the seed "auto" alone.')
    return tuple(library.get(one) for one in ([names] if isinstance(names, str) else names)), ()
