"""The command promptonce and its subcommands."""

from __future__ import annotations

from pathlib import Path

import click

from PromptOnceLib import __version__
from PromptOnceLib.cli.lazy_group import Place
from PromptOnceLib.cli.terminal import GroupWithStatus

VARIABLE = "PROMPTONCE_CONFIG"
_COMMANDS = "PromptOnceLib.cli.commands"
PLACES = {
    "batch": Place(f"{_COMMANDS}.batch:batch", "Segment all images of INPUT, one after the other, from one prompt."),
    "completion": Place(
        f"{_COMMANDS}.completion:completion",
        "Print what lets SHELL complete commands, options, and the names of models, seeds, windows and structures.",
    ),
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
        "Compare RESULT with REFERENCE, two files or folders: Dice, Jaccard, distances and volumes of every object.",
    ),
    "finetune": Place(
        f"{_COMMANDS}.finetune:finetune",
        "Train the mask decoder of a model further on the images and references of DATA, with boxes as prompts.",
    ),
    "models": Place(f"{_COMMANDS}.models:models", "List, download, choose and check models."),
    "report": Place(
        f"{_COMMANDS}.report:report",
        "Make the tables and report.html of a batch again from the folders of its cases.",
    ),
    "review": Place(
        f"{_COMMANDS}.review:review",
        "List the slices of RESULT, a .seg.nrrd file that PromptOnce wrote, the ones to look at first in front.",
    ),
    "sample": Place(
        f"{_COMMANDS}.sample:sample",
        "Write the example image NAME and its reference, so that every line of the documents can be pasted.",
    ),
    "seeds": Place(
        f"{_COMMANDS}.seeds:seeds", "Prompts that serve the next patient: save them, choose among them, hand them on."
    ),
    "segment": Place(f"{_COMMANDS}.segment:segment", "Segment the object of one prompt in all slices of IMAGE."),
    "segment-pictures": Place(
        f"{_COMMANDS}.segment_pictures:segment_pictures",
        "Segment all X-rays, or other pictures without slices, of FOLDER from a seed.",
    ),
    "show": Place(f"{_COMMANDS}.show:show", "Say what IMAGE is, and write a picture of one slice between rulers."),
}


@click.group(
    cls=GroupWithStatus,
    places=PLACES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--config",
    "settings_file",
    type=click.Path(path_type=Path),
    envvar=VARIABLE,
    help=f"Settings in TOML, for what is typed often: a table for each command, [all] for all [{VARIABLE}].",
)
@click.version_option(__version__, prog_name="promptonce")
@click.pass_context
def main(context: click.Context, settings_file: Path | None) -> None:
    """Segment a whole CT, MR or X-ray volume from one prompt with SAM 2.

    For research; not for clinical use. Nothing leaves this computer, and only `promptonce models download` and
    `promptonce engine install` get anything from the internet.

    PROMPTONCE_MODEL, PROMPTONCE_DEVICE, PROMPTONCE_PRECISION and PROMPTONCE_LIBRARY in the environment stand for the
    options of these names.

    \b
    Exit status: 0 done, 1 failed or cancelled, 2 bad input.
    """
    name = context.invoked_subcommand
    if settings_file is None or name is None:
        return
    from PromptOnceLib.cli.settings_file import check_commands, settings_for

    check_commands(settings_file, list(PLACES))
    context.default_map = settings_for(settings_file, PLACES[name].load(), name)
