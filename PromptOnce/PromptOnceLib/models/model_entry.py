"""What the registry says about one model."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, HttpUrl, model_validator

from PromptOnceLib.resources import resource
from PromptOnceLib.schema import StrictModel

SAM2_CONFIG = "sam2:"
"""Prefix of a configuration that lies in configs/sam2.1 of the installed sam2 package; only the engine can open it."""


class ModelEntry(StrictModel):
    """One model: where its checkpoint comes from, how to recognise it, and which configuration builds it.

    An embedded model ships with PromptOnce: file and config lie in Resources/Models, there is no url, and bytes and
    sha256 may be absent. Every other model has a url and the SHA-256 of its checkpoint; bytes is absent where the exact
    size is not known, and about_megabytes takes its place. config is then a file in the sam2 package. image_size is the
    side, in pixels, of the square to which the model scales every slice.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    embedded: bool = False
    url: HttpUrl | None = None
    file: str = Field(pattern=r"^[A-Za-z0-9_.+-]+$")
    bytes: int | None = Field(default=None, gt=0)
    about_megabytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    config: str = Field(pattern=r"^[A-Za-z0-9_.+-]+\.yaml$")
    image_size: int = Field(gt=0, multiple_of=32)
    licence: str
    description: str

    @model_validator(mode="after")
    def _can_be_obtained(self) -> ModelEntry:
        if self.embedded:
            if self.url is not None:
                raise ValueError(f"{self.name}: an embedded model has no url")
            return self
        if self.url is None or self.sha256 is None:
            raise ValueError(f"{self.name}: a model that is downloaded needs url and sha256")
        if self.bytes is None and self.about_megabytes is None:
            raise ValueError(f"{self.name}: a model that is downloaded needs bytes or about_megabytes")
        return self

    @property
    def megabytes(self) -> int | None:
        """Size for the user in megabytes (10^6 bytes); None for an embedded model whose size is not recorded."""
        return self.about_megabytes if self.bytes is None else round(self.bytes / 1e6)

    @property
    def config_location(self) -> Path | str:
        """Configuration: a path for an embedded model, "sam2:FILE" for one of the sam2 package."""
        return resource("Models", self.config) if self.embedded else SAM2_CONFIG + self.config
