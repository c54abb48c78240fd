"""Telling others, without Qt: signals of Python objects crash under PythonQt when they are Qt's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

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
