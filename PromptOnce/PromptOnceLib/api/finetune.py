"""Train a model further on one's own images and references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PromptOnceLib.api.images import Image, Labels3D, any_volume, labels_on
from PromptOnceLib.api.loaded_model import OnCancel, OnProgress
from PromptOnceLib.batch.training_cases import plan_training, read_training_cases, training_case, training_reference
from PromptOnceLib.environment.engine_python import found_interpreter
from PromptOnceLib.errors import InputError, PromptOnceError, TrainingError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.models.model_card import ModelCard, TrainingSettings
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.schema import from_script
from PromptOnceLib.workflows.finetune import TrainingCase, Watching, check_before
from PromptOnceLib.workflows.finetune import finetune as train
from PromptOnceLib.workflows.start_worker import EngineOptions, start_segmenter
from PromptOnceLib.workflows.training_split import split_cases

_DEFAULTS = TrainingSettings()


def finetune(
    data: str | Path | Sequence[tuple[Image, Labels3D]],
    output: str | Path,
    *,
    reference: str | None = None,
    images: str | None = None,
    labels: Sequence[str] = (),
    axis: str = "auto",
    window: str = "auto",
    model: str | Path = "auto",
    config: str | Path | None = None,
    device: str = "auto",
    python: str | Path | None = None,
    epochs: int = _DEFAULTS.epochs,
    learning_rate: float = _DEFAULTS.learning_rate,
    batch_size: int = _DEFAULTS.batch_size,
    validation: float = _DEFAULTS.validation,
    test: float = _DEFAULTS.test,
    patience: int = _DEFAULTS.patience,
    jitter: float = _DEFAULTS.jitter,
    blend: float = _DEFAULTS.blend,
    random_seed: int = _DEFAULTS.random_seed,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    on_notice: Callable[[str], object] | None = None,
    should_cancel: OnCancel | None = None,
) -> ModelCard:
    """Train the mask decoder of a model further, with boxes as prompts, and write it.

    Image and prompt encoders stay as they are. Learned from are all slices on which an object has at least 50 pixels.
    The best epoch by the validation cases is written, with its card beside it, lungs.card.json beside lungs.pt; the
    file is then a ``model`` for all verbs.

    Parameters
    ----------
    data : path, or sequence of pairs
        A folder of images with references; a manifest; or pairs of an image and its reference, a path or what is in
        memory. In references every label is an object; "FILE:1,2" makes one of two labels.
    output : str or Path
        The checkpoint, .pt or .pth.
    reference, images : str, optional
        Patterns for a folder, such as "{case}_lung.nii.gz:1,2".
    labels : sequence of str, optional
        For a folder or manifest: labels of one object each, such as ["1,2", "5"].
    axis, window, model, config, device, python
        As ``segment`` and ``Session`` take them.
    epochs, learning_rate, batch_size : optional
        How often all slices are learned from at most, how fast, and how many masks a step.
    validation, test : float, optional
        Shares of the cases that the best epoch is chosen by, and that are only looked at before and after.
    patience : int, optional
        End after so many epochs without a better one.
    jitter : float, optional
        How far the sides of boxes are moved at random, in parts of their width and height.
    blend : float, optional
        Share of the trained weights in the result, the rest being those from before: 1 is best for images like these,
        less forgets less of others.
    random_seed : int, optional
        Of the split, the order of the slices and the jitter; the card records it.
    overwrite : bool, optional
        Replace files that are there.
    on_progress : callable, optional
        Is called with how much of all the work is done, and how much there is.
    on_notice : callable, optional
        Takes sentences, such as on cases that were left out. Without it the last of them is part of a TrainingError.
    should_cancel : callable, optional
        Is asked often; once it returns True the training ends, and nothing is written.

    Returns
    -------
    ModelCard
        ``figures`` with the Dice before and after, and everything else that the card beside the file holds.

    Raises
    ------
    TrainingError
        Where there are too few cases.
    NotImprovedError
        Where no epoch is better than the model as it was.
    InputError, ModelError, WorkerError, OutOfMemoryError, CancelledError
        And nothing is written then.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> cases = [po.phantom(number, slices=4) for number in range(3)]
    >>> how = {"model": "nano", "device": "cpu", "window": "soft-tissue"}
    >>> card = po.finetune(cases, "organs.pt", epochs=1, learning_rate=3e-4, **how)
    >>> card.figures[0].gain.mean > 0, card.best_epoch
    (True, 1)
    """
    chosen = from_script(
        TrainingSettings,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        validation=validation,
        test=test,
        patience=patience,
        jitter=jitter,
        blend=blend,
        random_seed=random_seed,
    )
    unheard: list[str] = []
    notify = on_notice or unheard.append
    target = expanded(output).absolute()
    cases: Iterator[TrainingCase]
    if isinstance(data, str | Path):
        plan = plan_training(expanded(data), chosen, reference, images, labels, axis, window)
        cases = read_training_cases(plan, notify)
    else:
        _check_pairs(data, reference, images, labels)
        split_cases([""] * len(data), chosen)
        cases = _of_pairs(data, axis, window, notify)
    files = resolve_model(str(model), config)
    check_before(files, target, overwrite)
    segmenter = start_segmenter(files, EngineOptions(device, "float32"), found_interpreter(python), notify)
    try:
        watching = Watching(
            on_progress or (lambda done, total: None),
            on_notice=notify,
            should_cancel=should_cancel or (lambda: False),
        )
        return train(segmenter, files, cases, chosen, target, watching)
    except TrainingError as error:  # for want of those that were left out, which nobody has been told yet
        raise TrainingError(" ".join([error.message, *unheard[-1:]]), error.detail) from error
    finally:
        segmenter.client.close()


def _check_pairs(data: object, *of_files: object) -> None:
    """Raises InputError for what is no list of pairs, and for choices that go with files alone."""
    if not isinstance(data, Sequence) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in data):
        raise InputError("data is neither a path nor a list of pairs of an image and its reference.")
    if any(of_files):
        raise InputError(
            "reference, images and labels go with a folder or a manifest; of pairs, name labels with each reference."
        )


def _of_pairs(
    pairs: Sequence[tuple[Image, Labels3D]], axis: str, window: str, notify: Callable[[str], object]
) -> Iterator[TrainingCase]:
    for number, (image, reference) in enumerate(pairs, start=1):
        try:
            volume = any_volume(image)
            found = (
                training_reference(str(reference), volume)
                if isinstance(reference, str | Path)
                else labels_on(reference, volume, lambda notice: None)
            )
            yield training_case(volume, found, axis, window)
        except PromptOnceError as error:
            notify(f"Image {number} is left out: {error.message}")
