"""Which model is taken where none is named, and what is said of the demonstration model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from PromptOnceLib.errors import CheckpointError, InputError, ModelError
from PromptOnceLib.models import registry as registry_module
from PromptOnceLib.models.checkpoints import FOLDER_VARIABLE
from PromptOnceLib.models.default_model import (
    better_model,
    choose_model,
    chosen_model,
    default_model,
    demonstration_note,
)
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.registry import Registry, load_registry, resolve_model

CONTENT = b"weights"


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelEntry, ...]:
    """The registry's models, whose checkpoints are a few bytes long; the folder of checkpoints is tmp_path."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    facts = {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    real = load_registry()
    short = tuple(one if one.embedded or one.pointer else one.model_copy(update=facts) for one in real.models)
    monkeypatch.setattr(registry_module, "load_registry", lambda: Registry(models=short))
    return short


def bring(entries: tuple[ModelEntry, ...], name: str, folder: Path) -> ModelEntry:
    entry = next(one for one in entries if one.name == name)
    (folder / entry.file).write_bytes(CONTENT)
    return entry


def test_without_another_one_it_is_the_embedded_model(entries: tuple[ModelEntry, ...]) -> None:
    assert default_model(entries).name == "nano"
    assert resolve_model("auto").name == "nano"


def test_it_is_the_best_one_on_this_computer_at_the_size_it_was_trained_at(
    entries: tuple[ModelEntry, ...], tmp_path: Path
) -> None:
    for name, best in (("tiny", "tiny"), ("base_plus", "base_plus"), ("small", "base_plus")):
        bring(entries, name, tmp_path)
        assert resolve_model("auto").name == best


def test_an_unfinished_download_is_not_taken(entries: tuple[ModelEntry, ...], tmp_path: Path) -> None:
    (tmp_path / "sam2.1_hiera_tiny.pt").write_bytes(CONTENT[:3])
    assert default_model(entries).name == "nano"


def test_the_choice_of_the_user_goes_before_and_is_remembered(entries: tuple[ModelEntry, ...], tmp_path: Path) -> None:
    bring(entries, "large", tmp_path)
    tiny = bring(entries, "tiny", tmp_path)
    choose_model(tiny)
    assert (chosen_model(entries), default_model(entries)) == (tiny, tiny)
    choose_model(None)
    assert chosen_model(entries) is None
    assert default_model(entries).name == "large"
    choose_model(entries[0])
    assert resolve_model("auto").name == "nano"


def test_a_choice_that_cannot_be_kept_is_told(entries: tuple[ModelEntry, ...], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "models"):
        assert default_model(entries, folder).name == "nano"
        with pytest.raises(InputError, match="could not be written"):
            choose_model(entries[0], folder)


def test_a_choice_that_has_gone_away_does_not_stop_anybody(entries: tuple[ModelEntry, ...], tmp_path: Path) -> None:
    choose_model(bring(entries, "tiny", tmp_path))
    (tmp_path / "sam2.1_hiera_tiny.pt").unlink()
    assert default_model(entries).name == "nano"
    (tmp_path / "default-model.txt").write_bytes(b"\xff\xfe no name")
    assert chosen_model(entries) is None


def test_a_model_that_is_not_here_or_damaged_cannot_be_chosen(entries: tuple[ModelEntry, ...], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="download it"):
        choose_model(next(one for one in entries if one.name == "tiny"))
    tiny = bring(entries, "tiny", tmp_path)
    (tmp_path / tiny.file).write_bytes(CONTENT[::-1])
    with pytest.raises(ModelError, match="is not the model tiny"):
        choose_model(tiny)
    assert chosen_model(entries) is None


def test_in_place_of_the_demonstration_model_the_best_one_here_is_offered_or_the_smallest(
    entries: tuple[ModelEntry, ...], tmp_path: Path
) -> None:
    nano = entries[0]
    assert [one.name for one in (better_model(entries, nano),) if one] == ["tiny"]
    large = bring(entries, "large", tmp_path)
    assert better_model(entries, nano) == large
    assert better_model(entries, large) is None
    assert better_model(entries, None) is None


def test_only_results_of_the_demonstration_model_have_a_note() -> None:
    entries = load_registry().models
    assert demonstration_note(entries, "nano") == (
        "nano is a demonstration model, too weak for real work: take SAM 2.1 tiny (a download of 156 MB) or a larger "
        "one."
    )
    assert {demonstration_note(entries, name) for name in ("tiny", "medsam2", "my own")} == {""}
