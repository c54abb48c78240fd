"""From the fields of an older seed.json to those of the current version, one version at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from PromptOnceLib.errors import SeedError

Fields = dict[str, Any]
Migration = Callable[[Fields], Fields]

CURRENT_VERSION: Literal[1] = 1

MIGRATIONS: Mapping[int, Migration] = {}
"""By the version that a migration starts from; each leads to the next version. There is no older one yet."""


def migrate(fields: Fields, migrations: Mapping[int, Migration] = MIGRATIONS, current: int = CURRENT_VERSION) -> Fields:
    """Fields of the current version from those of an older one; the argument is left as it is.

    Raises SeedError for a version that is newer, missing, or no longer supported.
    """
    version = fields.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise SeedError("The seed states no version: it is damaged, or not a seed.")
    if version > current:
        raise SeedError(
            f"The seed is of version {version}, this PromptOnce reads up to version {current}. Update PromptOnce."
        )
    for step in range(version, current):
        if step not in migrations:
            raise SeedError(f"The seed is of version {version}, which can no longer be read. Save it again.")
        try:
            fields = {**migrations[step](dict(fields)), "version": step + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SeedError(f"The seed of version {version} is damaged and cannot be read.", repr(error)) from error
    return fields
