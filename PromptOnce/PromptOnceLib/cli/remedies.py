"""What helps against an error on the command line: errors themselves name no command and no option."""

from __future__ import annotations

from PromptOnceLib.errors import (
    CheckpointError,
    EngineMissingError,
    MissingPackageError,
    OutputExistsError,
    PromptOnceError,
    RunExistsError,
    SeveralVolumesError,
)

_REMEDIES = {
    CheckpointError.code: "`promptonce models download {error.model}` gets it.",
    EngineMissingError.code: "`promptonce engine install` installs it; --python names a Python.",
    MissingPackageError.code: "`pip install highdicom` gets it.",
    OutputExistsError.code: "--overwrite replaces it.",
    RunExistsError.code: "--resume resumes it.",
    SeveralVolumesError.code: "--volume chooses one; a manifest has a column volume.",
}
"""Sentences by the code of an error; {error} stands for it.

By code, since an error that comes from the worker keeps its code alone.
"""


def model_note(name: str) -> str:
    """What has to be said of results of this model, and the command that gets a better one; "" for most models."""
    from PromptOnceLib.models import checkpoints
    from PromptOnceLib.models.default_model import better_model, demonstration_note
    from PromptOnceLib.models.registry import load_registry

    models = load_registry().models
    note = demonstration_note(models, name)
    better = better_model(models, next((entry for entry in models if entry.name == name), None))
    if not note or better is None:
        return ""
    if checkpoints.status(better).complete:
        return f"{note} --model {better.name} takes the one on this computer."
    return f"{note} `promptonce models download {better.name}` gets it."


def with_remedy(error: PromptOnceError) -> str:
    """The error's sentence, and the command or option that helps where there is one."""
    remedy = _REMEDIES.get(error.code)
    return error.message if remedy is None else f"{error.message} {remedy.format(error=error)}"
