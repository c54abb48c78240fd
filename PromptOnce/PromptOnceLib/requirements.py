"""Which packages this process lacks; imports the standard library alone, as it is asked before the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

from PromptOnceLib.resources import resource

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:(>=|==)\s*([0-9][0-9A-Za-z.+-]*))?")
_VERSION = re.compile(r"^Version: *(\S+)", re.MULTILINE)


def missing_requirements() -> list[str]:
    """The lines of Resources/requirements.txt that this Python does not fulfil, as pip takes them.

    For Slicer: install these before the rest of PromptOnceLib is imported.
    """
    lines = resource("requirements.txt").read_text(encoding="utf-8").splitlines()
    return missing(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def missing(requirements: Iterable[str]) -> list[str]:
    """Those of the requirements, each "name", "name>=version" or "name==version", that are not fulfilled here."""
    return [requirement for requirement in requirements if not _fulfilled(requirement)]


def _fulfilled(requirement: str) -> bool:
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None:
        raise ValueError(f"not a requirement of the form name>=version: {requirement!r}")
    name, relation, wanted = match.groups()
    try:
        found = _version(name)
    except metadata.PackageNotFoundError:
        return False
    if relation is None:
        return True
    return _numbers(found) >= _numbers(wanted) if relation == ">=" else _numbers(found) == _numbers(wanted)


def _version(name: str) -> str:
    """As importlib.metadata.version, in a tenth of the time: it reads all of what a package says of itself."""
    found = metadata.distribution(name)
    line = _VERSION.search(found.read_text("METADATA") or "")
    return found.version if line is None else line[1]


def _numbers(version: str) -> list[int]:
    """The release numbers of a version without trailing zeros: 2.13.0+cpu gives 2, 13."""
    release = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in release[0].split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers
