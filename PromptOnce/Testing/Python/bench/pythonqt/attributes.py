"""Attribute access as PythonQt has it: properties are attributes, and C++ objects take no new ones.

PySide6 offers `button.text()` and `button.setText("x")`. PythonQt offers `button.text`, `button.text = "x"` and
`button.setText("x")`; `button.text()` is then a call of a str and raises TypeError, and so it does here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, QObject, SignalInstance

from bench.pythonqt.stand_ins import is_stand_in

# These cannot bear a changed attribute access (QFile.exists, both static and not, crashes); they have no properties.
_LEFT_ALONE = (QtCore.QFile, QtCore.QLibrary)

_plain_set = shiboken6.Object.__setattr__
_being_read: set[tuple[int, str]] = set()
_methods: dict[str, Callable[..., Any]] = {}
_dropping: list[bool] = []


def add_method(name: str, function: Callable[..., Any]) -> None:
    """Give every QObject the method `name`, in place of the one of PySide6 if it has one."""
    _methods[name] = function


def install() -> None:
    """Change attribute access for all QObjects of this process."""
    for name, function in (("className", _class_name), ("delete", shiboken6.delete), ("findChildren", _find_children)):
        add_method(name, function)
    add_method("findChild", lambda self, *arguments: next(iter(_find_children(self, *arguments)), None))
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            cls = getattr(module, name)
            if isinstance(cls, type) and issubclass(cls, QObject):
                cls.__setattr__ = _set
                if "__getattribute__" in cls.__dict__ and cls not in _LEFT_ALONE:
                    cls.__getattribute__ = _getter(cls.__getattribute__)


@contextmanager
def dropping_new_attributes() -> Iterator[None]:
    """Ignore new attributes instead of raising: PySide6 gives each loaded .ui its children as attributes."""
    _dropping.append(True)
    try:
        yield
    finally:
        _dropping.pop()


def is_native(cls: type) -> bool:
    return cls.__module__.startswith("PySide6.")


@cache
def property_names(cls: type) -> dict[str, bool]:
    """The Qt properties that C++ gave objects of this class, each with whether it can be set."""
    own: set[str] = set()
    for base in cls.__mro__:
        if is_native(base):
            properties = (base.staticMetaObject.property(i) for i in range(base.staticMetaObject.propertyCount()))
            return {p.name(): p.isWritable() for p in properties if p.name() not in own}
        own |= set(base.__dict__)
    raise TypeError(f"{cls.__name__} is no Qt class")


def _getter(plain_get: Callable[[QObject, str], Any]) -> Callable[[QObject, str], Any]:
    def get(self: QObject, name: str) -> Any:
        if name.startswith("_"):
            return plain_get(self, name)
        if name in _methods:
            return lambda *arguments: _methods[name](self, *arguments)
        name, is_property = _property_of(type(self), name)
        # Shiboken looks for overrides of virtual getters (sizeHint, ...) through attribute access, thus in the middle
        # of reading the property: it then gets the method it expects.
        key = (id(self), name)
        if not is_property or key in _being_read:
            return plain_get(self, name)
        _being_read.add(key)
        try:
            return QObject.property(self, name)
        finally:
            _being_read.discard(key)

    return get


@cache
def _property_of(cls: type, name: str) -> tuple[str, bool]:
    """What an attribute is called in Qt, and whether that is a property that C++ gave it."""
    if name == "name" and not hasattr(cls, "name"):
        name = "objectName"  # PythonQt knows objectName as name, too
    return name, name in property_names(cls)


@cache
def _is_python_property(cls: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(cls, name, None), Property)


def _set(self: QObject, name: str, value: Any) -> None:
    cls = type(self)
    name, is_property = _property_of(cls, name)
    if is_property:
        if not property_names(cls)[name]:
            raise AttributeError(f"Property '{name}' of type '{cls.__name__}' is not writable")
        if not QObject.setProperty(self, name, value):
            raise TypeError(f"Property '{name}' of type '{cls.__name__}' does not accept {value!r}")
    elif _is_python_property(cls, name):
        QObject.setProperty(self, name, value)
    elif _may_have(cls, name) or isinstance(value, SignalInstance):  # PySide6 keeps signals in the objects
        _plain_set(self, name, value)
    elif not _dropping:
        raise AttributeError(f"'{name}' does not exist on {cls.__name__}: C++ objects take no new attributes")


def _may_have(cls: type, name: str) -> bool:
    """Whether Python may give the objects of this class an attribute of this name."""
    return not is_native(cls) and (not is_stand_in(cls) or name.startswith("_"))


def _class_name(self: QObject) -> str:
    return str(self.metaObject().className())


def _find_children(self: QObject, kind: type | str = QObject, name: str = "") -> list[QObject]:
    """As in PythonQt, the kind of children may be a class or the name of one."""
    cls = kind if isinstance(kind, type) else QObject
    found = QObject.findChildren(self, cls, name) if name else QObject.findChildren(self, cls)
    return [child for child in found if isinstance(kind, type) or child.inherits(kind)]
