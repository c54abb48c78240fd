"""A prompt as the command line takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from PromptOnceLib.cases.case import Labels, PromptSource
from PromptOnceLib.cli.options.common import grouped
from PromptOnceLib.cli.terminal import Coordinates
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.prompts.by_hand import object_by_hand
from PromptOnceLib.prompts.markups_file import read_prompt_file


@dataclass(frozen=True)
class PromptOptions:
    """Box and points, a prompt file, or a segmentation to take a prompt or a mask from; and the object's name."""

    box: tuple[float, ...] | None
    positive: tuple[tuple[float, ...], ...]
    negative: tuple[tuple[float, ...], ...]
    prompt_file: Path | None
    prompt_from: str | None
    mask_from: str | None
    name: str

    @property
    def given(self) -> int:
        """How many prompts there are."""
        by_hand = self.box is not None or bool(self.positive) or bool(self.negative)
        return [by_hand, self.prompt_file is not None, bool(self.prompt_from), bool(self.mask_from)].count(True)

    @property
    def inputs(self) -> list[Path]:
        """Files that are named, which no output may replace."""
        from PromptOnceLib.segmentation.reference import parse_reference

        files = [parse_reference(text)[0] for text in (self.prompt_from, self.mask_from) if text]
        return files if self.prompt_file is None else [*files, self.prompt_file]

    def source(self, volume: Volume, notices: list[str]) -> PromptSource:
        """The one prompt for a volume; notices of the reading are added. Raises InputError and its children."""
        if self.given != 1:
            raise InputError(
                "Give one prompt: --box, --positive and --negative, or --prompt FILE, or --prompt-from REFERENCE, or "
                "--mask-from SEGMENTATION."
            )
        if self.prompt_file is not None:
            return read_prompt_file(self.prompt_file)
        if self.prompt_from is not None:
            return Labels(labels(self.prompt_from, volume, notices), self.name)
        if self.mask_from is not None:
            return Labels(labels(self.mask_from, volume, notices), self.name, as_mask=True)
        return object_by_hand(self.box, self.positive, self.negative, self.name)


def labels(text: str, volume: Volume, notices: list[str]) -> Array:
    """The labels of FILE[:LABEL,...] on a volume's grid, KJI; notices of the reading are added."""
    from PromptOnceLib.segmentation.reference import parse_reference, read_reference

    path, chosen = parse_reference(text)
    return read_reference(path, volume.geometry, chosen, notices.append)


marks = (
    click.option(
        "--box",
        type=Coordinates("X0,Y0,X1,Y1"),
        help="Box around the object: columns x and rows y of the slice as stored.",
    ),
    click.option("--positive", type=Coordinates("X,Y"), multiple=True, help="Points on the object, one or more."),
    click.option("--negative", type=Coordinates("X,Y"), multiple=True, help="Points beside the object, one or more."),
)

prompt_options = grouped(
    "prompt",
    PromptOptions,
    [
        *marks,
        click.option(
            "--prompt",
            "prompt_file",
            type=click.Path(path_type=Path),
            help="A prompt saved as JSON, or markups of 3D Slicer (.mrk.json).",
        ),
        click.option(
            "--prompt-from",
            metavar="REFERENCE[:LABEL,...]",
            help="Take box and points from a segmentation, as the papers do.",
        ),
        click.option(
            "--mask-from",
            metavar="SEGMENTATION[:LABEL,...]",
            help="Take the mask of a segmentation on the slice for a prompt.",
        ),
        click.option("--name", default="object", show_default=True, help="Name of the segment."),
    ],
)
