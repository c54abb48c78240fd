"""What a command writes, and whether it may replace what is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli.options.common import grouped
from PromptOnceLib.errors import InputError

if TYPE_CHECKING:
    from PromptOnceLib.cases.outputs import Outputs

overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace existing files; otherwise the command refuses to."
)


@dataclass(frozen=True)
class OutputOptions:
    """The segmentation, new or into one that is there, with table and contact sheet."""

    output: Path | None
    into: Path | None
    csv_path: Path | None
    sheet_path: Path | None
    no_file_name: bool
    overwrite: bool

    def outputs(self, image: Path, inputs: Iterable[Path], prompt: Path | None) -> Outputs:
        """The files, checked, with that of the prompt. inputs: files that none may replace. Raises InputError."""
        from PromptOnceLib.cases.outputs import Outputs, check_targets

        target = self.into or self.output
        if target is None or (self.into is not None and self.output is not None):
            raise InputError("Name the result: -o FILE for a new one, or --into FILE to add segments to one.")
        title = "" if self.no_file_name else image.resolve().name
        outputs = Outputs(target, self.csv_path, self.sheet_path, self.into is not None, title)
        outputs.check(inputs, self.overwrite)
        files = [path for path in (target, self.csv_path, self.sheet_path) if path is not None]
        check_targets([prompt], [*inputs, *files], overwrite=self.overwrite)
        return outputs


output_options = grouped(
    "output",
    OutputOptions,
    [
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            help=".seg.nrrd, a label map .nii.gz, .nrrd, .mha, or for a DICOM image a DICOM segmentation .dcm.",
        ),
        click.option(
            "--into", type=click.Path(path_type=Path), help="Add the segments to this .seg.nrrd instead of a new file."
        ),
        click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write the table of slices."),
        click.option("--sheet", "sheet_path", type=click.Path(path_type=Path), help="Write a contact sheet, a PNG."),
        click.option("--no-file-name", is_flag=True, help="Leave the image's file name off the contact sheet."),
        overwrite_option,
    ],
)
