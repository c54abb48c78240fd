"""PromptOnce: a whole volume segmented from one prompt with SAM 2. Not for clinical use.

For scripts this package offers what PromptOnceLib.api does; that is loaded when it is first asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_OF_API = frozenset(
    {
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
    }
)


def __getattr__(name: str) -> Any:
    if name in _OF_API:
        return getattr(import_module("PromptOnceLib.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_API])
