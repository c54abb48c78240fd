"""What the registry says about one model."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, HttpUrl, model_validator

from PromptOnceLib.resources import resource
from PromptOnceLib.schema import StrictModel

SAM_CONFIG = "sam"
"""In the place of a configuration: the checkpoint is of SAM (version 1), and its weights tell the rest."""

SINGLE_SLICES_ONLY = (
    "The model {name} is SAM (version 1), which segments single slices and cannot propagate: choose a SAM 2 model, or "
    "prompt every slice by itself."
)

SAM2_CONFIG = "sam2:"
"""Prefix of a configuration that lies in configs/sam2.1 of the installed sam2 package; only the engine can open it."""


class MemorySettings(StrictModel):
    """What a pass remembers besides SAM 2's own rules, as phantoms have shown it to be good for a model.

    gate: only slices that the model was so sure of (0 to 1) are remembered beyond the next one. first_mask: the first
    mask is taken while tracking, instead of the best of three. agreed_mask: what three of the four masks agree on is
    taken instead. See engine/rules/memory_rules.py.
    """

    gate: float | None = Field(default=None, ge=0, le=1)
    first_mask: bool = False
    agreed_mask: bool = False


_PERMISSIVE = ("Apache-2.0", "MIT", "BSD-3-Clause")


class ModelEntry(StrictModel):
    """One model: where its checkpoint comes from, how to recognise it, and which configuration builds it.

    An embedded model ships with PromptOnce: file and config lie in Resources/Models, there is no url, and bytes and
    sha256 may be absent. Every other model has a url and the SHA-256 of its checkpoint, or the address of a pointer
    that says it (pointer.py); bytes is absent where the exact size is not known, and about_megabytes takes its place.
    config is a file in Resources/Models or in the sam2 package, or SAM_CONFIG. image_size is the side, in pixels, of
    the square to which the model scales every slice; resized: it is not that of the configuration, but of another model
    with the same file. memory: where SAM 2's own rules are not the best. title: what the model is called in a panel.
    rank: of the models on a computer the one of the highest is taken where none is named; never one of rank 0.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    rank: int = Field(default=0, ge=0)
    embedded: bool = False
    url: HttpUrl | None = None
    pointer: HttpUrl | None = None
    file: str = Field(pattern=r"^[A-Za-z0-9_.+-]+$")
    bytes: int | None = Field(default=None, gt=0)
    about_megabytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    config: str = Field(pattern=r"^([A-Za-z0-9_.+-]+\.yaml|sam)$")
    image_size: int = Field(gt=0, multiple_of=32)
    resized: bool = False
    memory: MemorySettings | None = None
    licence: str
    description: str

    @model_validator(mode="after")
    def _can_be_obtained(self) -> ModelEntry:
        if self.embedded:
            if self.url is not None:
                raise ValueError(f"{self.name}: an embedded model has no url")
            return self
        if self.url is None or (self.sha256 is None and self.pointer is None):
            raise ValueError(f"{self.name}: a model that is downloaded needs url, and sha256 or pointer")
        if self.bytes is None and self.about_megabytes is None:
            raise ValueError(f"{self.name}: a model that is downloaded needs bytes or about_megabytes")
        return self

    @property
    def megabytes(self) -> int | None:
        """Size for the user in megabytes (10^6 bytes); None for an embedded model whose size is not recorded."""
        return self.about_megabytes if self.bytes is None else round(self.bytes / 1e6)

    @property
    def config_location(self) -> Path | str:
        """Configuration: a path where it ships with PromptOnce, "sam2:FILE" for one of the sam2 package, SAM_CONFIG."""
        if self.config == SAM_CONFIG:
            return SAM_CONFIG
        own = resource("Models", self.config)
        return own if self.embedded or own.is_file() else SAM2_CONFIG + self.config

    @property
    def segments_single_slices(self) -> bool:
        """Whether the model knows single slices only, so that it cannot propagate."""
        return self.config == SAM_CONFIG

    @property
    def is_free_for_any_use(self) -> bool:
        """Whether the licence asks for nothing that a user has to decide on before the download."""
        return self.licence in _PERMISSIVE
