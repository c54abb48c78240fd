"""Texts in the user's language."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:  # slicer-core has no translations

    def tr(text: str) -> str:
        """The text as it is."""
        return text


__all__ = ["tr"]
