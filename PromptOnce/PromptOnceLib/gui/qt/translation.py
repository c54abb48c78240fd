"""Texts in the user's language."""

from __future__ import annotations

from collections.abc import Callable

try:
    from slicer.i18n import tr as _translated
except ImportError:  # slicer-core has no translations

    def _translated(text: str) -> str:
        """The text as it is."""
        return text


# Not a function around it: Slicer looks at who calls.
tr: Callable[[str], str] = _translated
