"""Prompted slices kept by scanner in a library and brought to other volumes (Prompt Once, section 4.2).

Scripts reach the library as `po.seeds`: what `__all__` names is loaded from the module scripts when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PromptOnceLib.seeds.scripts import delete, export, get, import_from, list, rename, restore

__all__ = ["delete", "export", "get", "import_from", "list", "rename", "restore"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("PromptOnceLib.seeds.scripts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
