"""How Python classes stand in for C++ widgets that PySide6 does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import Property

Class = TypeVar("Class", bound=type)

REGISTERED: dict[str, dict[str, type]] = {"ctk": {}, "slicer": {}}
_CLASSES: set[type] = set()


def stand_in(module: str) -> Callable[[Class], Class]:
    """Class decorator: the class is C++ to the code under test, and importable from `module` (ctk or slicer).

    Such a class may name the C++ signatures of its signals in `cpp_signals`, for example
    {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}; signals declared with Qt's own types need no entry.
    """

    def register(cls: Class) -> Class:
        REGISTERED[module][cls.__name__] = cls
        _CLASSES.add(cls)
        return cls

    return register


def is_stand_in(cls: type) -> bool:
    return cls in _CLASSES


def stored_property(kind: Any, name: str, default: Any) -> Any:
    """A Qt property that is kept in the object; `_on_<name>(value)` is called after a change, where there is one."""
    key = f"_{name}_value"

    def read(self: Any) -> Any:
        return self.__dict__.get(key, default)

    def write(self: Any, value: Any) -> None:
        if value == read(self):
            return
        self.__dict__[key] = value
        changed = getattr(self, f"_on_{name}", None)
        if changed is not None:
            changed(value)

    return Property(kind, read, write)


def forwarded_property(kind: Any, child: str, name: str) -> Any:
    """A Qt property that is the property `name` of the widget in the attribute `child`."""

    def read(self: Any) -> Any:
        return getattr(self, child).property(name)

    def write(self: Any, value: Any) -> None:
        getattr(self, child).setProperty(name, value)

    return Property(kind, read, write)
