"""Elements of SVG, and of the HTML around it, for the charts; every text in them escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape


def element(tag: str, content: str = "", **attributes: str | float) -> Markup:
    """An element around content: Markup is taken as it is, other text is escaped, as are the attributes' values.

    class_ is class, aria_label is aria-label.
    """
    written = (f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return Markup(f"<{tag}{''.join(written)}>{escape(content)}</{tag}>")


def chart(title: str, drawing: Markup, size: tuple[float, float], described: str, legend: str = "") -> Markup:
    """A figure with its title and legend above an SVG drawing.

    size: width and height in the drawing's units. described: read out instead of the drawing.
    """
    svg = element("svg", drawing, viewBox=f"0 0 {size[0]:g} {size[1]:g}", role="img", aria_label=described)
    caption = element("figcaption", element("b", title) + legend)
    return element("figure", caption + svg, class_="chart")


def joined(elements: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(elements)
