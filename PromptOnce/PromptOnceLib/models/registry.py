"""Models by name, and the files that a model name or a checkpoint path stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import model_validator

from PromptOnceLib.errors import ModelError
from PromptOnceLib.files.names import check_name, expanded, is_file
from PromptOnceLib.files.stamp import file_sha256
from PromptOnceLib.models.checkpoints import check_before_use
from PromptOnceLib.models.default_model import AUTO, default_model
from PromptOnceLib.models.model_card import read_card
from PromptOnceLib.models.model_entry import SAM2_CONFIG, SAM_CONFIG, SINGLE_SLICES_ONLY, MemorySettings, ModelEntry
from PromptOnceLib.models.pointer import pinned
from PromptOnceLib.resources import resource
from PromptOnceLib.schema import StrictModel

CHECKPOINT_SUFFIXES = (".pt", ".pth")


class Registry(StrictModel):
    """The models known by name, in the order in which they are shown."""

    models: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _names_and_files_are_unique(self) -> Registry:
        for values in (self.names, [entry.file for entry in self.models if not entry.resized]):
            if len(set(values)) != len(values):
                raise ValueError("two models share a name or a file")
        return self

    @property
    def names(self) -> list[str]:
        """Names of all models, in order."""
        return [entry.name for entry in self.models]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def entries(self) -> Iterator[ModelEntry]:
        """All models, in order."""
        return iter(self.models)

    def get(self, name: str) -> ModelEntry:
        """Return the model of this name; ModelError names the known ones."""
        for entry in self.models:
            if entry.name == name:
                return entry
        raise ModelError(
            f"There is no model called {name}. Known models: {', '.join(self.names)}; "
            "or give the path of a checkpoint together with its configuration."
        )


@lru_cache(maxsize=1)
def load_registry() -> Registry:
    """Read the registry that ships with PromptOnce (Resources/Models/registry.json)."""
    return Registry.model_validate_json(resource("Models", "registry.json").read_bytes())


@dataclass(frozen=True)
class ModelFiles:
    """What the engine needs to build a model.

    config is a path, or "sam2:FILE" for a file in configs/sam2.1 of the installed sam2 package, or SAM_CONFIG. sha256
    is that of the checkpoint, already checked, or None where none is known (a checkpoint that the user brings).
    image_size: of the network's input where it is not the configuration's. memory: what a pass remembers, None for as
    SAM 2 has it.
    """

    name: str
    checkpoint: Path
    config: Path | str
    sha256: str | None
    image_size: int | None = None
    memory: MemorySettings | None = None

    @property
    def encoder_key(self) -> str | None:
        """What features of images depend on, of lower-case letters, digits and -; None where it is not known.

        The same checkpoint is used with inputs of several sizes, and sees another image with each of them.
        """
        if self.sha256 is None or self.image_size is None:
            return self.sha256
        return f"{self.sha256}-{self.image_size}"

    @property
    def segments_single_slices(self) -> bool:
        """Whether the model knows single slices only (SAM, version 1), so that it cannot propagate."""
        return self.config == SAM_CONFIG

    def check_propagates(self) -> None:
        """Raises ModelError for a model that segments single slices alone."""
        if self.segments_single_slices:
            raise ModelError(SINGLE_SLICES_ONLY.format(name=self.name))


def resolve_model(
    name_or_path: str | Path, config: str | Path | None = None, folder: str | Path | None = None
) -> ModelFiles:
    """Find the files of a model given by name, or by the path of a checkpoint and the path of its configuration.

    "auto" is the user's choice, or else the best model on this computer (default_model.py). A downloaded or hand-copied
    checkpoint is compared with its SHA-256 the first time it is used, and again when the file has changed. config may
    also be "sam2:FILE", or "sam" for a checkpoint of SAM (version 1); one that was fine-tuned here needs none, as its
    card names it (model_card.py). folder replaces the folder of checkpoints (see checkpoints.py).

    Raises ModelError where the name is unknown, a file is not there or damaged, or the configuration is missing.
    """
    registry = load_registry()
    text = str(name_or_path)
    if text == AUTO and config is None:
        return _registered(default_model(registry.models, folder), folder)
    if text in registry:
        if config is not None:
            raise ModelError(
                f"The model {text} has its own configuration: leave the configuration out, or give the path of a "
                f"checkpoint instead of the name."
            )
        return _registered(registry.get(text), folder)
    check_name(text, ModelError)
    path = expanded(text, ModelError)
    # A mistyped name deserves the list of names, not "file not found".
    looks_like_a_path = len(path.parts) > 1 or path.suffix.lower() in CHECKPOINT_SUFFIXES or path.is_file()
    if not looks_like_a_path:
        registry.get(text)
    return _own_checkpoint(path, config)


def _registered(entry: ModelEntry, folder: str | Path | None) -> ModelFiles:
    path = check_before_use(entry, folder)
    size = entry.image_size if entry.resized else None
    return ModelFiles(entry.name, path, entry.config_location, pinned(entry, path).sha256, size, entry.memory)


def _own_checkpoint(path: Path, config: str | Path | None) -> ModelFiles:
    for name in (path, config or ""):
        check_name(name, ModelError)
    if not is_file(path):
        raise ModelError(f"There is no checkpoint at {path}: check the path.")
    if config is None:
        return _with_card(path)
    text = str(config)
    if text.startswith(SAM2_CONFIG) or text == SAM_CONFIG:
        return ModelFiles(path.stem, path.resolve(), text, None)
    config_path = expanded(text, ModelError)
    if not is_file(config_path):
        raise ModelError(
            f"There is no configuration at {config_path}: check the path, "
            f"or write {SAM2_CONFIG}FILE for a configuration of the sam2 package, {SAM_CONFIG} for SAM (version 1)."
        )
    return ModelFiles(path.stem, path.resolve(), config_path.resolve(), None)


def _with_card(path: Path) -> ModelFiles:
    """A checkpoint that was fine-tuned here: the card beside it names the known model whose configuration it has."""
    card = read_card(path)
    if card is None or card.architecture is None:
        raise ModelError(
            f"The checkpoint {path.name} needs its configuration: give the .yaml file that describes the model."
        )
    registry = load_registry()
    if card.architecture not in registry:
        raise ModelError(
            f"The card beside {path.name} names a model that is not known here: update PromptOnce, or give the .yaml "
            "file that describes the model."
        )
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(f"The file {path} cannot be read: check that you may read it.", str(error)) from error
    if found != card.sha256:
        raise ModelError(
            f"{path.name} is not the checkpoint that its card describes, or is damaged: bring both files again."
        )
    entry = registry.get(card.architecture)
    size = entry.image_size if entry.resized else None
    return ModelFiles(path.stem, path.resolve(), entry.config_location, card.sha256, size, entry.memory)


def architecture_of(files: ModelFiles) -> str | None:
    """Name of the first known model with the configuration and input size of these files; None where there is none."""
    for entry in load_registry().entries():
        size = entry.image_size if entry.resized else None
        if (entry.config_location, size) == (files.config, files.image_size):
            return entry.name
    return None


def licence_of(files: ModelFiles) -> str:
    """Licence of the weights, as the list of models or the card beside them says; "" where nothing says it."""
    card = read_card(files.checkpoint)
    if card is not None:
        return card.base.licence
    registry = load_registry()
    # A checkpoint of the user's has no SHA-256, whatever it is called.
    return registry.get(files.name).licence if files.sha256 is not None and files.name in registry else ""
