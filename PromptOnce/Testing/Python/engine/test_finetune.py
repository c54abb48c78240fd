"""The training of a mask decoder: what changes and what does not, and that it helps on cases that were not seen."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion
from worker.margins import COLUMNS, QUICK, ROLES, ROWS, margin_slices

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.finetune import training as training_module
from PromptOnceLib.engine.finetune.decoder import FIXED, decode, decoder_of, drift, no_prompts, see
from PromptOnceLib.engine.finetune.training import Epoch, FineTuning, TrainingOutcome
from PromptOnceLib.engine.finetune.training_set import CaseSlices, SampleSet
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.errors import DiskFullError, NotImprovedError, TrainingError
from PromptOnceLib.models.model_card import Role, TrainingSettings
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.segmentation.metrics import dice

Weights = dict[str, torch.Tensor]
THREE_EPOCHS = QUICK.model_copy(update={"epochs": 3})
ONE_GENTLE_EPOCH = QUICK.model_copy(update={"epochs": 1, "learning_rate": 3e-4})


class CountingTracker(Tracker):
    """Counts the slices it encodes."""

    encoded = 0

    def encode(self, frame: np.ndarray) -> Features:
        self.encoded += 1
        return super().encode(frame)


@pytest.fixture(scope="module")
def tracker(nano: tuple[Model, Path]) -> CountingTracker:
    return CountingTracker(nano[0], on_cpu())


def case(role: Role, seed: int, slices: int = 4) -> CaseSlices:
    frames, masks = margin_slices(slices, seed)
    return CaseSlices(frames, np.packbits(masks, axis=-1), tuple(range(slices)), role)


def trained(
    tracker: Tracker,
    folder: Path,
    settings: TrainingSettings = QUICK,
    cases: list[CaseSlices] | None = None,
    limit: int = 2**30,
) -> tuple[TrainingOutcome, list[Epoch], Weights]:
    """The outcome, the epochs, and the weights that were written."""
    store = FeatureStore(folder, limit, lossless=True)
    chosen = [case(role, seed) for seed, role in enumerate(ROLES)] if cases is None else cases
    training = FineTuning(tracker, SampleSet(tracker, chosen, store), settings)
    pieces = list(training.run(folder / "tuned.pt"))
    epochs = [piece for piece in pieces if piece is not None]
    if len(epochs) == settings.epochs and training.outcome.best_epoch:
        assert len(pieces) - len(epochs) == training.total
    weights = torch.load(folder / "tuned.pt", weights_only=True)["model"] if training.outcome.best_epoch else {}
    return training.outcome, epochs, weights


@pytest.fixture(scope="module")
def quick(
    tracker: CountingTracker, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingOutcome, list[Epoch], Weights, Weights]:
    before = {name: weights.clone() for name, weights in tracker.model.network.state_dict().items()}
    tracker.encoded = 0
    found = trained(tracker, tmp_path_factory.mktemp("quick"), THREE_EPOCHS)
    assert tracker.encoded == 4 * len(ROLES)  # once each
    return (*found, before)


def test_only_the_decoder_changes_and_the_model_itself_does_not(
    tracker: Tracker, quick: tuple[TrainingOutcome, list[Epoch], Weights, Weights]
) -> None:
    *_, tuned, before = quick
    changed = {name for name in before if not torch.equal(before[name], tuned[name])}
    learning = {name for name in before if name.startswith("sam_mask_decoder.") and name.split(".")[1] not in FIXED}
    assert changed
    assert changed <= learning
    assert len(changed) > 0.8 * len(learning)
    assert set(tuned) == set(before)
    assert all(torch.equal(before[name], weights) for name, weights in tracker.model.network.state_dict().items())


def test_the_loss_falls_and_cases_that_nobody_looked_at_get_better_masks(
    quick: tuple[TrainingOutcome, list[Epoch], Weights, Weights],
) -> None:
    outcome, epochs, *_ = quick
    assert epochs[2].loss < epochs[0].loss
    assert [len(values) for values in outcome.before] == [len(values) for values in outcome.after] == [0, 0, 4, 4]
    for place in (2, 3):  # validation and test
        assert np.mean(outcome.after[place]) > np.mean(outcome.before[place]) + 0.1


@pytest.mark.slow
def test_the_same_random_seed_gives_the_same_weights_whatever_is_kept_of_the_features(
    tracker: CountingTracker, quick: tuple[TrainingOutcome, list[Epoch], Weights, Weights], tmp_path: Path
) -> None:
    tuned = quick[2]
    tracker.encoded = 0
    _, _, again = trained(tracker, tmp_path, THREE_EPOCHS, limit=0)
    assert tracker.encoded > 4 * len(ROLES)
    assert all(torch.equal(tuned[name], again[name]) for name in tuned)


@pytest.mark.parametrize("name", ["nano", "nano_encoding"])
def test_the_best_epoch_is_kept_and_the_training_ends_after_the_patience(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    # Validated by the disk alone: the better the margin is learned, the worse, at full size from the first epoch on.
    # With a part of the margin: better, until more is learned than that.
    tracker = Tracker(request.getfixturevalue(name)[0], on_cpu())
    frames, masks = margin_slices(4, 9)
    if name == "nano":
        masks = np.stack([binary_erosion(mask, iterations=2) for mask in masks])
    else:
        masks &= frames > 110
    validation = CaseSlices(frames, np.packbits(masks, axis=-1), (0, 1, 2, 3), "validation")
    cases = [case("training", 0), case("training", 1), validation]
    settings = QUICK.model_copy(update={"epochs": 30, "patience": 2})
    outcome, epochs, weights = trained(tracker, tmp_path, settings, cases)
    values = [np.mean(outcome.before[2]), *(epoch.dice for epoch in epochs)]
    assert outcome.epochs == len(epochs) == outcome.best_epoch + 2
    assert outcome.best_epoch == int(np.argmax(values))
    assert (outcome.best_epoch > 0) == (name == "nano")
    assert np.mean(outcome.after[2]) == max(values)
    assert (tmp_path / "tuned.pt").exists() == (outcome.best_epoch > 0) == bool(weights)


def test_the_weights_written_are_those_of_the_best_epoch(tracker: Tracker, own_nano: Model, tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"epochs": 3, "learning_rate": 2e-3})
    outcome, epochs, weights = trained(tracker, tmp_path, settings)
    best = Tracker(own_nano, on_cpu())
    best.model.network.load_state_dict(weights)
    seen, shape = case("validation", 2), (ROWS, COLUMNS)
    samples = SampleSet(best, [seen], FeatureStore(tmp_path, 0))
    found = []
    for sample in samples.samples["validation"]:
        output = best.segment(samples.features(sample), ObjectPrompt(box=sample.box), shape)
        found.append(dice(best.full_size_mask(output.logits, shape).numpy(), samples.mask(sample)))
    assert outcome.best_epoch == 1 + int(np.argmax([epoch.dice for epoch in epochs]))
    assert found == outcome.after[2]


def test_the_result_lies_between_the_weights_before_and_the_trained_ones(tracker: Tracker, tmp_path: Path) -> None:
    before = {name: weights.clone() for name, weights in tracker.model.network.state_dict().items()}
    all_of_it = trained(tracker, tmp_path, ONE_GENTLE_EPOCH.model_copy(update={"blend": 1.0}))[2]
    half = trained(tracker, tmp_path, ONE_GENTLE_EPOCH.model_copy(update={"blend": 0.5}))[2]
    for name, weights in before.items():
        assert torch.allclose(half[name], (weights + all_of_it[name]) / 2, atol=1e-7)


def test_drift_is_how_far_slices_without_a_prompt_are_decoded_otherwise(tracker: Tracker) -> None:
    decoder = copy.deepcopy(decoder_of(tracker))
    seen, nothing = see(tracker, [tracker.encode(margin_slices(1, 5)[0][0])]), no_prompts(tracker, 1)
    with torch.no_grad():
        before = decode(decoder_of(tracker), seen, nothing)
        assert drift(before, before).item() == 0
        for weights in decoder.parameters():
            weights += 0.02 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))
    optimiser, values = torch.optim.SGD(decoder.parameters(), lr=1e-3), list[float]()
    for _ in range(4):
        loss = drift(decode(decoder, seen, nothing), before)
        values.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimiser.step()
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0


def test_drift_is_a_part_of_the_loss(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = []
    for value in (0.0, 5.0):
        monkeypatch.setattr(training_module, "drift", lambda now, before, value=value: torch.tensor(value))
        losses.append(trained(tracker, tmp_path, QUICK.model_copy(update={"epochs": 1}))[1][0].loss)
    assert losses[1] - losses[0] == pytest.approx(5, abs=1e-5)


def test_boxes_move_within_the_slice_and_by_no_more_than_they_are_told_to(tracker: Tracker, tmp_path: Path) -> None:
    mask = np.zeros((1, 48, 60), bool)
    mask[0, 30:48, 0:20] = True
    one = CaseSlices(np.zeros((1, 48, 60), np.uint8), np.packbits(mask, axis=-1), (0,), "training")
    (sample,) = SampleSet(tracker, [one], FeatureStore(tmp_path, 0)).samples["training"]
    rng = np.random.default_rng(0)
    boxes = [sample.jittered(rng, 0.1, (48, 60)) for _ in range(50)]
    for wanted, reach, values in (
        (0, 2.0, [box.x0 for box in boxes]),
        (20, 2.0, [box.x1 for box in boxes]),
        (30, 1.8, [box.y0 for box in boxes]),
        (48, 1.8, [box.y1 for box in boxes]),
    ):
        assert len(set(values)) > 10
        assert max(abs(value - wanted) for value in values) <= reach
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.y1 for box in boxes) <= 48
    assert sample.jittered(rng, 0.0, (48, 60)) == sample.box


def test_a_loss_that_is_no_number_ends_it(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_module, "box_loss", lambda found, target: found.logits.sum() * torch.nan)
    with pytest.raises(NotImprovedError, match="lower the learning rate"):
        trained(tracker, tmp_path)
    assert not (tmp_path / "tuned.pt").exists()


def test_a_full_disk_leaves_nothing(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(content: object, stream: object) -> None:
        stream.write(b"half")  # type: ignore[attr-defined]
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskFullError):
        trained(tracker, tmp_path, ONE_GENTLE_EPOCH)
    assert not (tmp_path / "tuned.pt").exists()


def test_features_make_room_for_the_weights(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[list[str]] = []
    monkeypatch.setattr(torch, "save", lambda *_: there.append([path.name for path in tmp_path.iterdir()]))
    samples = SampleSet(tracker, [case(role, seed) for seed, role in enumerate(ROLES)], FeatureStore(tmp_path))
    training = FineTuning(tracker, samples, ONE_GENTLE_EPOCH)
    kept = [samples.kept for _ in training.run(tmp_path / "tuned.pt")]
    assert kept[-1] == 4 * len(ROLES)
    assert there == [["tuned.pt"]]


def test_masks_that_do_not_go_with_the_slices_and_missing_roles_are_refused(tracker: Tracker, tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, 0)
    good = case("training", 0)
    for masks, slices in ((good.masks[:, :9], good.slices), (good.masks, (0, 1, 2, 4)), (good.masks * 0, good.slices)):
        with pytest.raises(TrainingError):
            SampleSet(tracker, [CaseSlices(good.frames, masks, slices, "training")], store)
    with pytest.raises(TrainingError):
        FineTuning(tracker, SampleSet(tracker, [good], store), QUICK)
