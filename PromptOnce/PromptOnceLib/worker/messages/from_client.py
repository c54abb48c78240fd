"""What the client asks the worker for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from PromptOnceLib.models.model_entry import MemorySettings
from PromptOnceLib.prompts.each_slice import Proposals
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.messages.message import FileName, Message, Request


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
    every slice is segmented by itself, with nothing remembered of the others; of a set of prompts every prompted slice
    is, as an image, and `proposals` says which of its masks come (all: each object has as many places).
    stop_when_absent: leave out the rest of a pass where the objects have ended; a notice names the slices. A set of
    prompts fixes several slices: only what lies next to the `changed` ones is computed, everything where that is None.
    between: how the slices between them come about. sight: how much of the slices is seen.
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
    proposals: Proposals = "single"
    stop_when_absent: bool = False
    between: Between = "track"
    sight: Sight = Sight()


class Embed(Request):
    """Embeddings of slices of the stack, then of frames in files, written to `file`, float32 (n, C)."""

    type: Literal["embed"] = "embed"
    slices: tuple[Annotated[int, Field(ge=0)], ...] = ()
    frames: tuple[FileName, ...] = ()
    file: FileName


class Everything(Request):
    """Masks of all that is found on a slice, written to `file`, uint8 (n, rows, columns).

    points_per_side: of the grid of points that is asked for, in each direction.
    """

    type: Literal["everything"] = "everything"
    slice: int = Field(ge=0)
    points_per_side: int = Field(default=32, ge=1, le=256)
    file: FileName


class Cancel(Request):
    """Stop the request with the id `target` at the next slice, or before it has begun; it ends with its own reply."""

    type: Literal["cancel"] = "cancel"
    target: int


class Quit(Request):
    """End the worker."""

    type: Literal["quit"] = "quit"
