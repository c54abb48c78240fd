"""What a user chose for this computer, whatever the scene: model, device, Python of the engine, folders."""

from __future__ import annotations

from dataclasses import dataclass

from PromptOnceLib.core.environment_choice import Kind

FILE_MODEL = "file"
"""Stands for a checkpoint that the user brings."""

DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass
class Machine:
    """model: a name of the registry, or FILE_MODEL with checkpoint and config.

    device: one of DEVICES. kind: a value of environment_choice.Kind. python: of an existing environment. Folders: ""
    for the usual ones; seeds_folder is that of the seed library.
    """

    model: str = "nano"
    checkpoint: str = ""
    config: str = ""
    device: str = "auto"
    kind: str = Kind.PRIVATE.value
    python: str = ""
    engine_folder: str = ""
    models_folder: str = ""
    seeds_folder: str = ""
