"""A session: a model that stays loaded for many images, each marked, propagated and corrected step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.api.images import Image, Labels3D, any_volume, reference_on
from PromptOnceLib.api.loaded_model import LoadedModel, OnCancel, OnProgress
from PromptOnceLib.api.marks import FourNumbers, Marks, Pixel, correction_marks, object_prompt
from PromptOnceLib.api.result import Segmentation
from PromptOnceLib.api.working_image import WorkingImage
from PromptOnceLib.cases.case import case_of
from PromptOnceLib.cases.correction_record import correction_record
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.segmenter import Settings
from PromptOnceLib.workflows.correct import Correctable, steps_of_correction
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.save_seed import steps_of_saving


class Session(LoadedModel):
    """A model that stays loaded for many images.

    Parameters
    ----------
    model : str or Path, optional
        A name from the list of models ("nano", "tiny", ...), a checkpoint file, or "auto": your choice, else the best.
    config : str or Path, optional
        Configuration of a checkpoint file.
    device : str, optional
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    precision : str, optional
        "auto", "float32" (SAM 2's own numbers, bit for bit), "bfloat16" or "float16".
    python : str or Path, optional
        A Python with PyTorch and SAM 2. Without it: what the variable PROMPTONCE_PYTHON names, else this Python, else
        the one that ``promptonce engine install`` made.
    threads : int, optional
        Threads of the CPU; all cores by default.
    on_notice : callable, optional
        Called with messages for the user; by default they are kept in ``notices``.

    Raises
    ------
    ModelError
        For a model that is not there.
    EngineMissingError
        Where no Python has PyTorch and SAM 2. The model is loaded when it is needed first: what goes wrong then,
        WorkerError and OutOfMemoryError, is raised by the verbs.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> volume, organs = po.phantom(slices=8)
    >>> with po.Session(device="cpu") as s:
    ...     s.set_image(volume, window="lung")
    ...     preview = s.box(40, 65, 121, 188, name="right lung")
    ...     result = s.propagate()
    ...     result = s.correct(3, points=[(95, 120)])
    >>> preview.shape, result.mask.shape
    ((256, 256), (8, 256, 256))
    """

    _image: WorkingImage | None = None
    _result: Segmentation | None = None

    def set_image(
        self, image: Image, *, spacing: Sequence[float] | None = None, axis: str = "auto", window: str = "auto"
    ) -> None:
        """Work on this image from now on; marks and results of the previous one are forgotten.

        Parameters
        ----------
        image, spacing, axis, window
            As ``segment`` takes them.

        Raises
        ------
        InputError
            And its subclasses, for what is no image, and for what is no axis.
        """
        self._image = WorkingImage(any_volume(image, spacing), axis, window)
        self.clear()

    def clear(self) -> None:
        """Forget all marks and the result; the image stays."""
        self._marks, self._result = Marks(), None

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, slice: int | None = None, name: str = "object"
    ) -> NDArray[np.uint8]:
        """Draw the box of an object on a slice, in place of an earlier one, and get the mask.

        Parameters
        ----------
        x0, y0, x1, y1 : float
            Corners in pixels of the slice as stored: x is the column, y the row.
        slice : int, optional
            From 0; by default the slice that was marked last, at first the central one.
        name : str, optional
            Name of the object.

        Returns
        -------
        numpy.ndarray
            Mask of the object on this slice: uint8, 0 or 1, (rows, columns).

        Raises
        ------
        PromptError
            Where the box does not lie on the slice.
        """
        return self._mark(object_prompt(name, box=(x0, y0, x1, y1)), slice)

    def point(
        self, x: float, y: float, positive: bool = True, *, slice: int | None = None, name: str = "object"
    ) -> NDArray[np.uint8]:
        """Put a point on an object or, if not positive, outside it, and get the mask; otherwise as ``box``."""
        return self._mark(object_prompt(name, points=[(x, y, positive)]), slice)

    def paint(self, mask: NDArray[Any], *, slice: int | None = None, name: str = "object") -> NDArray[np.uint8]:
        """Give the mask of an object on a slice, (rows, columns), nonzero on the object; otherwise as ``box``."""
        return self._mark(object_prompt(name, mask=mask), slice)

    def propagate(
        self,
        *,
        first: int = 0,
        last: int | None = None,
        direction: Literal["both", "forward", "backward"] = "both",
        early_stop: bool = False,
        fill_hole_area: int = 0,
        zoom: Zoom = "auto",
        between: Between = "track",
        clean_up: CleanUp = "connected",
        reference: Labels3D | None = None,
        on_progress: OnProgress | None = None,
        should_cancel: OnCancel | None = None,
    ) -> Segmentation:
        """Propagate everything that is marked through the image.

        Parameters
        ----------
        first, last, direction, early_stop, fill_hole_area, zoom, between, clean_up, reference
            As ``segment`` takes them, like on_progress and should_cancel; PromptError if nothing is marked.
        """
        image, notices = self._working_image(), list[str]()
        compared = None if reference is None else reference_on(reference, image.volume, notices.append)
        prompt = self._marks.prompt(image.axis.axis)
        case = case_of(image.framed(prompt), prompt, compared, notices)
        settings = Settings(first, last, direction, fill_hole_area, early_stop)
        settings = replace(settings, clean_up=clean_up, zoom=zoom, between=between)
        settings.range_for(prompt, len(case.stack.frames))
        self._result = Segmentation(self.run(case, settings, on_progress, should_cancel))
        return self._result

    def correct(
        self,
        slice: int,
        *,
        box: FourNumbers | None = None,
        points: Sequence[Pixel] = (),
        positive: Sequence[Pixel] = (),
        negative: Sequence[Pixel] = (),
        mask: NDArray[Any] | None = None,
        accept: bool = False,
        name: str | None = None,
        should_cancel: OnCancel | None = None,
    ) -> Segmentation:
        """Correct or accept one slice of the result, and propagate again up to the next fixed slices.

        Parameters
        ----------
        slice : int
            From 0.
        box, points, positive, negative, mask
            As ``segment`` takes them. Points change the existing mask, a box marks the object anew, and a mask replaces
            the existing one; give an empty mask if the object is not on the slice.
        accept : bool, optional
            Keep the slice as it is from now on; nothing is computed.
        name : str, optional
            Name of the object; may be left out if there is only one.

        Returns
        -------
        Segmentation
            Everything beyond the neighbouring fixed slices is as it was.

        Raises
        ------
        InputError
            Where nothing was propagated yet, and for several corrections at once.
        CancelledError
            The result stays as it was.
        """
        if self._result is None:
            raise InputError("There is no result to correct: propagate first.")
        run, stack = self._result.run, self._result.run.case.stack
        prompts = correction_record(run.case.prompt, run.result, stack.window.name).prompts
        old = Correctable(stack, run.result, prompts)
        chosen = prompts.chosen(name).name
        marks = correction_marks(chosen, accept, box, points, positive, negative, mask)
        started = monotonic()
        if marks is None:
            new = old.accepting(chosen, slice)
        else:
            self.segmenter.use_stack(old.stack)
            steps = steps_of_correction(old, chosen, slice, marks)
            new = run_steps(self.segmenter, steps, should_cancel=should_cancel)
        case, seconds = replace(run.case, prompt=new.prompts), monotonic() - started
        changed = Run(case, new.result, run.model, run.device, seconds, run.cancelled, list(run.notices))
        self._result = Segmentation(changed)
        return self._result

    def save_seed(
        self,
        name: str,
        *,
        frame_confirmed: bool,
        round_trip: bool = True,
        library: str | Path | None = None,
        should_cancel: OnCancel | None = None,
        **words: Any,
    ) -> Seed:
        """Keep what is marked, with its masks, as a seed for other images of the same scanner.

        Parameters
        ----------
        name : str
            Name of the seed; must be unused.
        frame_confirmed : bool
            Confirms that you have looked at the slice and that it shows no name, number or date of a patient: everybody
            who uses a seed can see its slice. Without this, nothing is saved.
        round_trip : bool, optional
            Find out how far the seed can be trusted, which takes a few propagations.
        library : str or Path, optional
            Folder of the seeds; without it PROMPTONCE_LIBRARY, or one in the user's data folder.
        **words
            target, author, licence, note, scanner_name, terminology.

        Raises
        ------
        SeedError
            For a name that is taken, a frame that was not confirmed, an empty mask, marks on several slices.
        """
        image = self._working_image()
        prompt = self._marks.prompt(image.axis.axis)
        case = case_of(image.framed(prompt), prompt)
        steps = steps_of_saving(
            SeedLibrary(library),
            case,
            name,
            self._files,
            round_trip=round_trip,
            frame_confirmed=frame_confirmed,
            **words,
        )
        return self.go(steps, should_cancel)

    def _working_image(self) -> WorkingImage:
        if self._image is None:
            raise InputError("There is no image: set one first.")
        return self._image

    def _mark(self, item: ObjectPrompt | None, index: int | None) -> NDArray[np.uint8]:
        image = self._working_image()
        assert item is not None
        chosen = image.slice if index is None else index
        item = self._marks.with_more(chosen, item)
        image.check(chosen, item)
        self._marks.put(chosen, item)
        image.slice = chosen
        prompt = self._marks.on(chosen, image.axis.axis)
        self.segmenter.use_stack(image.framed(prompt).stack)
        masks = self.segmenter.predict(prompt).masks
        names = [other.name for other in prompt.objects]
        return np.asarray(masks[names.index(item.name)] > 0, np.uint8)
