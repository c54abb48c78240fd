"""What a user chose for this computer, whatever the scene; kept in Slicer's settings, group PromptOnce."""

from __future__ import annotations

from dataclasses import dataclass, fields

import qt
import slicer

from PromptOnceLib.environment.engine_python import Kind
from PromptOnceLib.models.default_model import AUTO

FILE_MODEL = "file"
"""Stands for a checkpoint that the user brings."""

DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass
class Preferences:
    """model: a name of the registry, AUTO while none was chosen, or FILE_MODEL with checkpoint and config.

    device: one of DEVICES. kind: a value of engine_python.Kind. python: of an existing environment. Folders: ""
    for the usual ones; seeds_folder is that of the seed library.
    """

    model: str = AUTO
    checkpoint: str = ""
    config: str = ""
    device: str = "auto"
    kind: str = Kind.PRIVATE.value
    python: str = ""
    engine_folder: str = ""
    models_folder: str = ""
    seeds_folder: str = ""


_GROUP = "PromptOnce"


def load_preferences() -> Preferences:
    """The choices of earlier sessions, or the usual ones."""
    values = {
        field.name: slicer.util.settingsValue(_key(field.name), field.default, str) for field in fields(Preferences)
    }
    return Preferences(**values)


def save_preferences(preferences: Preferences) -> None:
    """Keep the choices for the next session; the usual ones are not written."""
    settings = qt.QSettings()
    for field in fields(Preferences):
        value = getattr(preferences, field.name)
        if value == field.default:
            settings.remove(_key(field.name))
        else:
            settings.setValue(_key(field.name), value)


def _key(name: str) -> str:
    return f"{_GROUP}/{name}"
