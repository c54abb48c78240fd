"""Independent pictures, such as radiographs, of different sizes from one seed (Prompt Once, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.errors import InputError, PromptOnceError, VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result, picture_masks_path, save_array
from PromptOnceLib.worker.conditioning_files import ConditioningFiles
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.worker.session_job import OnNotice

Order = Literal["sequence", "alone"]


@dataclass(frozen=True)
class Picture:
    """A picture that could be read. axis: along which the grid has one slice."""

    path: Path
    geometry: Geometry
    axis: int
    notices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PictureResult:
    """masks: uint8 0 or 1 (objects, rows, columns) in the picture's own grid; one score from 0 to 1 an object.

    done, total: how many pictures are segmented, and are to be.
    """

    picture: Picture
    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]
    done: int
    total: int

    def in_volume_order(self, object_index: int) -> NDArray[np.uint8]:
        """Mask of one object in KJI order on the picture's grid."""
        return np.ascontiguousarray(np.expand_dims(self.masks[object_index], self.picture.axis))


@dataclass
class PictureSetOutcome:
    """How it ended. skipped: pictures that could not be read or that no seed fits, and why. objects: their names."""

    objects: tuple[str, ...] = ()
    done: int = 0
    cancelled: bool = False
    device: str = ""
    skipped: list[tuple[Path, PromptOnceError]] = field(default_factory=list)


def segment_pictures(
    segmenter: Segmenter,
    paths: Sequence[Path],
    source: SeedSource,
    on_picture: Callable[[PictureResult], object],
    order: Order = "sequence",
    window: str = "auto",
    on_notice: OnNotice | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> PictureSetOutcome:
    """Segment every picture from the seeds; `on_picture` gets each result once, in order, and nothing is kept.

    order: "sequence", one sequence after the seed frame as in the paper, where the memory of earlier pictures helps or
    misleads later ones and the order of the paths matters; "alone", each picture right after the seed frame. window:
    "auto" is the seed's. Frames go to the model as they are: it brings every one to its own size by itself. The seeds
    are turned to the orientation of the first picture that can be read; pictures of one set lie alike.

    Raises InputError where no picture can be segmented, and what the worker reports.
    """
    files = _Files(segmenter)
    outcome = PictureSetOutcome()
    try:
        seed: SharedSeed | None = None
        for path in paths:
            if should_cancel is not None and should_cancel():
                outcome.cancelled = True
                return outcome
            try:
                case = _prepared(path, source, window)
            except PromptOnceError as error:
                outcome.skipped.append((path, error))
                continue
            assert isinstance(case.prompt, SharedSeed)
            seed = seed or case.prompt
            picture = Picture(path, case.volume.geometry, case.axis.axis, case.notices)
            files.add(picture, case.stack.frames[0])
        if seed is None:
            first = f" {outcome.skipped[0][1].message}" if outcome.skipped else ""
            raise InputError(f"None of the images can be segmented.{first}")
        outcome.objects = tuple(item.name for item in seed.objects)
        _propagate(segmenter, files, seed, order, outcome, on_picture, on_notice, should_cancel)
    finally:
        files.remove()
    return outcome


class _Files:
    """Pictures handed over to the worker."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.client = segmenter.prepared_client()
        self.number = self.client.new_id()
        self.pictures: list[Picture] = []
        self.paths: list[Path] = []

    def add(self, picture: Picture, frame: NDArray[np.uint8]) -> None:
        """Write a frame."""
        path = self.client.folder / f"picture-{self.number}-{len(self.paths)}.npy"
        self.paths.append(path)
        save_array(path, frame)
        self.pictures.append(picture)

    def send(self) -> None:
        """Have the worker use them, instead of the stack it had."""
        names = tuple(path.name for path in self.paths)
        job = self.client.send(protocol.SetPictures(id=self.client.new_id(), files=names))
        self.client.wait(job, protocol.Done)

    def remove(self) -> None:
        """Remove them; the worker is given a stack before it is asked again."""
        for path in self.paths:
            path.unlink(missing_ok=True)


def _prepared(path: Path, source: SeedSource, window: str) -> Case:
    volume = read_volume(path)
    if 1 not in volume.geometry.shape:
        raise VolumeError(f"{path.name} is a volume of several slices, not a picture. Segment it by itself.")
    return prepare_case(volume, source, window=window)


def _propagate(
    segmenter: Segmenter,
    files: _Files,
    seed: SharedSeed,
    order: Order,
    outcome: PictureSetOutcome,
    on_picture: Callable[[PictureResult], object],
    on_notice: OnNotice | None,
    should_cancel: Callable[[], bool] | None,
) -> None:
    client = files.client
    files.send()
    number = client.new_id()
    frame_files, masks = ConditioningFiles(client.folder, number), client.folder / f"masks-{number}.npy"
    total = len(files.pictures)

    def on_event(event: protocol.Event) -> None:
        if isinstance(event, protocol.Notice) and on_notice is not None:
            on_notice(event.text)
        if isinstance(event, protocol.SliceDone):
            path = picture_masks_path(masks, event.slice)
            found = load_result(path)
            path.unlink(missing_ok=True)
            outcome.done = event.done
            scores = tuple(event.presence), tuple(event.predicted_iou)
            on_picture(PictureResult(files.pictures[event.slice], found, *scores, event.done, total))

    try:
        request = protocol.Propagate(
            id=number,
            prompt=frame_files.put(SharedSeed(seed.frames, 0)),
            file=masks.name,
            first=0,
            last=total - 1,
            direction="forward",
            alone=order == "alone",
        )
        reply = client.wait(client.send(request, on_event), protocol.Propagated, should_cancel)
    finally:
        frame_files.remove()
    outcome.cancelled, outcome.device = reply.cancelled, reply.device
