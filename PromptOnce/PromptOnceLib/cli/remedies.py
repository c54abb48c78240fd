"""What helps against an error on the command line: errors themselves name no command and no option."""

from __future__ import annotations

from PromptOnceLib.errors import CheckpointError, PromptOnceError, RunExistsError

_REMEDIES = {
    CheckpointError.code: "`promptonce models download {error.model}` gets it.",
    RunExistsError.code: "--resume resumes it.",
}
"""By the code of an error."""


def with_remedy(error: PromptOnceError) -> str:
    """The error's sentence, and the command or option that helps where there is one."""
    remedy = _REMEDIES.get(error.code)
    return error.message if remedy is None else f"{error.message} {remedy.format(error=error)}"
