"""The request for the embedded model."""

from __future__ import annotations

from typing import Any

from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.worker import protocol


def load_nano(**chosen: Any) -> protocol.LoadModel:
    """Load the embedded model, with its own settings for memory, unless something else is chosen."""
    files = resolve_model("nano")
    usual = {"memory": files.memory, "device": "cpu"}
    return protocol.LoadModel(
        id=1, name=files.name, checkpoint=str(files.checkpoint), config=str(files.config), **{**usual, **chosen}
    )
