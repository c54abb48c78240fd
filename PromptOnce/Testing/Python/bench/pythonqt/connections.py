"""`sender.connect("clicked(bool)", function)`, the way of PythonQt to connect signals.

PythonQt reports a signal that does not exist with a line on standard error and returns False, which is easily missed;
here it raises UnknownSignalError. Attribute style, `sender.clicked.connect(function)`, works in both and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import SIGNAL, QMetaObject, QObject

from bench.errors import UnknownSignalError
from bench.pythonqt.attributes import add_method

_plain_connect = QObject.connect
_plain_disconnect = QObject.disconnect


def install() -> None:
    add_method("connect", connect)
    add_method("disconnect", disconnect)


def connect(sender: QObject, signal: str, *receiver: Any) -> bool:
    """Connect the signal with this C++ signature to a callable, or to an object and the signature of its slot."""
    if signal[:1] == "2":  # PySide6 itself, from signal_instance.connect()
        return bool(_plain_connect(sender, signal, *receiver))
    function = _callable(*receiver)
    alias = _alias(sender, signal)
    if alias is not None:
        getattr(sender, alias).connect(function)
    else:
        _plain_connect(sender, SIGNAL(_signature(sender, signal)), function)
    return True


def disconnect(sender: QObject, signal: str, *receiver: Any) -> bool:
    """Take back `connect`; without a receiver, all that the signal is connected to. Whether there was anything."""
    if signal[:1] == "2":
        return bool(_plain_disconnect(sender, signal, *receiver))
    alias = _alias(sender, signal)
    name = alias if alias is not None else _signature(sender, signal).partition("(")[0]
    try:
        if alias is None and receiver:
            return bool(_plain_disconnect(sender, SIGNAL(_signature(sender, signal)), _callable(*receiver)))
        getattr(sender, name).disconnect(*map(_callable, receiver))
    except (RuntimeError, TypeError):  # what PySide6 says of a connection that does not exist
        return False
    return True


def _callable(receiver: Any, slot: str | None = None) -> Callable[..., Any]:
    function = receiver if slot is None else getattr(receiver, slot.partition("(")[0])
    if not callable(function):
        raise TypeError(f"{function!r} cannot be connected to a signal: it is not callable")
    return function  # type: ignore[no-any-return]


def _alias(sender: QObject, signal: str) -> str | None:
    """Name of the attribute that stands for a C++ signal in the class of a stand-in."""
    aliases: dict[str, str] = getattr(type(sender), "cpp_signals", {})
    return aliases.get(signal.replace(" ", ""))


def _signature(sender: QObject, signal: str) -> str:
    """The signature as Qt writes it.

    Raises:
        UnknownSignalError: there is no such signal; the message names those there are.
    """
    normalized = bytes(QMetaObject.normalizedSignature(signal).data()).decode()
    meta = sender.metaObject()
    if meta.indexOfSignal(normalized) >= 0:
        return normalized
    signals = [meta.method(i) for i in range(meta.methodCount())]
    known = [bytes(m.methodSignature().data()).decode() for m in signals if m.methodType() == m.MethodType.Signal]
    known += list(getattr(type(sender), "cpp_signals", {}))
    raise UnknownSignalError(f"{meta.className()} has no signal {signal}; it has {', '.join(sorted(known))}")
