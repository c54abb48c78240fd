"""A prompt as the command line takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from PromptOnceLib.cases.case import Case, Reference
from PromptOnceLib.cases.prompt_source import UNNAMED, PromptSource, labels_of_file, with_name
from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.options.common import grouped
from PromptOnceLib.cli.options.marks import MarkOptions, mark_list
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.prompts.conditioning import SharedSeed, with_terminology
from PromptOnceLib.prompts.markups_file import read_prompt_file
from PromptOnceLib.prompts.prompt import write_prompt
from PromptOnceLib.prompts.prompt_set import PromptSet, write_prompts
from PromptOnceLib.prompts.strategies.slice_prompts import PROMPTED

ONE_PROMPT = (
    "Give one prompt: --box, --positive and --negative, or --prompt FILE, --prompt-from REFERENCE, or --mask-from "
    "SEGMENTATION"
)


@dataclass(frozen=True)
class PromptOptions(MarkOptions):
    """Boxes and points, a prompt file, or a segmentation to take a prompt from; names; and where to keep the prompt."""

    objects: tuple[str, ...]
    prompt_file: Path | None
    prompt_from: str | None
    mask_from: str | None
    strategy: str
    name: str
    save_prompt: Path | None
    codes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.strategy != "paper" and self.prompt_from is None:
            raise InputError("--strategy goes with --prompt-from.")

    @property
    def given(self) -> int:
        """How many prompts there are."""
        by_hand = self.marked or bool(self.objects)
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
            raise InputError(f"{ONE_PROMPT}.")
        if self.prompt_file is not None:
            found_prompt = read_prompt_file(self.prompt_file)
            return found_prompt if self.name == UNNAMED else with_name(found_prompt, self.name)
        if self.prompt_from is not None or self.mask_from is not None:
            text = self.prompt_from or self.mask_from or ""
            by_mask = self.mask_from is not None
            labels = labels_of_file(text, volume.geometry, notices.append, self.name)
            found = tuple(replace(item, as_mask=by_mask, strategy=self.strategy) for item in labels)
            return found[0] if len(found) == 1 else found
        if self.objects and self.name != UNNAMED:
            raise InputError("--name goes with an object that has no name yet: leave it out.")
        return self.several(self.objects) if self.objects else self.one(self.name)

    def coded(self, case: Case) -> Case:
        """The case with the codes that --code gives its objects. Raises InputError."""
        from PromptOnceLib.segmentation.terminology import entry_of_code

        entries = {}
        names = [item.name for item in case.prompt.objects]
        for text in self.codes:
            name, equals, code = text.partition("=")
            if not equals and len(names) > 1:
                raise InputError(f"--code {text}: say of which object, NAME=SCHEME:VALUE:MEANING: {', '.join(names)}.")
            entries[name.strip() if equals else names[0]] = entry_of_code(code if equals else text)
        return replace(case, prompt=with_terminology(case.prompt, entries)) if entries else case

    def save(self, case: Case) -> None:
        """Keep the case's prompt where --save-prompt says so. Raises InputError for seeds, which are no prompt."""
        if self.save_prompt is None:
            return
        if isinstance(case.prompt, SharedSeed):
            raise InputError("--save-prompt keeps a prompt of this image; a seed is kept in the library.")
        if isinstance(case.prompt, PromptSet):
            write_prompts(self.save_prompt, case.prompt)
        else:
            write_prompt(self.save_prompt, case.prompt)


def labels(text: str, volume: Volume, notices: list[str]) -> Array:
    """The labels of FILE[:LABEL,...] on a volume's grid, KJI; notices of the reading are added."""
    from PromptOnceLib.segmentation.reference import parse_reference, read_reference

    path, chosen = parse_reference(text)
    return read_reference(path, volume.geometry, chosen, notices.append)


def reference_of(text: str | None, volume: Volume, notices: list[str]) -> Reference | None:
    """The reference that --reference names on a volume's grid; notices of the reading are added."""
    from PromptOnceLib.segmentation.object_labels import named_objects

    return None if text is None else named_objects(text, volume.geometry, notices.append)


strategy_option = click.option(
    "--strategy",
    type=click.Choice(PROMPTED),
    default="paper",
    show_default=True,
    help="How --prompt-from takes the prompt: as the papers do, or of Huang et al. S2 one point, S3 five, S4 five and "
    "five negative ones, S5 the box, S6 the box and one point.",
)

prompt_options = grouped(
    "prompt",
    PromptOptions,
    [
        click.option(
            "--object",
            "objects",
            metavar="NAME",
            multiple=True,
            shell_complete=completed_names.structures,
            help="Begin an object: the boxes and points that follow belong to it. Give it once for each object.",
        ),
        *mark_list,
        click.option(
            "--prompt",
            "prompt_file",
            type=click.Path(path_type=Path),
            help="A prompt saved as JSON, or markups of 3D Slicer (.mrk.json).",
        ),
        click.option(
            "--prompt-from",
            metavar="REFERENCE[:LABEL[=NAME],...]",
            help="Take box and points from a segmentation, as the papers do; with names, an object for each name.",
        ),
        strategy_option,
        click.option(
            "--code",
            "codes",
            metavar="[NAME=]SCHEME:VALUE:MEANING",
            multiple=True,
            help="Code for what an object is, such as SCT:10200004:Liver; names such as liver or right kidney get "
            "theirs automatically.",
        ),
        click.option(
            "--name",
            default=UNNAMED,
            show_default=True,
            shell_complete=completed_names.structures,
            help="Name of the segment, if there is only one.",
        ),
        click.option(
            "--save-prompt",
            type=click.Path(path_type=Path),
            help="Write the prompt as JSON, for later use with --prompt.",
        ),
        click.option(
            "--mask-from",
            metavar="SEGMENTATION[:LABEL[=NAME],...]",
            help="Take the mask of a segmentation on the prompted slice as the prompt; with names, an object for "
            "each name.",
        ),
    ],
)
