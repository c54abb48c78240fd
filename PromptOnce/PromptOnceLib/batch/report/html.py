"""Small pieces of HTML and SVG, every text in them escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

DASH = "\u2013"
"""Stands for a value that there is not."""


def element(tag: str, content: str = "", **attributes: str | float | bool | None) -> str:
    """An element around content, which is HTML already.

    Attributes are escaped; None and False are left out, True stands alone. class_ is class, data_x is data-x.
    """
    return f"<{tag}{_written(attributes)}>{content}</{tag}>"


def void(tag: str, **attributes: str | float | bool | None) -> str:
    """An element without content, such as img or input."""
    return f"<{tag}{_written(attributes)}>"


def text(value: object) -> str:
    """A value as escaped text."""
    return escape(str(value))


def facts(items: Iterable[tuple[str, str]]) -> str:
    """A description list of names and values that are text; empty values are left out."""
    pairs = "".join(element("dt", text(name)) + element("dd", text(value)) for name, value in items if value)
    return element("dl", pairs, class_="facts")


def number(value: float | None, digits: int) -> str:
    """A number with this many digits after the point; a dash for None."""
    return DASH if value is None else f"{value:.{digits}f}"


def counted(count: int, word: str) -> str:
    """Such as "1 case" and "3 cases"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _written(attributes: dict[str, str | float | bool | None]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        plain = name.rstrip("_").replace("_", "-")
        parts.append(f" {plain}" if value is True else f' {plain}="{escape(str(value))}"')
    return "".join(parts)
