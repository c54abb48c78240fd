"""Stand-ins for the widgets of CTK that panels of Slicer modules use."""

from __future__ import annotations

from types import ModuleType

from bench.ctk_widgets import buttons, collapsible, combo, numbers, paths  # noqa: F401  registered by being imported
from bench.pythonqt.stand_ins import REGISTERED


def ctk_module() -> ModuleType:
    module = ModuleType("ctk", "Stand-ins for the widgets of CTK.")
    vars(module).update(REGISTERED["ctk"])
    return module
