"""Which model is taken where none is named, and what is said of the demonstration model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.errors import InputError, ModelError
from PromptOnceLib.files.atomic import failure_sentence, replacing
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.model_entry import SINGLE_SLICES_ONLY, ModelEntry

AUTO = "auto"
"""In the place of a model's name: `default_model`."""

_CHOICE = "default-model.txt"
"""In the folder of checkpoints: the name of the model that the user chose."""

Entries = Sequence[ModelEntry]
"""The models of the registry."""


def default_model(entries: Entries, folder: str | Path | None = None) -> ModelEntry:
    """The model that the user chose, else the one of the highest rank, of those that are on this computer.

    folder: of the checkpoints, as `checkpoints_folder` takes it. The embedded model always is there.
    """
    chosen = chosen_model(entries, folder)
    if chosen is not None and checkpoints.status(chosen, folder).complete:
        return chosen
    best = _best_of_those_brought_here(entries, folder)
    return best if best is not None else next(entry for entry in entries if entry.embedded)


def chosen_model(entries: Entries, folder: str | Path | None = None) -> ModelEntry | None:
    """The model that the user chose, whether it is on this computer or not; None where nothing was chosen."""
    try:
        name = _choice_path(folder).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return next((entry for entry in entries if entry.name == name), None)


def choose_model(entry: ModelEntry | None, folder: str | Path | None = None) -> None:
    """Remember a model as the user's choice; None forgets the choice.

    Raises ModelError for a model that is not on this computer, is damaged, or cannot propagate, and InputError where
    the choice cannot be written.
    """
    path = _choice_path(folder)
    if entry is None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"The file {path} cannot be removed: check that you may write there.") from error
        return
    if entry.segments_single_slices:
        raise ModelError(SINGLE_SLICES_ONLY.format(name=entry.name))
    checkpoints.check_before_use(entry, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(failure_sentence(path.parent, error), repr(error)) from error
    with replacing(path) as temporary:
        temporary.write_text(f"{entry.name}\n", encoding="utf-8")


def better_model(entries: Entries, entry: ModelEntry | None, folder: str | Path | None = None) -> ModelEntry | None:
    """What to take in place of the demonstration model: the best on this computer, else the first one to download.

    None where `entry` is not the demonstration model.
    """
    if entry is None or not entry.embedded:
        return None
    return _best_of_those_brought_here(entries, folder) or _first_to_download(entries)


def demonstration_note(entries: Entries, name: str) -> str:
    """What has to be said beside results of the model of this name: "" unless it is the demonstration model."""
    if not any(entry.embedded and entry.name == name for entry in entries):
        return ""
    better = _first_to_download(entries)
    return (
        f"{name} is a demonstration model, too weak for real work: take {better.title} (a download of "
        f"{better.megabytes} MB) or a larger one."
    )


def _first_to_download(entries: Entries) -> ModelEntry:
    """The one of the lowest rank: the smallest of the usual ones."""
    return min((entry for entry in entries if entry.rank and not entry.embedded), key=lambda entry: entry.rank)


def _best_of_those_brought_here(entries: Entries, folder: str | Path | None) -> ModelEntry | None:
    here = (entry for entry in entries if entry.rank and not entry.embedded)
    present = [entry for entry in here if checkpoints.status(entry, folder).complete]
    return max(present, key=lambda entry: entry.rank, default=None)


def _choice_path(folder: str | Path | None) -> Path:
    return checkpoints.checkpoints_folder(folder) / _CHOICE
