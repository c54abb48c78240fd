"""How a prompt is propagated: which slices, which way, and what the engine does on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import click

from PromptOnceLib.cli.options.common import (
    early_stop_option,
    fill_holes_option,
    grouped,
    keep_out_option,
    mask_options,
)
from PromptOnceLib.cli.terminal import SliceRange
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.ways import Between
from PromptOnceLib.worker.requests import Settings


@dataclass(frozen=True)
class RunOptions:
    """Range, direction, how masks come about, what is kept out, and whether torch.compile comes first."""

    slice_range: tuple[int | None, int | None]
    direction: Literal["both", "forward", "backward"]
    fill_holes: int
    early_stop: bool
    zoom: Zoom
    between: Between
    clean_up: CleanUp
    keep_out: str | None
    compiled: bool

    @property
    def settings(self) -> Settings:
        """For the propagation."""
        first, last = self.slice_range
        return Settings(
            first or 0,
            last,
            self.direction,
            self.fill_holes,
            self.early_stop,
            clean_up=self.clean_up,
            zoom=self.zoom,
            between=self.between,
        )


run_options = grouped(
    "run",
    RunOptions,
    [
        click.option(
            "--range",
            "slice_range",
            type=SliceRange(),
            default=(None, None),
            help="First and last slice, both included.",
        ),
        click.option(
            "--direction",
            type=click.Choice(["both", "forward", "backward"]),
            default="both",
            show_default=True,
            help="Where to go from the prompt.",
        ),
        fill_holes_option,
        early_stop_option,
        mask_options,
        keep_out_option,
        click.option(
            "--compile",
            "compiled",
            is_flag=True,
            help="Let torch.compile rewrite the model first, which takes minutes: for long stacks on a CUDA GPU.",
        ),
    ],
)
