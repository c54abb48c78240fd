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


def with_remedy(error: PromptOnceError) -> str:
    """The error's sentence, and the command or option that helps where there is one."""
    remedy = _REMEDIES.get(error.code)
    return error.message if remedy is None else f"{error.message} {remedy.format(error=error)}"
