"""Names that a shell can complete: models, seeds, windows, structures; looked up when Tab is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from PromptOnceLib.errors import PromptOnceError

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(name) for name in names(context) if name.casefold().startswith(begun.casefold())]
        except (PromptOnceError, OSError):  # a library that cannot be read completes nothing
            return []

    return complete


def _models(context: click.Context) -> list[str]:
    from PromptOnceLib.models.registry import load_registry

    return [entry.name for entry in load_registry().entries()]


def _seeds(context: click.Context) -> list[str]:
    from PromptOnceLib.seeds.library import SeedLibrary

    library = SeedLibrary(context.params.get("library_folder"))
    return ["auto", *(seed.name for seed in library.list().seeds)]


def _windows(context: click.Context) -> list[str]:
    from PromptOnceLib.imaging.window import window_presets

    names = [name.replace(" ", "-") for name in window_presets()]
    return ["auto", "file", "full", "percentile", "paper", *names, *(f"paper:{name}" for name in names)]


def _axes(context: click.Context) -> tuple[str, ...]:
    return ("auto", "axial", "coronal", "sagittal", "i", "j", "k")


def _structures(context: click.Context) -> list[str]:
    from PromptOnceLib.segmentation.terminology import known_names

    return known_names()


def _studies(context: click.Context) -> list[str]:
    from PromptOnceLib.studies.presets import PRESETS

    return list(PRESETS)


models = _completing(_models)
seeds = _completing(_seeds)
windows = _completing(_windows)
axes = _completing(_axes)
structures = _completing(_structures)
studies = _completing(_studies)
