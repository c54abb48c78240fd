"""What the worker does for each kind of request. Runs in the worker process only."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Container
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from PromptOnceLib import __version__
from PromptOnceLib.engine.devices import EXACT, Placement, available_devices, describe, is_out_of_memory, place
from PromptOnceLib.engine.images.everything import everything
from PromptOnceLib.engine.images.image_model import ImageModel
from PromptOnceLib.engine.images.loading import Loaded, load, move
from PromptOnceLib.engine.images.sam2_images import Sam2Images
from PromptOnceLib.engine.propagation import Frames, Propagation, SliceOutput
from PromptOnceLib.engine.stores.feature_store import FeatureStore, feature_limit
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.errors import CancelledError, ModelError, OutOfMemoryError, WorkerError, WrongOrderError
from PromptOnceLib.models.model_entry import SINGLE_SLICES_ONLY
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.processes.memory_limit import total_memory
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.answers.train_decoder import train_decoder
from PromptOnceLib.worker.arrays import PictureMasks, Pictures, StackMasks, load_frames, save_array
from PromptOnceLib.worker.messages.finetuning import FineTune
from PromptOnceLib.worker.propagation_plans import plan_each_slice, plan_propagation

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Handlers:
    """The state of a session: model, stack, and what is cached of both.

    folder: where arrays are exchanged. send: takes events. cancelled: ids of requests that should stop.
    """

    def __init__(self, folder: Path, send: Callable[[protocol.Message], None], cancelled: Container[int]) -> None:
        self._folder, self._send, self._cancelled = folder, send, cancelled
        self._model: Loaded | None = None
        self._loaded: tuple[object, ...] = ()
        self._placed: Placement | None = None
        self._views: Views | None = None
        self._frames: Frames | None = None
        self._request = 0

    def answer(self, request: protocol.AnyRequest) -> protocol.Answer:
        """Do what is asked; events are sent on the way."""
        self._request = request.id
        try:
            return self._answer(request)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                "There is not enough memory for that: close other programs or choose a smaller model.", str(error)
            ) from error

    def _answer(self, request: protocol.AnyRequest) -> protocol.Answer:
        if isinstance(request, protocol.Hello):
            return self._hello(request)
        if isinstance(request, protocol.LoadModel):
            return self._load_model(request)
        if isinstance(request, protocol.SetStack):
            return self._use(request, load_frames(self._folder / request.file, 3))
        if isinstance(request, protocol.SetPictures):
            return self._use(request, Pictures([self._folder / file for file in request.files]))
        if isinstance(request, protocol.Prefetch):
            self._ready().whole.prefetch(self._existing_slice(request.slice))
            return protocol.Done(id=request.id)
        if isinstance(request, protocol.Predict):
            return self._predict(request)
        if isinstance(request, protocol.Propagate):
            return self._propagate(request)
        if isinstance(request, protocol.Embed):
            return self._embed(request)
        if isinstance(request, protocol.Everything):
            return self._everything(request)
        if isinstance(request, FineTune):
            self._forget_stack()
            return train_decoder(request, self._model, self._folder, self._send, self._cancelled)
        raise WrongOrderError(f"A request of the kind {request.type} is not answered here.")

    def _hello(self, request: protocol.Hello) -> protocol.Welcome:
        if request.threads is not None:
            torch.set_num_threads(request.threads)
        versions = {"promptonce": __version__, "python": platform.python_version()}
        versions |= {package: metadata.version(package) for package in ("numpy", "torch", "sam2")}
        cards, host = range(torch.cuda.device_count()), total_memory()
        memory = {f"cuda:{i}": torch.cuda.get_device_properties(i).total_memory for i in cards}
        return protocol.Welcome(
            id=request.id,
            protocol=protocol.PROTOCOL_VERSION,
            folder=str(self._folder),
            versions=versions,
            devices=available_devices(),
            memory_bytes=memory if host is None else {**memory, "cpu": host},
        )

    def _load_model(self, request: protocol.LoadModel) -> protocol.ModelLoaded:
        placement, checkpoint = place(request.device, request.precision, request.compiled), Path(request.checkpoint)
        memory = None if request.precision == EXACT else request.memory
        wanted = (request.config, request.image_size, memory, _fingerprint(checkpoint))
        if self._model is None or self._loaded != wanted:
            # The old model goes first: two large ones may not fit beside each other.
            self._forget_stack()
            self._model, self._loaded = None, ()
            files = ModelFiles(request.name, checkpoint, request.config, request.sha256, request.image_size)
            self._model = load(files, placement, memory, self._notice)
            self._loaded = wanted
            logger.info("model %s on %s in %s", request.name, describe(placement.device), placement.precision)
        elif self._placed != placement:
            self._forget_stack()
            self._placed = None  # where the move fails, the next request has to move it in any case
            move(self._model, placement, self._notice)
        self._placed = placement
        model, placement = self._model.model, self._model.placement
        return protocol.ModelLoaded(
            id=request.id,
            name=request.name,
            device=str(placement.device),
            device_name=describe(placement.device),
            precision=placement.precision,
            image_size=model.image_size,
            parameters=model.parameters,
        )

    def _use(self, request: protocol.Request, frames: Frames) -> protocol.Done:
        self._forget_stack()
        self._frames = frames
        return protocol.Done(id=request.id)

    def _predict(self, request: protocol.Predict) -> protocol.Predicted:
        views, prompt = self._ready(), request.prompt
        prompt.validate_for(self._shape(prompt.slice), request.correcting)
        crops = views.crops({item.name: [item] for item in prompt.objects}, request.sight)
        output = views.predict(prompt.objects, crops, prompt.slice, request.fill_hole_area, request.correcting)
        self._with_room(lambda: save_array(self._folder / request.file, output.masks))
        return protocol.Predicted(
            id=request.id, presence=list(output.presence), predicted_iou=list(output.predicted_iou), crops=crops
        )

    def _propagate(self, request: protocol.Propagate) -> protocol.Propagated:
        frames = self._chosen_frames()
        self._existing_slice(request.last)
        if request.alone and isinstance(request.prompt, PromptSet):
            plan = plan_each_slice(request, request.prompt, self._images(), frames, self._shape)
        else:
            plan = plan_propagation(request, self._ready(), self._folder, self._shape)
        file = self._folder / request.file
        masks: StackMasks | PictureMasks
        if isinstance(frames, np.ndarray):
            shape = (plan.objects, *frames.shape)
            masks = self._with_room(lambda: StackMasks(file, shape))
        else:
            masks = PictureMasks(file)
        done, cancelled = 0, request.id in self._cancelled
        for objects, output in plan.outputs if not cancelled else ():
            masks.put(output.slice, output.masks, objects)
            done += 1
            self._send(_slice_done(request.id, output, done, plan.steps, objects))
            if cancelled := request.id in self._cancelled and done < plan.steps:
                break
        device = str(self._images().placement.device)
        return protocol.Propagated(
            id=request.id, cancelled=cancelled, slices=done, device=device, crops=dict(plan.crops)
        )

    def _embed(self, request: protocol.Embed) -> protocol.Embedded:
        propagation = self._ready().whole if request.slices else Propagation(self._tracker(), (), self._notice)
        for index in request.slices:
            self._existing_slice(index)
        total, found = len(request.slices) + len(request.frames), []
        frames = chain(
            (propagation.frames[index] for index in request.slices),
            (load_frames(self._folder / file, 2) for file in request.frames),
        )
        for frame in frames:
            if request.id in self._cancelled:
                return protocol.Embedded(id=request.id, cancelled=True)
            found.append(propagation.embed(frame))
            self._send(protocol.FrameDone(id=request.id, done=len(found), total=total))
        if not found:
            raise WrongOrderError("There is no frame to embed.")
        save_array(self._folder / request.file, np.stack(found))
        return protocol.Embedded(id=request.id, cancelled=False)

    def _everything(self, request: protocol.Everything) -> protocol.EverythingDone:
        def on_points(done: int, total: int) -> None:
            self._send(protocol.PointsDone(id=request.id, done=done, total=total))
            if request.id in self._cancelled:
                raise CancelledError("Cancelled: not everything was looked for.")

        model, frames = self._images(), self._chosen_frames()
        frame = frames[self._existing_slice(request.slice)]
        found = everything(model, frame, request.points_per_side, on_points)
        save_array(self._folder / request.file, found.masks)
        return protocol.EverythingDone(
            id=request.id,
            predicted_iou=found.predicted_iou.tolist(),
            embed_seconds=found.embed_seconds,
            prompt_seconds=found.prompt_seconds,
        )

    def _ready(self) -> Views:
        tracker, frames = self._tracker(), self._chosen_frames()
        if self._views is None:
            store = memory = None
            if isinstance(frames, np.ndarray):  # a set of pictures is gone through once, and never corrected
                store = FeatureStore(self._folder, feature_limit(), lossless=not tracker.placement.rearranged)
                memory = RunMemory(self._folder)
            self._views = Views(Propagation(tracker, frames, self._notice, store, memory))
        return self._views

    def _with_room(self, write: Callable[[], T]) -> T:
        """Write; where the disk is full, once more without the image features that are kept there."""
        try:
            return write()
        except WorkerError:
            if self._views is None or self._views.whole.store is None:
                raise
            self._views.whole.store.clear()
            return write()

    def _any_model(self) -> Loaded:
        if self._model is None:
            raise WrongOrderError("A model has to be loaded first.")
        return self._model

    def _tracker(self) -> Tracker:
        """The model, where it can propagate."""
        model = self._any_model()
        if not isinstance(model, Tracker):
            raise ModelError(SINGLE_SLICES_ONLY.format(name=model.model.name))
        return model

    def _chosen_frames(self) -> Frames:
        if self._frames is None:
            raise WrongOrderError("A volume has to be given first.")
        return self._frames

    def _images(self) -> ImageModel:
        """The model as it segments single images."""
        model = self._any_model()
        return Sam2Images(model.model, model.placement) if isinstance(model, Tracker) else model

    def _forget_stack(self) -> None:
        """Forget what was computed of the stack so far."""
        if self._views is not None:
            self._views.whole.clear()
            self._views = None

    def _existing_slice(self, index: int) -> int:
        assert self._frames is not None
        if index >= len(self._frames):
            raise WrongOrderError(f"There is no slice {index}: the volume has {len(self._frames)} slices.")
        return index

    def _shape(self, index: int = 0) -> tuple[int, int, int]:
        """Number of slices, rows and columns; of pictures rows and columns of the one with this index."""
        assert self._frames is not None
        rows, columns = self._frames[min(index, len(self._frames) - 1)].shape
        return len(self._frames), rows, columns

    def _notice(self, text: str) -> None:
        logger.warning("%s", text)
        self._send(protocol.Notice(id=self._request, text=text))


def _fingerprint(path: Path) -> tuple[str, int, int]:
    """Tells a checkpoint from another one that has taken its place."""
    status = path.stat() if path.is_file() else None
    return (str(path), 0, 0) if status is None else (str(path), status.st_size, status.st_mtime_ns)


def _slice_done(
    request: int, output: SliceOutput, done: int, total: int, objects: list[int] | None
) -> protocol.SliceDone:
    return protocol.SliceDone(
        id=request,
        slice=output.slice,
        done=done,
        total=total,
        presence=list(output.presence),
        predicted_iou=list(output.predicted_iou),
        objects=objects,
        embed_seconds=output.embed_seconds,
        prompt_seconds=output.prompt_seconds,
    )
