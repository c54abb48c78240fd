"""What is known of a fine-tuned checkpoint: the card beside it, which also says how the checkpoint is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from PromptOnceLib.errors import ModelError
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.schema import StrictModel

CARD_SUFFIX = ".card.json"
MAX_CARD_BYTES = 64 * 2**20

NOT_TUNABLE = "SAM (version 1) cannot be trained further here: choose a SAM 2 model."

Role = Literal["training", "validation", "test"]
"""What a case is for: to learn from; to choose the best epoch by; to be looked at before and after, and for nothing
else.
"""
ROLES: tuple[Role, ...] = ("training", "validation", "test")


class TrainingSettings(StrictModel):
    """How a mask decoder is trained: Huang et al. 2024, section 4.12, has 20 epochs, 1e-4 and 2.

    batch_size: masks a step. validation, test: shares of the cases. patience: epochs without a better one after which
    the training ends. jitter: how far, in parts of its width and height, each side of a box is moved at random.
    blend: share of the trained weights in the result, the rest being those from before (Wortsman et al. 2022, Robust
    fine-tuning of zero-shot models); 1 is best for images like those trained on, less forgets less of all others.
    random_seed: of the split, the order and the jitter.
    """

    epochs: int = Field(default=20, ge=1, le=10_000)
    learning_rate: float = Field(default=1e-4, gt=0, le=1)
    batch_size: int = Field(default=2, ge=1, le=1024)
    validation: float = Field(default=0.2, gt=0, lt=1)
    test: float = Field(default=0.0, ge=0, lt=1)
    patience: int = Field(default=5, ge=1)
    jitter: float = Field(default=0.05, ge=0, le=0.5)
    blend: float = Field(default=0.5, gt=0, le=1)
    random_seed: int = Field(default=0, ge=0, lt=2**32)


class CaseContent(StrictModel):
    """A case without its name, which may be that of a patient. sha256: of its voxels and its reference."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    role: Role
    slices: int
    masks: int


class MeanWithInterval(StrictModel):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


class BeforeAndAfter(StrictModel):
    """Dice of masks from exact boxes, before and after the training.

    masks, cases: how many. over: what the intervals were made over, cases where there are five or more, otherwise
    masks, which makes them too narrow.
    """

    role: Role
    cases: int
    masks: int
    before: MeanWithInterval
    after: MeanWithInterval
    gain: MeanWithInterval
    over: Literal["cases", "masks"]


class BaseModelRecord(StrictModel):
    """The model that was trained further. sha256: of its checkpoint; licence: of its weights, "" where unknown."""

    name: str
    sha256: str
    licence: str = ""


class ModelCard(StrictModel):
    """A fine-tuned checkpoint.

    architecture: name of the known model that has its configuration; None where that is a file of the user's. sha256:
    of the checkpoint. split_by: whether cases of one group were kept together. best_epoch, epochs: whose weights these
    are, and how many there were. versions: of programs; device: in words. created: date and time, UTC.
    """

    version: Literal[1] = 1
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    architecture: str | None
    base: BaseModelRecord
    trained: Literal["mask decoder"] = "mask decoder"
    settings: TrainingSettings
    split_by: Literal["case", "group"]
    cases: tuple[CaseContent, ...]
    figures: tuple[BeforeAndAfter, ...]
    best_epoch: int
    epochs: int
    versions: dict[str, str]
    device: str
    created: str


def card_path(checkpoint: Path) -> Path:
    """Where the card of a checkpoint lies: lungs.card.json beside lungs.pt."""
    return checkpoint.with_name(checkpoint.stem + CARD_SUFFIX)


def read_card(checkpoint: Path) -> ModelCard | None:
    """The card of a checkpoint, None where there is none. Raises ModelError for one that cannot be read."""
    path = card_path(checkpoint)
    if not path.is_file():
        return None
    try:
        check_ordinary(path, ModelError)
        if path.stat().st_size > MAX_CARD_BYTES:
            raise ModelError(f"{path.name} is too large to be the card of a model: remove it, or bring the right one.")
        return ModelCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"The card {path.name} of the model cannot be read: check that you may read it.") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()[:5])
        raise ModelError(
            f"{path.name} is not a card that can be read here: bring the one that was written beside the checkpoint, "
            "or update PromptOnce.",
            problems,
        ) from error
