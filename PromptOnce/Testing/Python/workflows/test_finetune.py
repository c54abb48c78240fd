"""From cases to a checkpoint that loads by its card: split, figures, cancel, and nothing half written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker.disks import disk_prompt, stack_of
from worker.margins import QUICK, margin_slices

from PromptOnceLib.errors import (
    CancelledError,
    InputError,
    ModelError,
    NotImprovedError,
    OutputExistsError,
    TrainingError,
    WrongOrderError,
)
from PromptOnceLib.models.model_card import ModelCard, TrainingSettings, card_path, read_card
from PromptOnceLib.models.registry import architecture_of, licence_of, resolve_model
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows import finetune as finetune_module
from PromptOnceLib.workflows.finetune import TrainingCase, Watching, check_before, finetune
from PromptOnceLib.workflows.training_split import compared, split_cases

GROUPS = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=30)
PATIENT = "Doe^Jane"
QUIET = Watching()


def cases(count: int = 3) -> Iterator[TrainingCase]:
    for seed in range(count):
        frames, masks = margin_slices(4, seed)
        yield TrainingCase(f"{PATIENT} {seed}", frames, masks, (0, 1, 2, 3), f"{seed:064x}")


def train(segmenter: Segmenter, output: Path, watching: Watching = QUIET, epochs: int = QUICK.epochs) -> ModelCard:
    files = resolve_model("nano")
    segmenter.use_model(files, "cpu", "float32")
    return finetune(segmenter, files, cases(), QUICK.model_copy(update={"epochs": epochs}), output, watching)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuned")


@pytest.fixture
def tuned(folder: Path, shared_segmenter: Segmenter) -> Path:
    """Trained by the first test that asks for it."""
    path = folder / "margins.pt"
    if not path.exists():
        train(shared_segmenter, path)
    return path


def test_the_card_says_how_the_checkpoint_came_about_and_names_nobody(tuned: Path) -> None:
    card = read_card(tuned)
    assert card is not None
    assert (card.name, card.architecture, card.base.name, card.base.licence) == (
        "margins",
        "nano",
        "nano",
        "Apache-2.0",
    )
    assert card.base.sha256 == resolve_model("nano").sha256
    assert card.settings == QUICK
    assert sorted((case.role, case.slices, case.masks) for case in card.cases) == [
        ("training", 4, 4),
        ("training", 4, 4),
        ("validation", 4, 4),
    ]
    (figures,) = card.figures
    assert (figures.role, figures.cases, figures.masks, figures.over) == ("validation", 1, 4, "masks")
    assert figures.gain.mean == pytest.approx(figures.after.mean - figures.before.mean)
    assert figures.gain.low <= figures.gain.mean <= figures.gain.high
    assert figures.gain.mean > 0.1
    assert {"promptonce", "torch", "sam2"} <= set(card.versions)
    assert PATIENT not in card_path(tuned).read_text(encoding="utf-8")


def test_the_checkpoint_is_a_model_without_any_configuration_and_gives_other_masks(
    tuned: Path, shared_segmenter: Segmenter
) -> None:
    base, files = resolve_model("nano"), resolve_model(str(tuned))
    assert (files.config, files.image_size, files.memory) == (base.config, base.image_size, base.memory)
    frames, true = margin_slices(1, 7)
    prompt = Prompt(slice=0, objects=(ObjectPrompt(box=tight_box(true[0])),))
    found = []
    for model in (base, files):
        shared_segmenter.use_model(model, "cpu", "float32")
        shared_segmenter.use_stack(stack_of(frames))
        found.append(dice(shared_segmenter.predict(prompt).masks[0], true[0]) or 0.0)
    assert found[1] > found[0] + 0.1


def test_a_tuned_model_can_be_tuned_again_as_the_card_passes_on_what_it_was_made_from(tuned: Path) -> None:
    files = resolve_model(str(tuned))
    assert (architecture_of(files), licence_of(files)) == ("nano", "Apache-2.0")


def test_the_worker_holds_the_model_as_it_was_and_nothing_of_the_cases(
    shared_segmenter: Segmenter, tmp_path: Path
) -> None:
    before = shared_segmenter.predict(disk_prompt()).masks
    train(shared_segmenter, tmp_path / "margins.pt")
    left = [path.name for path in shared_segmenter.client.folder.iterdir()]
    assert not [name for name in left if not name.startswith("stack-")]
    assert np.array_equal(shared_segmenter.predict(disk_prompt()).masks, before)


@pytest.mark.parametrize("when", [1, 20])
def test_a_cancel_ends_it_in_the_middle_of_an_epoch_and_writes_nothing(
    shared_segmenter: Segmenter, tmp_path: Path, when: int
) -> None:
    seen: list[int] = []
    watching = Watching(lambda done, total: seen.append(done), should_cancel=lambda: len(seen) >= when)
    with pytest.raises(CancelledError, match="no model was written"):
        train(shared_segmenter, tmp_path / "margins.pt", watching, epochs=500)
    assert list(tmp_path.iterdir()) == []
    assert [path.name for path in shared_segmenter.client.folder.iterdir() if "stack" not in path.name] == []
    assert not shared_segmenter.predict(disk_prompt()).masks.all()


def test_progress_goes_forward_to_the_end(shared_segmenter: Segmenter, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    epochs: list[int] = []
    watching = Watching(lambda *now: seen.append(now), lambda epoch: epochs.append(epoch.epoch))
    train(shared_segmenter, tmp_path / "margins.pt", watching)
    total = seen[0][1]
    assert seen == [(done, total) for done in range(1, total + 1)]
    assert epochs == [1, 2]


def test_a_model_that_does_not_get_better_is_not_written(
    shared_segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QUICK.model_copy(update={"learning_rate": 1e-12, "epochs": 1})
    files = resolve_model("nano")
    shared_segmenter.use_model(files, "cpu", "float32")
    with pytest.raises(NotImprovedError, match="nothing was written"):
        finetune(shared_segmenter, files, cases(), settings, tmp_path / "margins.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(
    shared_segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    output = tmp_path / "margins.pt"
    output.write_bytes(b"earlier")
    monkeypatch.setattr(finetune_module.shutil, "copyfile", full)
    with pytest.raises(InputError, match="the disk is full"):
        train(shared_segmenter, output)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"margins.pt": b"earlier"}


def test_the_engine_trains_in_float32_alone(shared_segmenter: Segmenter, tmp_path: Path) -> None:
    files = resolve_model("nano")
    shared_segmenter.use_model(files, "cpu", "bfloat16")
    with pytest.raises(Exception, match="float32") as caught:
        finetune(shared_segmenter, files, cases(), QUICK, tmp_path / "margins.pt")
    assert caught.value.code == WrongOrderError.code  # type: ignore[attr-defined]


def test_what_cannot_be_done_is_found_before_the_work(tmp_path: Path) -> None:
    base = resolve_model("nano")
    with pytest.raises(InputError, match=r"\.pt or \.pth"):
        check_before(base, tmp_path / "model.onnx")
    (tmp_path / "model.card.json").write_text("{}")
    with pytest.raises(OutputExistsError):
        check_before(base, tmp_path / "model.pt")
    check_before(base, tmp_path / "model.pt", overwrite=True)
    (tmp_path / "lungs.pt").touch()
    with pytest.raises(InputError, match=r"card of lungs\.pth would be taken for that of lungs\.pt"):
        check_before(base, tmp_path / "lungs.pth", overwrite=True)
    with pytest.raises(InputError, match="is an input"):
        check_before(replace(base, checkpoint=tmp_path / "base.pt"), tmp_path / "base.pt", overwrite=True)
    with pytest.raises(ModelError, match="version 1"):
        check_before(replace(base, config="sam"), tmp_path / "model.pt", overwrite=True)


@given(GROUPS, st.integers(0, 100), st.sampled_from([0.05, 0.2, 0.5]), st.sampled_from([0.0, 0.25]))
def test_no_group_is_on_two_sides_and_every_side_has_somebody(
    groups: list[str], seed: int, validation: float, test: float
) -> None:
    settings = TrainingSettings(validation=validation, test=test, random_seed=seed)
    try:
        roles = split_cases(groups, settings)
    except TrainingError:
        different = len(set(groups) - {""}) + groups.count("")
        assert different - max(1, round(validation * different)) - bool(test) * max(1, round(test * different)) < 1
        return
    sides: dict[str, set[str]] = {}
    for place, (group, role) in enumerate(zip(groups, roles, strict=True)):
        sides.setdefault(group or f"case {place}", set()).add(role)
    assert all(len(side) == 1 for side in sides.values())
    assert set(roles) == {"training", "validation"} | ({"test"} if test else set())
    assert split_cases(groups, settings) == roles


def test_another_random_seed_splits_otherwise() -> None:
    splits = {tuple(split_cases([""] * 12, TrainingSettings(random_seed=seed))) for seed in range(5)}
    assert len(splits) > 1


def test_too_few_cases_are_told_with_what_is_needed() -> None:
    with pytest.raises(TrainingError, match=r"1 groups of cases \(patients\) cannot be split"):
        split_cases(["one", "one", "one"], TrainingSettings())


def test_intervals_are_over_cases_where_there_are_enough() -> None:
    before = [[0.5, 0.6]] * 6
    after = [[0.7, 0.6], [0.9, 0.8], [0.6, 0.6], [0.8, 0.8], [0.7, 0.7], [0.6, 0.7]]
    figures = compared("test", before, after)
    assert (figures.over, figures.cases, figures.masks) == ("cases", 6, 12)
    assert (figures.before.low, figures.before.mean, figures.before.high) == pytest.approx((0.55, 0.55, 0.55))
    assert figures.gain.low < figures.gain.mean < figures.gain.high
    assert figures.gain.mean == pytest.approx(np.mean(after) - 0.55)
    assert compared("test", before[:4], after[:4]).over == "masks"


def test_a_card_of_something_else_is_refused(tuned: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "margins.pt"
    checkpoint.write_bytes(tuned.read_bytes())
    with pytest.raises(ModelError, match="needs its configuration"):
        resolve_model(checkpoint)
    content = json.loads(card_path(tuned).read_text(encoding="utf-8"))
    for changed, sentence in (
        ({"sha256": "0" * 64}, "is not the checkpoint that its card describes"),
        ({"architecture": "huge"}, "a model that is not known here"),
        ({"architecture": None}, "needs its configuration"),
        ({"config": "/tmp/evil.yaml"}, "not a card that can be read here"),
        ({"version": 2}, "not a card that can be read here"),
    ):
        card_path(checkpoint).write_text(json.dumps({**content, **changed}), encoding="utf-8")
        with pytest.raises(ModelError, match=sentence):
            resolve_model(checkpoint)
    card_path(checkpoint).write_text(json.dumps(content), encoding="utf-8")
    assert resolve_model(checkpoint).sha256 == content["sha256"]
