"""How all figures of a study look, how they are made without pyplot, and how they are written.

Colours are those of Okabe and Ito, which people with any kind of colour blindness tell apart; hatching, dashes and
markers tell the same on paper without colours.
"""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_P = ParamSpec("_P")
_R = TypeVar("_R")

TEXT, QUIET, GRID = "#1a1a1a", "#5f5f5f", "#dddddd"
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#f0e442")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++", "oooo")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), (0, (8, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
BETTER, WORSE = "#006d4f", "#b03a00"
REFERENCE = "#b03a00"
"""The line of the state of the art, and what is missing to it."""

FULL_WIDTH = 7.2
"""Inches: the width of a page's text in most journals."""
_DOTS = 300
_SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.2,
    "text.color": TEXT,
    # Outlines instead of fonts: the same on every computer. The salt makes the same names of parts in every file.
    "svg.fonttype": "path",
    "svg.hashsalt": "PromptOnce",
}


@dataclass(frozen=True)
class StudyFigure:
    """A drawing with what stands around it.

    name: of its files, without ending. caption: what it shows and how to read it, in whole sentences.
    """

    name: str
    title: str
    caption: str
    figure: Figure

    @functools.cached_property
    def svg(self) -> bytes:
        """The drawing as SVG; equal drawings give equal bytes."""
        return as_svg(self.figure)


def in_house_style(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Draw within the settings above, whatever the user has set; afterwards matplotlib's settings are the user's again.

    The function raises InputError where matplotlib is not installed.
    """

    @functools.wraps(function)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            from matplotlib import style
        except ImportError as error:
            raise InputError('Figures need matplotlib: pip install "promptonce[study]".', detail=repr(error)) from error
        with style.context(["default", _SETTINGS]):
            return function(*args, **kwargs)

    return styled


def panels(
    rows: int, columns: int, height: float, *, width: float = FULL_WIDTH, same_y: bool = False, same_x: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of rows x columns drawings, row after row. height, width: of the whole figure, inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=same_y, sharex=same_x, squeeze=False)
    axes: list[Axes] = list(np.ravel(grid))
    for one in axes:
        one.grid(axis="y")
    return figure, axes


def hide_from(axes: Sequence[Axes], first: int) -> None:
    """Take away the drawings that nothing is left for."""
    for one in axes[first:]:
        one.set_axis_off()


def colour(place: int) -> str:
    """Of an arm by its place among the arms."""
    return COLOURS[place % len(COLOURS)]


def hatch(place: int) -> str:
    """Of an arm by its place among the arms."""
    return HATCHES[place % len(HATCHES)]


def light(tone: str, share: float = 0.55) -> tuple[float, float, float]:
    """A colour mixed with white, so that lines and hatching on it can be seen; share: of white, 0 to 1."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part + (1 - part) * share for part in to_rgb(tone))
    return red, green, blue


def wrapped(text: str, width: int = 18) -> str:
    """A name broken into short lines."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False)) or text


@in_house_style
def as_svg(figure: Figure) -> bytes:
    """The drawing as SVG; equal drawings give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()


@in_house_style
def as_png(figure: Figure, dots: int = _DOTS) -> bytes:
    """The drawing as PNG; equal drawings give equal bytes. dots: per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots, metadata={"Software": None})
    return buffer.getvalue()


def write_figures(folder: Path, figures: Sequence[StudyFigure]) -> tuple[Path, ...]:
    """Write every figure as NAME.svg and NAME.png; return the paths. Raises InputError where one cannot be written."""
    paths = []
    for one in figures:
        for ending, content in (("svg", one.svg), ("png", as_png(one.figure))):
            path = folder / f"{one.name}.{ending}"
            with replacing(path) as temporary:
                temporary.write_bytes(content)
            paths.append(path)
    return tuple(paths)
