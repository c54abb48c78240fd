"""PromptOnce for Python scripts: read an image, segment it from one prompt, save the result.

    import PromptOnceLib as po

    volume = po.read("chest.nii.gz")
    result = po.segment(volume, box=(40, 60, 300, 280), positive=[(110, 170), (240, 165)], window="lung")
    result.save("lungs.seg.nrrd")

`segment` starts a worker process and ends it; `open_model` keeps one for several images. It goes the way of the command
line, so the same prompt gives the same masks. PromptOnceLib itself offers the names of `__all__`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, Labels, PromptSource, prepare_case
from PromptOnceLib.cases.outputs import Outputs, Run, write_outputs
from PromptOnceLib.errors import InputError, PromptOnceError
from PromptOnceLib.imaging.crop import Zoom
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.by_hand import object_by_hand
from PromptOnceLib.prompts.interpolation import Between
from PromptOnceLib.prompts.markups_file import read_prompt_file
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.segmentation.clean_up import CleanUp
from PromptOnceLib.segmentation.reference import parse_reference, read_reference
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.start_slice import steps_of_start

__all__ = [
    "Box",
    "Labels",
    "ObjectPrompt",
    "OpenModel",
    "Point",
    "Prompt",
    "PromptOnceError",
    "Segmentation",
    "Volume",
    "open_model",
    "read",
    "segment",
]

Pixel = tuple[float, float]
"""Column x and row y of a slice as stored; the centre of its first pixel is (0, 0)."""

Reference = str | Path | Array
"""Labels on the volume's grid, (k, j, i), compared where they are not 0; or a file, "FILE" or "FILE:LABEL,LABEL"."""

OnProgress = Callable[[int, int], object]
"""Is told how many slices are done, of how many."""


def read(path: str | Path, volume: int | str | None = None) -> Volume:
    """An image: NIfTI, NRRD, MetaImage, a DICOM series (its folder, one of its files, a ZIP archive), an X-ray as
    DICOM, PNG, JPEG or TIFF. Its array is (slice, row, column) = (k, j, i).

    volume: which of several in a DICOM folder or file (phases, echoes, ...), by its number from 1 or its name. Raises
    VolumeError and its children: SeveralVolumesError, which lists them, where there are several and none is named.
    """
    return read_volume(Path(path), None if volume is None else str(volume))


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a run gave, complete or, where it was `cancelled`, as far as it came. run: with everything else."""

    run: Run

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the objects."""
        return tuple(self.run.result.names)

    @property
    def cancelled(self) -> bool:
        """Whether it was ended before the last slice."""
        return self.run.cancelled

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user: what was chosen, and what was done differently than asked."""
        return (*self.run.case.notices, *self.run.notices)

    @property
    def slices(self) -> list[SliceResult]:
        """One row a slice, of the union of all objects: area, presence, predicted IoU and, with a reference, Dice."""
        return self.run.rows

    @property
    def dice(self) -> float | None:
        """Dice of the whole volume, 0 to 1, of the union of all objects; None without a reference."""
        return self.run.totals.dice

    @property
    def jaccard(self) -> float | None:
        """Jaccard index of the whole volume, 0 to 1, of the union of all objects; None without a reference."""
        return self.run.totals.jaccard

    def mask(self, name: str | None = None) -> NDArray[np.uint8]:
        """The mask of an object, of the first one without a name: uint8, 0 or 1, (k, j, i) on the volume's grid.

        Raises InputError where there is no such object.
        """
        if name is not None and name not in self.names:
            raise InputError(f'There is no object "{name}". There are: {", ".join(self.names)}.')
        return self.run.result.to_volume_order(0 if name is None else self.names.index(name))

    def save(self, path: str | Path, csv: str | Path | None = None, sheet: str | Path | None = None) -> None:
        """Write all objects as .seg.nrrd, or as a label map .nii.gz, .nrrd or .mha, on exactly the grid of the image.

        csv: the table of slices. sheet: a contact sheet, .png. What stands there is replaced. Raises InputError where
        something cannot be written.
        """
        outputs = Outputs(Path(path), None if csv is None else Path(csv), None if sheet is None else Path(sheet))
        outputs.check([])
        write_outputs(self.run, outputs)


class OpenModel:
    """A model that stays loaded, to segment one image after the other; made by `open_model`, to be used with `with`."""

    def __init__(self, segmenter: Segmenter, name: str) -> None:
        self._segmenter, self.name = segmenter, name

    def __enter__(self) -> OpenModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        self._segmenter.client.close()

    def run(
        self,
        case: Case,
        settings: Settings,
        on_progress: OnProgress | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Run:
        """Propagate a case that is made ready; for what `segment` does not offer."""

        def on_slice(event: SliceDone) -> None:
            if on_progress is not None:
                on_progress(event.done, event.total)

        self._segmenter.use_stack(case.stack)
        started = monotonic()
        job = self._segmenter.propagate(case.prompt, settings, on_slice, should_cancel=should_cancel)
        return Run(case, job.result, self.name, job.device, monotonic() - started, job.cancelled, job.notices)

    def placed(self, case: Case, source: SeedSource, within: range) -> Case:
        """The case with its seeds on the slice where they start, searched for within a range where they say so."""
        return run_steps(self._segmenter, steps_of_start(case, source.start, within))


def open_model(
    model: str | Path = "nano",
    config: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
) -> OpenModel:
    """Start a worker and load a model in it.

    model: the name of one in the list, or the file of a checkpoint with its configuration `config`. device: "auto",
    "cpu", "cuda", "cuda:1", "mps". precision: "auto", "float32", "bfloat16" or "float16". threads: of the CPU, None for
    all cores. Raises ModelError, InputError, and WorkerError where the worker cannot be started.
    """
    files = resolve_model(str(model), config)
    client = WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment()), threads)
    segmenter = Segmenter(client)
    try:
        segmenter.use_model(files, device, precision)
    except BaseException:
        client.close()
        raise
    return OpenModel(segmenter, files.name)


def segment(
    volume: Volume | str | Path,
    *,
    box: tuple[float, float, float, float] | None = None,
    positive: Sequence[Pixel] = (),
    negative: Sequence[Pixel] = (),
    name: str = "object",
    prompt: PromptSource | str | Path | None = None,
    prompt_from: Reference | None = None,
    slice: int | None = None,
    axis: str = "auto",
    window: str = "auto",
    first: int = 0,
    last: int | None = None,
    direction: Literal["both", "forward", "backward"] = "both",
    fill_hole_area: int = 0,
    early_stop: bool = False,
    zoom: Zoom = "auto",
    between: Between = "track",
    clean_up: CleanUp = "connected",
    reference: Reference | None = None,
    model: str | Path | OpenModel = "nano",
    device: str = "auto",
    on_progress: OnProgress | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Segmentation:
    """Segment the object of one prompt in all slices of a volume.

    Give one prompt: box, positive and negative for one object called `name`; or prompt, which may hold several objects,
    be the file of a saved one, or seeds; or prompt_from, of which box and points are taken as the papers do.

    Args:
        volume: From `read`, or the path of an image.
        box: x0, y0, x1, y1 in pixels of the slice as stored.
        positive: Points on the object.
        negative: Points beside the object.
        name: Of the object that box and points mark.
        prompt: A Prompt, an ObjectPrompt, Labels, seeds, or the path of a saved prompt
                (JSON, or markups of 3D Slicer, .mrk.json).
        prompt_from: A segmentation.
        slice: Of the prompt, from 0; None for the central one, or for the prompt's own.
        axis: Along which the slices lie: "auto", "i", "j", "k", "axial", "sagittal" or "coronal".
        window: "auto", a CT preset such as "lung", "LEVEL/WIDTH", "full", "percentile" or "paper".
        first: First slice to segment.
        last: Last slice to segment, included; None for the last one.
        direction: Where to go from the prompt.
        fill_hole_area: Fill holes up to this area in SAM 2's low-resolution mask, in its pixels.
        early_stop: Leave out what lies behind the end of the objects; not for objects in several pieces.
        zoom: What the network sees: "auto", a crop around small objects; "off", whole slices; or a factor.
        between: Between prompted slices "track", or "interpolate": boxes are interpolated from the first to the last
                 and every slice is segmented by itself.
        clean_up: Which pieces stay: "connected", those that touch the mask of a prompted slice; "largest"; or "all".
        reference: To compare with.
        model: The name of one in the list, the path of a checkpoint, or what `open_model` gave.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps", for a model that is not open already.
        on_progress: Called after every slice.
        should_cancel: Asked often; once it returns True the run ends, and keeps the slices that are done.

    Raises InputError and its children for what cannot be segmented, ModelError, WorkerError, OutOfMemoryError, and
    CancelledError when it was cancelled before the first slice.
    """
    image = volume if isinstance(volume, Volume) else read(volume)
    notices: list[str] = []
    labels = None if prompt_from is None else Labels(_labels(prompt_from, image, notices), name)
    drawn = None if box is None and not (positive or negative) else object_by_hand(box, positive, negative, name)
    source = _one_prompt(drawn, prompt, labels)
    compared = None if reference is None else _labels(reference, image, notices)
    case = prepare_case(image, source, axis, slice, window, compared, notices)
    settings = Settings(
        first, last, direction, fill_hole_area, early_stop, clean_up=clean_up, zoom=zoom, between=between
    )
    within = settings.range_for(case.prompt, len(case.stack.frames))
    with ExitStack() as held:
        opened = model if isinstance(model, OpenModel) else held.enter_context(open_model(model, device=device))
        if isinstance(source, SeedSource) and slice is None:
            case = opened.placed(case, source, within)
        return Segmentation(opened.run(case, settings, on_progress, should_cancel))


def _one_prompt(
    by_hand: ObjectPrompt | None, prompt: PromptSource | str | Path | None, labels: Labels | None
) -> PromptSource:
    given = [source for source in (by_hand, prompt, labels) if source is not None]
    if len(given) != 1:
        raise InputError("Give one prompt: box and points, or a prompt, or a segmentation to take the prompt from.")
    (source,) = given
    return read_prompt_file(source) if isinstance(source, str | Path) else source


def _labels(reference: Reference, volume: Volume, notices: list[str]) -> Array:
    """Labels on the volume's grid; notices of the reading are added."""
    if isinstance(reference, str | Path):
        path, chosen = parse_reference(str(reference))
        return read_reference(path, volume.geometry, chosen, notices.append)
    if reference.shape != volume.array.shape:
        raise InputError(f"The labels have the shape {reference.shape}, the image {volume.array.shape}.")
    return reference
