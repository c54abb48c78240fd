"""Numbers with the units of the scene; here without them."""

from __future__ import annotations

from typing import Any

from bench.ctk_widgets.numbers import ctkDoubleSpinBox, ctkRangeWidget, ctkSliderWidget
from bench.pythonqt.stand_ins import stand_in, stored_property


class _WithUnits:
    _scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene


@stand_in("slicer")
class qMRMLSliderWidget(_WithUnits, ctkSliderWidget):
    """A slider and a spin box for one number."""

    quantity = stored_property(str, "quantity", "")


@stand_in("slicer")
class qMRMLSpinBox(_WithUnits, ctkDoubleSpinBox):
    """A spin box for one number."""

    quantity = stored_property(str, "quantity", "")


@stand_in("slicer")
class qMRMLRangeWidget(_WithUnits, ctkRangeWidget):
    """Two spin boxes for the ends of a range."""

    quantity = stored_property(str, "quantity", "")
