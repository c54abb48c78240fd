"""What the worker and its client say to each other: one JSON object a line, checked on both sides.

The client sends requests, each with an id of its own. The worker answers a request with any number of events (a slice
that is done, a notice) and then exactly one reply or one error with the same id. Arrays lie as .npy files in the
session folder, which only this user may read.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from PromptOnceLib.errors import BadMessageError
from PromptOnceLib.worker.messages.finetuning import EpochDone, FineTune, FineTuned, TrainingProgress
from PromptOnceLib.worker.messages.from_client import (
    Cancel,
    Embed,
    Everything,
    Hello,
    LoadModel,
    Predict,
    Prefetch,
    Propagate,
    Quit,
    SeedFrame,
    SetPictures,
    SetStack,
    SharedPrompt,
)
from PromptOnceLib.worker.messages.from_worker import (
    Done,
    Embedded,
    EverythingDone,
    Failed,
    FrameDone,
    ModelLoaded,
    Notice,
    PointsDone,
    Predicted,
    Propagated,
    SliceDone,
    Welcome,
)
from PromptOnceLib.worker.messages.message import Answer, FileName, Message, Request

__all__ = [
    "MAX_MESSAGE_BYTES",
    "PROTOCOL_VERSION",
    "Answer",
    "AnyAnswer",
    "AnyRequest",
    "Cancel",
    "Done",
    "Embed",
    "Embedded",
    "Event",
    "Everything",
    "EverythingDone",
    "Failed",
    "FileName",
    "FrameDone",
    "Hello",
    "LoadModel",
    "Message",
    "ModelLoaded",
    "Notice",
    "PointsDone",
    "Predict",
    "Predicted",
    "Prefetch",
    "Propagate",
    "Propagated",
    "Quit",
    "Request",
    "SeedFrame",
    "SetPictures",
    "SetStack",
    "SharedPrompt",
    "SliceDone",
    "Welcome",
    "decode_answer",
    "decode_request",
    "encode",
]

PROTOCOL_VERSION = 5
MAX_MESSAGE_BYTES = 8 * 2**20  # a mask prompt of a large X-ray stays far below

M = TypeVar("M")

OfOneSlice = Prefetch | Predict | Everything
AnyRequest = Hello | LoadModel | SetStack | SetPictures | OfOneSlice | Propagate | Embed | FineTune | Cancel | Quit
Event = SliceDone | FrameDone | PointsDone | TrainingProgress | EpochDone | Notice
Reply = Welcome | ModelLoaded | Done | Predicted | Propagated | Embedded | EverythingDone | FineTuned
AnyAnswer = Reply | Event | Failed
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
