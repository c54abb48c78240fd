"""The base of all records that cross a process or a file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A record that cannot be changed and takes no field it does not know.

    A misspelt field is an error, never a value that is silently lost. Messages about a wrong value do not repeat the
    value: it may name a patient. What has to read the records of newer versions says so by its own `model_config`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
