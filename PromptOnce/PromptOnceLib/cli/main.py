"""The command promptonce and its subcommands."""

from __future__ import annotations

import click

from PromptOnceLib import __version__
from PromptOnceLib.cli.lazy_group import Place
from PromptOnceLib.cli.terminal import GroupWithStatus

_COMMANDS = "PromptOnceLib.cli.commands"
PLACES = {
    "batch": Place(f"{_COMMANDS}.batch:batch", "Segment all images of INPUT, one after the other, from one prompt."),
    "correct": Place(
        f"{_COMMANDS}.correct:correct",
        "Correct one slice of RESULT, a segmentation of IMAGE, and propagate again up to the next fixed slices.",
    ),
    "demo": Place(
        f"{_COMMANDS}.demo:demo",
        "Segment both lungs of a chest CT from one box and three points on the central slice.",
    ),
    "engine": Place(
        f"{_COMMANDS}.engine:engine",
        "Install, test and remove the Python environment with PyTorch and SAM 2 that Slicer's module works with.",
    ),
    "evaluate": Place(
        f"{_COMMANDS}.evaluate:evaluate",
        "Dice, Jaccard and Hausdorff distance of RESULT against REFERENCE, of the volume and slice by slice.",
    ),
    "models": Place(f"{_COMMANDS}.models:models", "List, download and check models."),
    "report": Place(
        f"{_COMMANDS}.report:report",
        "Make the tables and report.html of a batch again from the folders of its cases.",
    ),
    "review": Place(f"{_COMMANDS}.review:review", "List the slices of RESULT, the ones to look at first in front."),
    "seeds": Place(
        f"{_COMMANDS}.seeds:seeds", "Prompts that serve the next patient: save them, choose among them, hand them on."
    ),
    "segment": Place(f"{_COMMANDS}.segment:segment", "Segment the object of one prompt in all slices of IMAGE."),
    "segment-pictures": Place(
        f"{_COMMANDS}.segment_pictures:segment_pictures",
        "Segment all X-rays, or other pictures without slices, of FOLDER from a seed.",
    ),
}


@click.group(
    cls=GroupWithStatus,
    places=PLACES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="promptonce")
def main() -> None:
    """Segment a whole CT, MR or X-ray volume from one prompt with SAM 2.

    For research; not for clinical use. Nothing leaves this computer, and only `promptonce models download` and
    `promptonce engine install` get anything from the internet.

    \b
    Exit status: 0 done, 1 failed or cancelled, 2 bad input.
    """
