"""PromptOnce: a whole volume segmented from one prompt with SAM 2. Not for clinical use.

    import PromptOnceLib as po

    result = po.segment("chest.nii.gz", box=(40, 60, 300, 280), points=[(110, 170), (240, 165)], window="lung")
    result.save("lungs.seg.nrrd")

The names of `__all__` are loaded when they are asked for first: importing this package loads nothing. Their
types are in __init__.pyi.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Labels",
    "ObjectPrompt",
    "Point",
    "Prompt",
    "PromptOnceError",
    "Segmentation",
    "Session",
    "Volume",
    "batch",
    "correct",
    "finetune",
    "match_seeds",
    "phantom",
    "read",
    "review",
    "search_negative_points",
    "seeds",
    "segment",
    "study",
    "volume",
]

_PLACES = {
    **dict.fromkeys(("Box", "ObjectPrompt", "Point", "Prompt"), "prompts.prompt"),
    **dict.fromkeys(("phantom", "read", "volume"), "api.images"),
    **dict.fromkeys(("correct", "review"), "api.corrections"),
    "finetune": "api.finetune",
    "Labels": "segmentation.segment",
    "PromptOnceError": "errors",
    "Segmentation": "api.result",
    "Session": "api.session",
    "Volume": "imaging.volume",
    "match_seeds": "api.match_seeds",
    "search_negative_points": "api.negative_points",
    "segment": "api.segment",
    "study": "api.study",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"PromptOnceLib.{_PLACES[name]}"), name)
    if name in __all__:
        return import_module(f"PromptOnceLib.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
