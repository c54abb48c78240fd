"""promptonce sample: an image with a reference to try everything on."""

from __future__ import annotations

from pathlib import Path

import click

from PromptOnceLib.cli.options.outputs import overwrite_option

NEXT = {
    "chest": (
        "promptonce show chest.nii.gz --window lung",
        "promptonce segment chest.nii.gz -o lungs.seg.nrrd --window lung --box 18,32,107,98 --positive 89,66 36,63 "
        "--negative 62,65 --reference chest-lungs.nii.gz:1,2 --sheet lungs.png",
    ),
    "phantom": (
        "promptonce segment phantom.nii.gz -o organs.seg.nrrd --prompt-from phantom-organs.nii.gz:3=heart,4=liver",
    ),
    "dicom": (
        "promptonce segment phantom-dicom -o lungs.dcm --prompt-from phantom-dicom-organs.nii.gz:1,2 --name lung",
    ),
}
"""What to paste after each sample."""


@click.command()
@click.argument("name", type=click.Choice(list(NEXT)))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Folder [default: the current one]."
)
@overwrite_option
def sample(name: str, output: Path, overwrite: bool) -> None:
    """Write the example image NAME and its reference, which the commands in the documentation use.

    chest is a real CT that comes with slicerio, with both lungs as labels 1 and 2; phantom a generated patient with six
    organs, and a second patient; dicom the first of them as a folder of DICOM slices. Nothing is downloaded.
    """
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.cases.samples import SAMPLES, write_sample

    output.mkdir(parents=True, exist_ok=True)
    check_targets([output / file for file in SAMPLES[name].files if "." in file], overwrite=overwrite)
    written = write_sample(name, output)
    labels = ", ".join(f"{value} {label}" for label, value in written.labels.items())
    for file in (written.image, *written.others):
        click.echo(f"Wrote {output / file}")
    click.echo(f"Wrote {output / written.reference}: {labels}")
    click.echo("Next, for example:")
    for line in NEXT[name]:
        click.echo(f"  {line}")
