"""Options of batches with references: which these are, what prompts are made of them, what is kept of every slice."""

from __future__ import annotations

from typing import Any, get_args

import click

from PromptOnceLib.batch.planning.plan import Method
from PromptOnceLib.cli.options.prompt import strategy_option

Pixels = tuple[int, int]


def pixels_from_to(_context: click.Context, parameter: click.Parameter, value: str | None) -> Pixels | None:
    """LOW-HIGH in pixels, such as 10-20."""
    if value is None:
        return None
    low, dash, high = value.partition("-")
    if dash and low.isdecimal() and high.isdecimal() and len(value) < 12 and int(low) <= int(high):
        return int(low), int(high)
    raise click.BadParameter(f"{value[:20]} is no range of pixels: for example 10-20.", param=parameter)


_OPTIONS = (
    click.option(
        "--reference",
        metavar="PATTERN[:LABEL[=NAME],...]",
        help="The reference of an image: {case}_lung.nii.gz beside it; labels/{case}.nii.gz:1,2 in the folder of the "
        "images, beside that folder, or in the current folder; or an absolute path. With names, an object for each "
        "name.",
    ),
    click.option("--name", help="Name of the object in the references, if their labels have no names."),
    strategy_option,
    click.option(
        "--method",
        type=click.Choice(get_args(Method)),
        default="propagate",
        show_default=True,
        help="Propagate from one slice or, with --prompt-from reference, prompt each slice that holds the reference.",
    ),
    click.option(
        "--jitter",
        metavar="LOW-HIGH",
        callback=pixels_from_to,
        help="Move boxes and points from references by so many pixels at random, as hands do.",
    ),
    click.option(
        "--random-seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Of random points and moves: the same number gives the same prompts.",
    ),
    click.option(
        "--position",
        type=click.FloatRange(0, 1),
        help="Where in its stack the slice lies whose reference prompts a propagation [default: the central slice].",
    ),
    click.option(
        "--fewest-pixels",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="With --method each-slice: leave out slices whose reference is smaller.",
    ),
    click.option("--distances", is_flag=True, help="Keep each slice's Hausdorff distance to the reference, in mm."),
)


def reference_options(command: Any) -> Any:
    """All of them, for a command that makes prompts of references."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
