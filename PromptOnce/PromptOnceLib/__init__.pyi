"""The types of what __init__.py loads when it is asked for."""

from PromptOnceLib import batch, seeds
from PromptOnceLib.api.corrections import correct, review
from PromptOnceLib.api.finetune import finetune
from PromptOnceLib.api.images import phantom, read, volume
from PromptOnceLib.api.match_seeds import match_seeds
from PromptOnceLib.api.negative_points import search_negative_points
from PromptOnceLib.api.result import Segmentation
from PromptOnceLib.api.segment import segment
from PromptOnceLib.api.session import Session
from PromptOnceLib.api.study import study
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.segmentation.segment import Labels

__version__: str

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
