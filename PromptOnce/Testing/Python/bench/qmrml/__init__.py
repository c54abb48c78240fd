"""Stand-ins for Slicer's own widgets, on real MRML nodes."""

from __future__ import annotations

from types import ModuleType

from bench.pythonqt.stand_ins import REGISTERED
from bench.qmrml import (  # noqa: F401  registered by being imported
    markups_place,
    node_combo_box,
    number_widgets,
    plot_view,
    scene_widget,
    segment_selector,
    table_view,
)


def add_to(slicer: ModuleType) -> None:
    """Make the widgets available as slicer.qMRML... and slicer.qSlicer..."""
    vars(slicer).update(REGISTERED["slicer"])
