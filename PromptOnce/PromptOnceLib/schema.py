"""The base of all records that cross a process or a file."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from PromptOnceLib.errors import InputError

Record = TypeVar("Record", bound=BaseModel)


class StrictModel(BaseModel):
    """A record that cannot be changed and takes no field it does not know.

    A misspelt field is an error, never a value that is silently lost. Messages about a wrong value do not repeat the
    value: it may name a patient. What has to read the records of newer versions says so by its own `model_config`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def from_script(kind: type[Record], **values: Any) -> Record:
    """A record of what a script gives. Raises InputError that names the first value that is wrong."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{first['loc'][0]} cannot be {str(first['input'])[:40]!r}: {first['msg']}.") from error
