"""Package indexes that settings of this computer bring into an installation: each is named before anything is fetched.

Who can set such a setting can have another package installed under a known name, where nothing compares checksums.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONFIG_FILE")
_OF_PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")
_USER_AND_PASSWORD = re.compile(r"//[^/@\s]*@")


def named_sources(variables: Mapping[str, str], clean: Mapping[str, str]) -> tuple[str, ...]:
    """What indexes, folders of packages and settings files are used beside the usual ones, each with what names it.

    variables: of this process, which pip sees. clean: those that uv sees, before they are translated for it. Users and
    passwords in addresses are left out.
    """
    found = {name: clean[name] for name in (*_OF_UV, *_OF_PIP) if clean.get(name, "").strip()}
    found |= {name: variables[name] for name in _OF_PIP if variables.get(name, "").strip()}
    # Variables come first, because they go before settings files.
    named = [f"{_USER_AND_PASSWORD.sub('//', value.strip())} ({name})" for name, value in found.items()]
    return (*named, *(str(path) for path in _settings_files(clean) if path.is_file()))


def _settings_files(clean: Mapping[str, str]) -> list[Path]:
    """Where uv looks for settings of the user and of the computer."""
    if "UV_CONFIG_FILE" in clean or clean.get("UV_NO_CONFIG"):
        return []
    if sys.platform == "win32":
        folders = [clean.get("APPDATA"), clean.get("PROGRAMDATA")]
    else:
        home = clean.get("HOME")
        folders = [clean.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None), "/etc"]
    return [Path(folder) / "uv" / "uv.toml" for folder in folders if folder]
