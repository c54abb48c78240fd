"""The base of all messages of the worker and its client."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from PromptOnceLib.schema import StrictModel

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}\.npy$")]
"""A file of the session folder."""


class Message(StrictModel):
    """Base of all messages; unknown fields are an error, so that a typing mistake does not pass in silence."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # a model that computes no number gives NaN


class Request(Message):
    """Base of what the client sends."""

    id: int = Field(ge=0)


class Answer(Message):
    """Base of what the worker sends; id of the request it belongs to."""

    id: int | None
