"""What the worker says: replies to requests, and events on the way to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.worker.messages.message import Answer


class Welcome(Answer):
    """Reply to Hello. folder: the session folder; versions: of Python and packages; devices: best first."""

    type: Literal["welcome"] = "welcome"
    protocol: int
    folder: str
    versions: dict[str, str]
    devices: list[str]
    memory_bytes: dict[str, int]


class ModelLoaded(Answer):
    """Reply to LoadModel."""

    type: Literal["model_loaded"] = "model_loaded"
    name: str
    device: str
    device_name: str
    precision: str
    image_size: int
    parameters: int


class Done(Answer):
    """Reply to requests that have nothing to say but that they are done."""

    type: Literal["done"] = "done"


class Predicted(Answer):
    """Reply to Predict; one value an object. crops: by object, what was seen of the slice."""

    type: Literal["predicted"] = "predicted"
    presence: list[float]
    predicted_iou: list[float]
    crops: dict[str, Crop] = Field(default_factory=dict)


class Propagated(Answer):
    """Reply to Propagate; also after a cancel, when the slices reported so far are what is done.

    crops: by object, what was seen of all slices; none of objects whose slices were seen each in its own way.
    """

    type: Literal["propagated"] = "propagated"
    cancelled: bool
    slices: int
    device: str
    crops: dict[str, Crop] = Field(default_factory=dict)


class SliceDone(Answer):
    """Event of Propagate: one slice is in the file; one value an object. objects: which, None for all.

    embed_seconds, prompt_seconds: what encoding the slice and answering its prompts took, where that was measured.
    """

    type: Literal["slice_done"] = "slice_done"
    slice: int
    done: int
    total: int
    presence: list[float]
    predicted_iou: list[float]
    objects: list[int] | None = None
    embed_seconds: float | None = None
    prompt_seconds: float | None = None


class Embedded(Answer):
    """Reply to Embed; after a cancel nothing is written."""

    type: Literal["embedded"] = "embedded"
    cancelled: bool


class FrameDone(Answer):
    """Event of Embed: one more frame is done."""

    type: Literal["frame_done"] = "frame_done"
    done: int
    total: int


class EverythingDone(Answer):
    """Reply to Everything, as engine.images.everything.EverythingFound has it; after a cancel it fails."""

    type: Literal["everything_done"] = "everything_done"
    predicted_iou: list[float]
    embed_seconds: float
    prompt_seconds: float


class PointsDone(Answer):
    """Event of Everything: so many points of the grid are done."""

    type: Literal["points_done"] = "points_done"
    done: int
    total: int


class Notice(Answer):
    """Event: something was done differently than asked, in a sentence for the user."""

    type: Literal["notice"] = "notice"
    text: str


class Failed(Answer):
    """The request failed. code: stable, of the core's or the protocol's errors; id None: it could not be read."""

    type: Literal["failed"] = "failed"
    code: str
    message: str
    detail: str = ""
