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
        "Print a script that lets SHELL complete commands, options, and the names of models, seeds, windows and "
        "structures.",
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
        "Install, test and remove the engine: a Python environment with PyTorch and SAM 2.",
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
        "List the slices of RESULT, a .seg.nrrd file that PromptOnce wrote, with those to check first at the top.",
    ),
    "sample": Place(
        f"{_COMMANDS}.sample:sample",
        "Write the example image NAME and its reference, which the commands in the documentation use.",
    ),
    "seeds": Place(f"{_COMMANDS}.seeds:seeds", "Save, find and share seeds: prompts that serve the next patient."),
    "segment": Place(f"{_COMMANDS}.segment:segment", "Segment the object of one prompt in all slices of IMAGE."),
    "segment-pictures": Place(
        f"{_COMMANDS}.segment_pictures:segment_pictures",
        "Segment all X-rays, or other pictures without slices, of FOLDER from a seed.",
    ),
    "show": Place(f"{_COMMANDS}.show:show", "Describe IMAGE, and write a picture of one slice with rulers."),
    "study": Place(
        f"{_COMMANDS}.study:study",
        "Compare models, methods and prompts on images with references: the papers' studies, and one's own.",
    ),
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
    help=f"Take options from this TOML file: a table for each command, [all] for all commands [{VARIABLE}].",
)
@click.version_option(__version__, prog_name="promptonce")
@click.pass_context
def main(context: click.Context, settings_file: Path | None) -> None:
    """Segment a whole CT, MR or X-ray volume from one prompt with SAM 2.

    For research only, not for clinical use. Nothing about your images leaves this computer, unless you have a cluster
    compute a batch. Only `promptonce models download` and `promptonce engine install` or `repair` use the internet.

    The environment variables PROMPTONCE_MODEL, PROMPTONCE_DEVICE, PROMPTONCE_PRECISION and PROMPTONCE_LIBRARY set the
    options of the same names.

    \b
    Exit status: 0 done, 1 failed or cancelled, 2 bad input.
    """
    name = context.invoked_subcommand
    if settings_file is None or name is None:
        return
    from PromptOnceLib.cli.settings_file import check_commands, settings_for

    check_commands(settings_file, list(PLACES))
    context.default_map = settings_for(settings_file, PLACES[name].load(), name)
