"""Telling others without Qt, and hearing what VTK objects tell.

Signals of Python objects crash under PythonQt when they are Qt's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec

from slicer.util import VTKObservationMixin

P = ParamSpec("P")


class Signal(Generic[P]):
    """Calls everybody who is connected, in the order in which they connected."""

    def __init__(self) -> None:
        self._receivers: list[Callable[P, object]] = []

    def connect(self, receiver: Callable[P, object]) -> None:
        """Have a function called from now on."""
        self._receivers.append(receiver)

    def disconnect(self, receiver: Callable[P, object]) -> None:
        """Stop calling a function; one that is not connected does not matter."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call all receivers."""
        for receiver in list(self._receivers):
            receiver(*args, **kwargs)


class Observer(VTKObservationMixin):  # type: ignore[misc]  # Slicer has no types
    """Slicer's mixin, observing nothing twice. All observers go with `removeObservers`."""

    def observe(self, subject: Any, event: Any, method: Callable[..., object]) -> None:
        """Call a method of this object with every such event from now on."""
        if not self.hasObserver(subject, event, method):
            self.addObserver(subject, event, method)
