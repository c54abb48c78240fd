"""The network rewritten by torch.compile, where the user asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base

logger = logging.getLogger(__name__)

_PARTS = ("image_encoder", "memory_attention")  # together nine tenths of a slice's operations
_FAILED = "torch.compile failed here: the model runs as it is, which gives the same masks but takes longer."


def restore(network: SAM2Base) -> None:
    """The network as upstream wrote it."""
    for part in _PARTS:
        getattr(network, part).__dict__.pop("forward", None)


def compile_parts(network: SAM2Base, notify: Callable[[str], None]) -> None:
    """Have image encoder and memory attention compiled at their first use, and anew for inputs of another form.

    The number of remembered slices grows, which memory attention is compiled for once. Where compiling fails, the part
    runs as it was and notify is told once.
    """
    restore(network)
    told: list[str] = []

    def failed(part: str, error: Exception) -> None:
        logger.warning("torch.compile failed for %s: %s", part, error)
        if not told:
            notify(_FAILED)
        told.append(part)

    for part in _PARTS:
        module = getattr(network, part)
        try:
            quick = torch.compile(module.forward, dynamic=part == "memory_attention")
        except Exception as error:  # of the compiler, which raises whatever its parts raise
            failed(part, error)
            continue
        module.forward = _guarded(module, quick, partial(failed, part))


def _guarded(
    module: torch.nn.Module, quick: Callable[..., Any], failed: Callable[[Exception], None]
) -> Callable[..., Any]:
    """The compiled forward, which goes back to the module's own once compiling fails."""

    def forward(*arguments: Any, **named: Any) -> Any:
        try:
            return quick(*arguments, **named)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            # Had it been the input's fault, the module's own forward will say so.
            result = type(module).forward(module, *arguments, **named)
            module.__dict__.pop("forward", None)
            failed(error)
            return result

    return forward
