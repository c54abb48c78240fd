"""What is kept about a case and about a run of a batch: record.json in a case's folder, run.json in the run's.

No tag of a patient and no path is ever put here: folders and files tend to be called after patients.
"""

from __future__ import annotations

import platform
import sys
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from PromptOnceLib.batch.priority import ReviewPriority
from PromptOnceLib.errors import RunFolderError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.metrics import Summary
from PromptOnceLib.segmentation.result import Totals

RUN_RECORD = "run.json"
CASE_RECORD = "record.json"
CASES = "cases"
CORRECTED = "corrected.seg.nrrd"
"""A corrected segmentation, beside the original in a case's folder."""
CORRECTED_SLICES = "corrected.csv"
"""The table of its slices."""

ReviewState = Literal["none", "accepted", "corrected"]
R = TypeVar("R", bound=StrictModel)


def _folder_name(name: str) -> str:
    if not name or name in (".", "..") or any(part in name for part in "/\\\0"):
        raise ValueError("the name of a case must be usable as a folder name")
    return name


CaseName = Annotated[str, AfterValidator(_folder_name)]


class SeedUse(StrictModel):
    """The entry of the seed library that a prompt came from. id: of its content."""

    name: str
    id: str = ""


class ModelUse(StrictModel):
    """The model. sha256: of its checkpoint, "" where it is not known."""

    name: str
    sha256: str = ""


class Review(StrictModel):
    """What a person said about the result. day: of the last change, ISO 8601, "" while nobody did."""

    state: ReviewState = "none"
    day: str = ""


class CaseIdentity(StrictModel):
    """What the caller of a run knows about a case and the run itself does not.

    case: name, unique in the run and usable as a folder name. image, reference, prompt: in words, of what kind they
    are; "" where there is no such thing. versions: of the program and its packages. round_trip: Dice of the seed
    slice's mask and the one that comes back to it when a result far away is carried back, None where that was not
    tried. load_seconds: what loading the model took, None where nobody measured it.
    """

    case: CaseName
    group: str = ""
    image: str = ""
    reference: str = ""
    prompt: str = ""
    seed: SeedUse | None = None
    model: ModelUse
    precision: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    round_trip: float | None = Field(default=None, ge=0, le=1)
    load_seconds: float | None = None


class Figures(StrictModel):
    """Figures of the whole stack, of the union of all objects; see segmentation.result.Totals."""

    slices: int
    computed_slices: int
    millilitres: float
    dice: float | None = None
    jaccard: float | None = None
    dice_per_slice: Summary | None = None
    jaccard_per_slice: Summary | None = None
    reference_slices_not_computed: int | None = None
    reference_millilitres: float | None = None
    measured: bool = True

    @property
    def volume(self) -> float | None:
        """The volume in ml; None for a single picture, which has no thickness, and where no pixel size is known."""
        return self.millilitres if self.slices > 1 and self.measured else None

    @classmethod
    def of(cls, totals: Totals, measured: bool = True) -> Figures:
        """The figures as a record. measured: whether the size of the voxels is known."""
        return cls(**vars(totals), measured=measured)


class ObjectFigures(StrictModel):
    """Figures of one object of a case. millilitres: None for pictures. dice to hausdorff95_mm: None without a reference
    of it. predicted_iou: mean over the slices where it was found, None where it was not. look_slice: to look at first.
    """

    name: str
    millilitres: float | None = None
    reference_millilitres: float | None = None
    dice: float | None = None
    jaccard: float | None = None
    hausdorff95_mm: float | None = None
    predicted_iou: float | None = None
    look_slice: int


class CaseRecord(StrictModel):
    """A case that was segmented, as its folder keeps it.

    status: "partial" where not all slices were computed because the run was cancelled. window: name of the mapping to
    grey. axis: "k", "j" or "i". seed_slice, slices of look_first: indices in the stack. seconds: of the propagation.
    finished: UTC, ISO 8601. objects: names. files: of the segmentation, in the case's folder. bytes: of all files in
    the folder but the record, by name; versions before 0.2 left it and per_object out. corrected: figures of the
    corrected segmentation, None while there is none; those of the result itself stay.
    """

    version: Literal[1] = 1
    identity: CaseIdentity
    status: Literal["complete", "partial"]
    objects: tuple[str, ...]
    files: tuple[str, ...]
    bytes: dict[str, int] = Field(default_factory=dict)
    window: str
    axis: str
    seed_slice: int
    device: str
    seconds: float
    finished: str
    figures: Figures
    per_object: tuple[ObjectFigures, ...] = ()
    look_first: ReviewPriority
    notices: tuple[str, ...] = ()
    review: Review = Review()
    corrected: Figures | None = None


class RunCase(StrictModel):
    """A case that a run is to do."""

    case: CaseName
    group: str = ""


class Failure(StrictModel):
    """A case without a result. code: stable; message: a sentence for the user. set_aside: it ended the worker twice."""

    case: CaseName
    status: Literal["failed", "set_aside"] = "failed"
    code: str
    message: str


class RunRecord(StrictModel):
    """A run of a batch.

    cases: in the order in which they are begun. source: in words, of what kind it is. options: without
    paths. machine: kind of system and processor, never a name. started, ended: UTC, ISO 8601; ended "" while it is not
    done.
    """

    version: Literal[1] = 1
    source: str = ""
    cases: tuple[RunCase, ...]
    options: dict[str, Any] = Field(default_factory=dict)
    model: ModelUse
    seeds: tuple[SeedUse, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    machine: str = ""
    started: str = ""
    ended: str = ""
    failures: tuple[Failure, ...] = ()


def now() -> str:
    """Date and time, UTC, as the records write them."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def machine_kind() -> str:
    """Kind of system, processor and Python, such as "Linux x86_64, Python 3.12"; nothing that names this computer."""
    return f"{platform.system()} {platform.machine()}, Python {sys.version_info[0]}.{sys.version_info[1]}"


def write_run_record(folder: Path, record: RunRecord) -> None:
    """Write or replace run.json. Raises RunFolderError where it cannot be written."""
    _write(folder / RUN_RECORD, record)


def read_run_record(folder: Path) -> RunRecord:
    """Read run.json. Raises RunFolderError where the folder is not that of a run, or of another version."""
    if not (folder / RUN_RECORD).is_file():
        what = "holds no run of a batch" if folder.is_dir() else "does not exist"
        raise RunFolderError(f"{folder} {what}: choose a folder that a batch wrote.")
    return _read(folder / RUN_RECORD, RunRecord)


def write_case_record(folder: Path, record: CaseRecord) -> None:
    """Write or replace record.json in a case's folder. Raises RunFolderError where it cannot be written."""
    _write(folder / CASE_RECORD, record)


def read_case_record(folder: Path) -> CaseRecord:
    """Read record.json of a case's folder. Raises RunFolderError where it is missing or damaged."""
    return _read(folder / CASE_RECORD, CaseRecord)


def is_whole(folder: Path) -> bool:
    """Whether the folder of a case holds a record that can be read, and all files with the sizes that it says."""
    try:
        record = read_case_record(folder)
        sizes = record.bytes or dict.fromkeys(record.files)
        for name, size in sizes.items():
            there = (folder / name).stat().st_size
            if not there or size not in (None, there):
                return False
    except (RunFolderError, OSError, ValueError):
        return False
    return True


def set_review(folder: Path, state: ReviewState, day: date | None = None) -> CaseRecord:
    """Note in a case's folder what a person said about it. day: today by default. Raises RunFolderError."""
    review = Review() if state == "none" else Review(state=state, day=(day or date.today()).isoformat())
    record = read_case_record(folder).model_copy(update={"review": review})
    write_case_record(folder, record)
    return record


def _write(path: Path, record: StrictModel) -> None:
    text = record.model_dump_json(indent=2)
    with replacing(path, error=RunFolderError) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")


def _read(path: Path, kind: type[R]) -> R:
    try:
        check_ordinary(path, RunFolderError)
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        # Never the values: they may come from anywhere.
        detail = (
            str(error.errors(include_input=False, include_url=False)[:5])
            if isinstance(error, ValidationError)
            else repr(error)
        )
        raise RunFolderError(
            f"{path.name} of {path.parent.name} cannot be read: it is missing, damaged or of another version.", detail
        ) from error
