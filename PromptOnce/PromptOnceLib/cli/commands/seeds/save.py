"""promptonce seeds save: a prompted slice becomes an entry of the library."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cli.commands.seeds.edit import with_words
from PromptOnceLib.cli.commands.seeds.format import in_full, record_report
from PromptOnceLib.cli.options.common import (
    ModelOptions,
    axis_option,
    json_option,
    model_options,
    quiet_option,
    volume_option,
    window_option,
)
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.options.prompt import PromptOptions, labels, prompt_options
from PromptOnceLib.cli.options.seed import library_option, scanner_option, with_scanner
from PromptOnceLib.cli.seed_checks import TRIP_STOPPING
from PromptOnceLib.cli.terminal import CommandWithPoints, Reporter
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import pixel_spacing, slices_along
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.picture import write_frame_picture
from PromptOnceLib.workflows.save_seed import steps_of_saving

EXAMPLES = """
\b
Examples:
  The lungs of a chest CT, as the reference marks them on the central slice:
    promptonce seeds save "lungs CT 2" chest.nii.gz --prompt-from lungs.nii.gz:1,2 --name lungs \\
        --window lung --scanner name="CT 2" manufacturer=GE --preview frame.png
  Look at frame.png; where it shows no text about the patient:
    promptonce seeds save ... --frame-confirmed
"""


@dataclass(frozen=True)
class Confirmation:
    """How the user is shown the frame and asked about it."""

    preview: Path | None
    confirmed: bool

    def ask(self, case: Case, index: int) -> None:
        """Write the picture of a slice, and ask where that was not answered. Raises SeedError for no confirmation."""
        if self.preview is not None:
            _write_picture(case, index, self.preview)
        if self.confirmed:
            return
        if sys.stdin is None or not sys.stdin.isatty():
            where = f"at {self.preview}" if self.preview is not None else "at the frame (--preview PNG writes it)"
            raise SeedError(
                f"A seed shows its frame to everybody who uses it. Look {where}; where it shows no name, number or "
                "date of a patient, repeat the command with --frame-confirmed."
            )
        with tempfile.TemporaryDirectory(prefix="promptonce-") as folder:
            picture = self.preview or Path(folder, "frame.png")
            if self.preview is None:
                _write_picture(case, index, picture)
            click.echo(f"The frame of the seed is in {picture}: look at it.", err=True)
            if not click.confirm("Is it free of names, numbers and dates of a patient?", err=True):
                raise SeedError("The seed was not saved. Choose another slice, or an image without text.")


@click.command(cls=CommandWithPoints, epilog=EXAMPLES)
@click.argument("seed_name", metavar="NAME")
@click.argument("image", type=click.Path(path_type=Path))
@volume_option
@prompt_options
@click.option(
    "--accepted",
    "accepted_from",
    metavar="REFERENCE[:LABEL,...]",
    help="The accepted mask of the slice, instead of the model's.",
)
@click.option(
    "--slice", "slice_index", type=click.IntRange(min=0), help="Slice of the prompt [default: the central one]."
)
@axis_option
@window_option
@scanner_option
@with_words
@click.option(
    "--preview", type=click.Path(path_type=Path), help="Write the frame as a PNG, so that you can look at it."
)
@click.option("--frame-confirmed", is_flag=True, help="The frame shows no name, number or date of a patient.")
@click.option("--no-round-trip", is_flag=True, help="Skip the round trip, which tells how far the seed can be trusted.")
@model_options
@overwrite_option
@library_option
@quiet_option
@json_option
def save(
    seed_name: str,
    image: Path,
    volume_name: str | None,
    prompt: PromptOptions,
    accepted_from: str | None,
    slice_index: int | None,
    axis: str,
    window: str,
    scanner: tuple[tuple[str, str], ...],
    preview: Path | None,
    frame_confirmed: bool,
    no_round_trip: bool,
    model: ModelOptions,
    overwrite: bool,
    library_folder: Path | None,
    quiet: bool,
    as_json: bool,
    **words: Any,
) -> None:
    """Segment one slice of IMAGE from a prompt and keep it as the seed NAME.

    The seed holds the slice as a picture, the prompt, the mask, window, grid and what is known about the scanner, and
    nothing else of the image. A round trip through IMAGE tells how far the seed can be trusted.
    """
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.imaging.read import read_volume

    check_targets([preview, prompt.save_prompt], [image, *model.inputs, *prompt.inputs], overwrite=overwrite)
    library, reporter = SeedLibrary(library_folder), Reporter(quiet, as_json)
    library.check_free(seed_name)  # before anything is read, and before the user is asked to look at the frame
    volume = with_scanner(read_volume(image, volume_name), scanner)
    notices: list[str] = []
    case = prepare_case(volume, prompt.source(volume, notices), axis, slice_index, window, notices=notices)
    case = prompt.coded(case)
    if not isinstance(case.prompt, Prompt):
        raise SeedError("A seed is one slice, but the prompt lies on several: choose one with --slice.")
    prompt.save(case)
    for notice in case.notices:
        reporter.say(notice)
    Confirmation(preview, frame_confirmed).ask(case, case.prompt.slice)
    files = model.files()
    with WorkerSession(files, model.device, model.precision, reporter, python=model.python) as work:
        steps = steps_of_saving(
            library,
            case,
            seed_name,
            files,
            accepted=None if accepted_from is None else _accepted(case, accepted_from, reporter),
            round_trip=not no_round_trip,
            frame_confirmed=True,
            scanner_name=dict(scanner).get("name", ""),
            **{key: text for key, text in words.items() if text is not None},
        )
        record = work.go(steps, "Round trip", stopping=TRIP_STOPPING).record
    if as_json:
        click.echo(json.dumps({**record_report(record), "library": str(library.folder)}))
    else:
        reporter.say(in_full(record))


def _accepted(case: Case, accepted_from: str, reporter: Reporter) -> list[NDArray[np.uint8]]:
    """The accepted mask from a segmentation, (rows, columns), as the only one."""
    assert isinstance(case.prompt, Prompt)
    if len(case.prompt.objects) != 1:
        raise SeedError("--accepted gives one mask, but the prompt marks several objects.")
    notices: list[str] = []
    accepted = slices_along(labels(accepted_from, case.volume, notices), case.axis.axis)[case.prompt.slice] != 0
    for notice in notices:
        reporter.say(notice)
    return [accepted.astype(np.uint8)]


def _write_picture(case: Case, index: int, path: Path) -> None:
    geometry, axis = case.volume.geometry, case.axis.axis
    orientation, spacing = FrameOrientation.of(geometry, axis), pixel_spacing(geometry, axis)[:2]
    write_frame_picture(case.stack.frames[index], orientation, spacing, path)
