"""Where the choices for this computer are kept: Slicer's settings, group PromptOnce."""

from __future__ import annotations

from dataclasses import fields

import qt
import slicer

from PromptOnceLib.gui.machine import Machine

_GROUP = "PromptOnce"


def load_machine() -> Machine:
    """The choices of earlier sessions, or the usual ones."""
    values = {field.name: slicer.util.settingsValue(_key(field.name), field.default, str) for field in fields(Machine)}
    return Machine(**values)


def save_machine(machine: Machine) -> None:
    """Keep the choices for the next session; the usual ones are not written."""
    settings = qt.QSettings()
    for field in fields(Machine):
        value = getattr(machine, field.name)
        if value == field.default:
            settings.remove(_key(field.name))
        else:
            settings.setValue(_key(field.name), value)


def _key(name: str) -> str:
    return f"{_GROUP}/{name}"
