"""The command promptonce and its subcommands."""

from __future__ import annotations

import click

from PromptOnceLib import __version__
from PromptOnceLib.cli.commands.batch import batch
from PromptOnceLib.cli.commands.demo import demo
from PromptOnceLib.cli.commands.engine import engine
from PromptOnceLib.cli.commands.evaluate import evaluate
from PromptOnceLib.cli.commands.models import models
from PromptOnceLib.cli.commands.report import report
from PromptOnceLib.cli.commands.seeds import seeds
from PromptOnceLib.cli.commands.segment import segment
from PromptOnceLib.cli.commands.segment_pictures import segment_pictures
from PromptOnceLib.cli.terminal import GroupWithStatus


@click.group(cls=GroupWithStatus, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="promptonce")
def main() -> None:
    """Segment a whole CT, MR or X-ray volume from one prompt with SAM 2.

    For research; not for clinical use. Nothing leaves this computer, and only `promptonce models download` and
    `promptonce engine install` get anything from the internet.

    \b
    Exit status: 0 done, 1 failed or cancelled, 2 bad input.
    """


for command in (segment, segment_pictures, batch, seeds, evaluate, models, engine, report, demo):
    main.add_command(command)
