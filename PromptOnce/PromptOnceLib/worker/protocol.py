"""What the worker and its client say to each other: one JSON object a line, checked on both sides.

The client sends requests, each with an id of its own. The worker answers a request with any number of events (a slice
that is done, a notice) and then exactly one reply or one error with the same id. Arrays lie as .npy files in the
session folder, which only this user may read.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from PromptOnceLib.errors import BadMessageError
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.models.model_entry import MemorySettings
from PromptOnceLib.prompts.interpolation import Between
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.worker.messages.base import Answer as Answer
from PromptOnceLib.worker.messages.base import FileName
from PromptOnceLib.worker.messages.base import Message as Message
from PromptOnceLib.worker.messages.base import Request as Request
from PromptOnceLib.worker.messages.finetuning import EpochDone, FineTune, FineTuned, TrainingProgress

PROTOCOL_VERSION = 4
MAX_MESSAGE_BYTES = 8 * 2**20  # a mask prompt of a large X-ray stays far below

M = TypeVar("M")


class Hello(Request):
    """First message: which protocol the client speaks, and how many threads the worker may use (None: all cores)."""

    type: Literal["hello"] = "hello"
    protocol: int
    threads: int | None = Field(default=None, ge=1)


class LoadModel(Request):
    """Load a model; one that is loaded already is kept. compiled: have torch.compile rewrite it, which takes minutes.
    image_size, memory: as ModelFiles has them; with float32 memory is as upstream has it.
    """

    type: Literal["load_model"] = "load_model"
    name: str
    checkpoint: str
    config: str
    sha256: str | None = None
    image_size: int | None = Field(default=None, gt=0)
    memory: MemorySettings | None = None
    device: str = "auto"
    precision: str = "auto"
    compiled: bool = False


class SetStack(Request):
    """Use the frames of this file, uint8 (slices, rows, columns), from now on."""

    type: Literal["set_stack"] = "set_stack"
    file: FileName


class SetPictures(Request):
    """Use these pictures from now on, each uint8 (rows, columns) of its own size, as if they were slices."""

    type: Literal["set_pictures"] = "set_pictures"
    files: tuple[FileName, ...] = Field(min_length=1)


class Prefetch(Request):
    """Encode a slice ahead of the first prompt on it."""

    type: Literal["prefetch"] = "prefetch"
    slice: int = Field(ge=0)


class Predict(Request):
    """Masks of the prompted slice alone, written to `file`, uint8 (objects, rows, columns).

    correcting: points correct the mask that comes with them, with what the last propagation remembers of the slice.
    sight: how much of the slice is seen.
    """

    type: Literal["predict"] = "predict"
    prompt: Prompt
    file: FileName
    fill_hole_area: int = Field(default=0, ge=0)
    correcting: bool = False
    sight: Sight = Sight()


class SeedFrame(Message):
    """A frame of another image, uint8 (rows, columns) in `file`; objects, scale: as ConditioningFrame has them."""

    file: FileName
    objects: tuple[ObjectPrompt, ...]
    scale: tuple[float, float] = (1.0, 1.0)


class SharedPrompt(Message):
    """What takes a prompt's place: frames before both passes, which begin at `slice` (Prompt Once, section 4.2)."""

    frames: tuple[SeedFrame, ...] = Field(min_length=1)
    slice: int = Field(ge=0)

    @property
    def objects(self) -> tuple[ObjectPrompt, ...]:
        """The objects with their names; where they lie is a matter of each frame."""
        return self.frames[0].objects


class Propagate(Request):
    """Masks of the slices first..last (both included), written slice by slice to `file`.

    file: made by the worker, uint8 (objects, slices, rows, columns); a slice counts once its SliceDone has come. For
    pictures a file each, uint8 (objects, rows, columns), see arrays.picture_masks_path. alone: after a shared prompt
    every slice is segmented by itself, with nothing remembered of the others. stop_when_absent: leave out the rest of a
    pass where the objects have ended; a notice names the slices. A set of prompts fixes several slices: only what lies
    next to the `changed` ones is computed, everything where that is None. between: how the slices between them come
    about. sight: how much of the slices is seen.
    """

    type: Literal["propagate"] = "propagate"
    prompt: Prompt | PromptSet | SharedPrompt
    changed: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    file: FileName
    first: int = Field(ge=0)
    last: int = Field(ge=0)
    direction: Literal["both", "forward", "backward"] = "both"
    fill_hole_area: int = Field(default=0, ge=0)
    alone: bool = False
    stop_when_absent: bool = False
    between: Between = "track"
    sight: Sight = Sight()


class Embed(Request):
    """Embeddings of slices of the stack, then of frames in files, written to `file`, float32 (n, C)."""

    type: Literal["embed"] = "embed"
    slices: tuple[Annotated[int, Field(ge=0)], ...] = ()
    frames: tuple[FileName, ...] = ()
    file: FileName


class Cancel(Request):
    """Stop the request with the id `target` at the next slice, or before it has begun; it ends with its own reply."""

    type: Literal["cancel"] = "cancel"
    target: int


class Quit(Request):
    """End the worker."""

    type: Literal["quit"] = "quit"


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
    """Event of Propagate: one slice is in the file; one value an object. objects: which, None for all."""

    type: Literal["slice_done"] = "slice_done"
    slice: int
    done: int
    total: int
    presence: list[float]
    predicted_iou: list[float]
    objects: list[int] | None = None


class Embedded(Answer):
    """Reply to Embed; after a cancel nothing is written."""

    type: Literal["embedded"] = "embedded"
    cancelled: bool


class FrameDone(Answer):
    """Event of Embed: one more frame is done."""

    type: Literal["frame_done"] = "frame_done"
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


AnyRequest = (
    Hello | LoadModel | SetStack | SetPictures | Prefetch | Predict | Propagate | Embed | FineTune | Cancel | Quit
)
Event = SliceDone | FrameDone | TrainingProgress | EpochDone | Notice
AnyAnswer = Welcome | ModelLoaded | Done | Predicted | Propagated | Embedded | FineTuned | Event | Failed
_requests: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="type")])
_answers: TypeAdapter[AnyAnswer] = TypeAdapter(Annotated[AnyAnswer, Field(discriminator="type")])


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return message.model_dump_json().encode() + b"\n"


def decode_request(line: bytes) -> AnyRequest:
    """Raises BadMessageError for what is no request of this protocol."""
    return _decode(_requests, line)


def decode_answer(line: bytes) -> AnyAnswer:
    """Raises BadMessageError for what is no answer of this protocol."""
    return _decode(_answers, line)


def _decode(adapter: TypeAdapter[M], line: bytes) -> M:
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        # Never the values: they may come from anywhere.
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5]
        )
        raise BadMessageError("A message between the program and its worker was not understood.", problems) from error
