"""Many cases from one prompt: planned, computed, kept so that a stopped run goes on, reported.

Scripts reach it as `po.batch`: what `__all__` names is loaded from the module scripts when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PromptOnceLib.batch.scripts import open_results, run

__all__ = ["open_results", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("PromptOnceLib.batch.scripts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
