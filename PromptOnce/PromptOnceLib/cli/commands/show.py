"""promptonce show: what an image is, and a slice between rulers to read coordinates off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli.options.common import axis_option, json_option, quiet_option, volume_option, window_option
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.options.prompt import ONE_PROMPT, PromptOptions, prompt_options
from PromptOnceLib.cli.terminal import CommandWithPoints, Reporter
from PromptOnceLib.errors import InputError

if TYPE_CHECKING:
    from PromptOnceLib.imaging.facts import ImageFacts

EXAMPLES = """
\b
Examples:
  What an image is, and its central slice with rulers in pixels:
    promptonce show chest.nii.gz
  Where a box lies, before hours of work; the prompt is kept for `promptonce segment --prompt`:
    promptonce show chest.nii.gz --slice 20 --box 40,60,300,280 --positive 110,170 -o slice.png --save-prompt lungs.json
  The same from a viewer's coordinates in mm:
    promptonce show chest.nii.gz --space RAS --box-mm 120,80,-310,-120,-90,-310
"""


@click.command(cls=CommandWithPoints, epilog=EXAMPLES)
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The picture, a PNG [default: IMAGE-slice-K.png, here]."
)
@click.option(
    "--slice", "slice_index", type=click.IntRange(min=0), help="Slice [default: the prompt's, or the central]."
)
@volume_option
@axis_option
@window_option
@prompt_options
@overwrite_option
@quiet_option
@json_option
def show(
    image: Path,
    output: Path | None,
    slice_index: int | None,
    volume_name: str | None,
    axis: str,
    window: str,
    prompt: PromptOptions,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Describe IMAGE, and write a picture of one slice with rulers.

    The slice is shown as it is stored, neither turned nor mirrored, so that columns x and rows y of --box, --positive
    and --negative can be read off. A prompt that is given is drawn on it.
    """
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.cases.slice_view import ShowReport, slice_view, write_slice_view
    from PromptOnceLib.imaging.read import read_volume

    if prompt.given > 1:
        raise InputError(f"{ONE_PROMPT}, or none.")
    volume = read_volume(image, volume_name)
    notices: list[str] = []
    source = prompt.source(volume, notices) if prompt.given else None
    view = slice_view(volume, source, axis, slice_index, window, notices)
    target = output or Path(f"{_stem(image)}-slice-{view.index}.png")
    if target.suffix.lower() != ".png":
        raise InputError(f"{target.name}: the picture is a PNG. Choose a name that ends in .png.")
    check_targets([target, prompt.save_prompt], [image, *prompt.inputs], overwrite=overwrite)
    if view.case is not None:
        prompt.save(prompt.coded(view.case))
    write_slice_view(view, target)
    reporter = Reporter(quiet, as_json)
    for notice in view.notices:
        reporter.say(notice)
    if as_json:
        report = ShowReport(**dict(view.facts), slice=view.index, picture=str(target), notices=list(view.notices))
        click.echo(report.model_dump_json())
    else:
        click.echo(_in_words(view.facts))
        click.echo(f"Slice {view.index} with rulers in pixels: {target}")


def _in_words(facts: ImageFacts) -> str:
    size = " x ".join(map(str, facts.size))
    spacing = " x ".join(f"{step:.4g}" for step in facts.spacing)
    unit = "mm" if facts.measured else "(the file does not say how large a pixel is)"
    ways = ", ".join(f"{name} to {_WORDS[way]}" for name, way in zip("ijk", facts.directions, strict=True))
    return "\n".join(
        [
            f"Voxels       {size} (i, j, k), {spacing} {unit}",
            f"Orientation  {ways}",
            f"Modality     {facts.modality or 'not stated'}",
            f"Slices       {facts.slices} along {facts.axis}, {facts.plane} ({facts.reason}); "
            f"{facts.columns} columns (x), {facts.rows} rows (y); central slice {facts.central}",
            f"Values       {facts.lowest:g} to {facts.highest:g}",
            f"Window       {facts.window}, level {facts.level:g}, width {facts.width:g}",
        ]
    )


_WORDS = {"L": "left", "R": "right", "P": "posterior", "A": "anterior", "S": "superior", "I": "inferior"}


def _stem(image: Path) -> str:
    name = image.resolve().name
    for ending in (".nii.gz", ".seg.nrrd", *image.suffixes[-1:]):
        if name.lower().endswith(ending.lower()):
            return name[: -len(ending)] or "image"
    return name or "image"
