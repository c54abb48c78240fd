"""Observers of VTK objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.util import VTKObservationMixin


class Observer(VTKObservationMixin):  # type: ignore[misc]  # Slicer has no types
    """Slicer's mixin, observing nothing twice. All observers go with `removeObservers`."""

    def observe(self, subject: Any, event: Any, method: Callable[..., object]) -> None:
        """Call a method of this object with every such event from now on."""
        if not self.hasObserver(subject, event, method):
            self.addObserver(subject, event, method)
