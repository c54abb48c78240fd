"""Telling others, without Qt: signals of Python objects crash under PythonQt when they are Qt's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Event:
    """Calls everybody who is connected, in the order in which they connected."""

    def __init__(self) -> None:
        self._receivers: list[Callable[..., object]] = []

    def connect(self, receiver: Callable[..., object]) -> None:
        """Have a function called from now on."""
        self._receivers.append(receiver)

    def disconnect(self, receiver: Callable[..., object]) -> None:
        """Stop calling a function; one that is not connected does not matter."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def __call__(self, *arguments: Any) -> None:
        """Call all receivers."""
        for receiver in list(self._receivers):
            receiver(*arguments)
