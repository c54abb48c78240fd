"""Errors a user can meet: a stable code, a sentence for the user, a detail for the log."""

from __future__ import annotations

from collections.abc import Sequence


class PromptOnceError(Exception):
    """Base of all errors the extension raises on purpose.

    message: one sentence that says what is wrong and what to do. detail: technical context for the log, never shown
    as the main text and never holding anything that identifies a patient.
    """

    code = "failed"

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class InputError(PromptOnceError):
    """What the user gave cannot be used; the command line ends with status 2."""

    code = "bad_input"


def check_choice(
    name: str, value: object, known: Sequence[str | None], error: type[InputError] = InputError, more: str = ""
) -> None:
    """Raise `error` where a script gives a value that there is not. known: the words; more: what else there is."""
    if value not in known:
        *others, last = [word for word in known if word is not None] + ([more] if more else [])
        raise error(f"{name} cannot be {str(value)[:40]!r}: it is {', '.join(others)} or {last}.")


class VolumeError(InputError):
    """The image cannot be read or is of a kind that is not supported."""

    code = "bad_volume"


class SeveralVolumesError(VolumeError):
    """A file or folder holds several volumes, or none of the name that was given; the message lists them."""

    code = "several_volumes"


class GeometryError(InputError):
    """Two images do not lie in the same space, or a geometry is not invertible."""

    code = "bad_geometry"


class PromptError(InputError):
    """The prompt does not fit the image or holds nothing to segment."""

    code = "bad_prompt"


class SeedError(InputError):
    """A seed, the library or an archive of seeds cannot be used, or a seed does not fit the image."""

    code = "bad_seed"


class SegmentationFileError(InputError):
    """A segmentation or a reference cannot be read or written."""

    code = "bad_segmentation"


class RunFolderError(InputError):
    """A folder is not that of a batch's run, or what lies in it cannot be used."""

    code = "bad_run_folder"


class RunExistsError(RunFolderError):
    """A folder holds a run already, and it was not asked to resume it."""

    code = "run_exists"


class EmptyArmError(InputError):
    """An arm of a study has no values, or two have none in common: there is nothing to compare or to draw."""

    code = "empty_arm"


class ModelError(InputError):
    """A model is unknown, or its checkpoint is missing or does not fit its configuration."""

    code = "bad_model"


class CheckpointError(ModelError):
    """The checkpoint of a model that can be downloaded is missing or damaged; model: its name."""

    code = "bad_checkpoint"

    def __init__(self, message: str, detail: str = "", model: str = "") -> None:
        super().__init__(message, detail)
        self.model = model


class TrainingError(InputError):
    """The cases do not suffice to train a model."""

    code = "bad_training_data"


class NotImprovedError(PromptOnceError):
    """A training led to no better model."""

    code = "not_improved"


class DownloadError(PromptOnceError):
    """A checkpoint could not be downloaded or is not the file it should be."""

    code = "download_failed"


class WorkerError(PromptOnceError):
    """The worker process could not be started, died, or broke the protocol."""

    code = "worker_failed"


class OutOfMemoryError(PromptOnceError):
    """The device has not enough memory, even after all fallbacks."""

    code = "out_of_memory"


class CancelledError(PromptOnceError):
    """The user cancelled; what was done until then is kept."""

    code = "cancelled"


class EngineError(PromptOnceError):
    """The Python environment of the worker cannot be made, or does not work."""

    code = "engine_failed"


class BadMessageError(WorkerError):
    """A line that is not a message of this protocol."""

    code = "bad_message"


class WrongOrderError(WorkerError):
    """A request that needs a model or a stack came before them."""

    code = "wrong_order"


class EngineMissingError(WorkerError):
    """No Python with torch and sam2 was found, or the one that was found cannot load them."""

    code = "engine_missing"


class UnknownVersionError(WorkerError):
    """The client speaks another version of the protocol."""

    code = "unknown_version"


class ManifestError(InputError):
    """A manifest with mistakes; the message lists them with line and column."""

    code = "bad_manifest"


class ReaderCrashError(VolumeError):
    """An image ends the program that reads it."""

    code = "crashes_reader"


class ResultsFolderError(PromptOnceError):
    """The results cannot be written for another reason; the run stops."""

    code = "cannot_write"


class DiskFullError(PromptOnceError):
    """The results find no room; the run stops."""

    code = "disk_full"


class MissingPackageError(PromptOnceError):
    """An optional package is not installed; package: its name."""

    code = "package_missing"

    def __init__(self, message: str, detail: str = "", package: str = "") -> None:
        super().__init__(message, detail)
        self.package = package


class OutputExistsError(InputError):
    """A file that is to be written is there already, and nobody asked to replace it."""

    code = "output_exists"
