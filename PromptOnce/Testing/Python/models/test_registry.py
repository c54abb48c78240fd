"""The models that ship with the registry, and finding the files of a model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from PromptOnceLib.errors import CheckpointError, ModelError
from PromptOnceLib.models import registry as registry_module
from PromptOnceLib.models.checkpoints import FOLDER_VARIABLE
from PromptOnceLib.models.default_model import choose_model
from PromptOnceLib.models.model_entry import MemorySettings, ModelEntry
from PromptOnceLib.models.registry import ModelFiles, Registry, load_registry, resolve_model
from PromptOnceLib.resources import resource

SAM21 = {
    "tiny": (
        "sam2.1_hiera_tiny.pt",
        156008466,
        156,
        "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69",
        "sam2.1_hiera_t.yaml",
    ),
    "small": (
        "sam2.1_hiera_small.pt",
        184416285,
        184,
        "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38",
        "sam2.1_hiera_s.yaml",
    ),
    "base_plus": (
        "sam2.1_hiera_base_plus.pt",
        None,
        324,
        "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5",
        "sam2.1_hiera_b+.yaml",
    ),
    "large": (
        "sam2.1_hiera_large.pt",
        898083611,
        898,
        "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318",
        "sam2.1_hiera_l.yaml",
    ),
}
SAM = {
    "sam_b": (
        "sam_vit_b_01ec64.pth",
        375042383,
        375,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    "sam_l": (
        "sam_vit_l_0b3195.pth",
        1249524607,
        1250,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    "sam_h": (
        "sam_vit_h_4b8939.pth",
        2564550879,
        2565,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
}
BASE_URL = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "own.yaml"
    file.write_text("model: {}\n")
    return file


@pytest.fixture
def own_checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "MedSAM2_latest.pt"
    file.write_bytes(b"weights")
    return file


@pytest.fixture
def with_small_tiny(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Replace the registry by one whose tiny is a few bytes long; gives the bytes."""
    content = b"the weights of tiny"
    entry = load_registry().get("tiny")
    changed = entry.model_copy(update={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    monkeypatch.setattr(registry_module, "load_registry", lambda: Registry(models=(changed,)))
    return content


def test_the_registry_holds_the_embedded_model_sam_2_1_at_two_sizes_medsam2_and_sam() -> None:
    names = load_registry().names
    assert names[:5] == ["nano", "tiny", "small", "base_plus", "large"]
    assert names[5:9] == ["tiny_512", "small_512", "base_plus_512", "large_512"]
    assert names[9:13] == ["medsam2", "medsam2_ct_lesion", "medsam2_mr_liver_lesion", "medsam2_us_heart"]
    assert names[13:] == ["sam_b", "sam_l", "sam_h"]


@pytest.mark.parametrize("name", SAM21)
def test_each_sam_2_1_model_has_its_published_file_size_hash_and_configuration(name: str) -> None:
    entry = load_registry().get(name)
    assert (entry.file, entry.bytes, entry.megabytes, entry.sha256, entry.config) == SAM21[name]
    assert str(entry.url) == BASE_URL + entry.file
    assert entry.config_location == f"sam2:{entry.config}"
    assert (entry.image_size, entry.licence, entry.embedded) == (1024, "Apache-2.0", False)


@pytest.mark.parametrize("name", SAM)
def test_each_sam_model_has_its_published_file_size_and_hash_and_knows_single_slices_alone(
    name: str, tmp_path: Path
) -> None:
    entry = load_registry().get(name)
    assert (entry.file, entry.bytes, entry.megabytes, entry.sha256) == SAM[name]
    assert str(entry.url) == f"https://dl.fbaipublicfiles.com/segment_anything/{entry.file}"
    assert (entry.config_location, entry.image_size, entry.licence, entry.rank) == ("sam", 1024, "Apache-2.0", 0)
    assert entry.segments_single_slices
    with pytest.raises(CheckpointError, match=r"not on this computer: .* segments single slices and cannot propagate"):
        resolve_model(name, folder=tmp_path)
    with pytest.raises(ModelError, match=f"{name} is SAM .* cannot propagate"):
        choose_model(entry)


def test_a_checkpoint_of_sam_needs_no_configuration_but_its_word(own_checkpoint: Path) -> None:
    files = resolve_model(own_checkpoint, "sam")
    assert (files.config, files.segments_single_slices) == ("sam", True)
    with pytest.raises(ModelError, match="cannot propagate"):
        files.check_propagates()
    resolve_model("nano").check_propagates()


@pytest.mark.parametrize("name", SAM21)
def test_a_model_at_another_size_is_the_same_file(name: str) -> None:
    registry = load_registry()
    large, small = registry.get(name), registry.get(f"{name}_512")
    same = ("url", "file", "bytes", "about_megabytes", "sha256", "config", "licence")
    assert [getattr(small, key) for key in same] == [getattr(large, key) for key in same]
    assert (small.image_size, small.resized, small.rank) == (512, True, 0)
    assert not large.resized


def test_the_size_goes_with_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"the weights of tiny"
    entries = [
        load_registry()
        .get(name)
        .model_copy(update={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        for name in ("tiny", "tiny_512")
    ]
    monkeypatch.setattr(registry_module, "load_registry", lambda: Registry(models=tuple(entries)))
    (tmp_path / "sam2.1_hiera_tiny.pt").write_bytes(content)
    large, small = (resolve_model(name, folder=tmp_path) for name in ("tiny", "tiny_512"))
    assert (large.image_size, small.image_size) == (None, 512)
    assert large.sha256 == small.sha256
    assert (large.encoder_key, small.encoder_key) == (large.sha256, f"{large.sha256}-512")


def test_features_of_a_checkpoint_nobody_has_compared_have_no_key(tmp_path: Path) -> None:
    assert ModelFiles("mine", tmp_path / "mine.pt", "sam2:sam2.1_hiera_t.yaml", None, 512).encoder_key is None


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("medsam2", "MedSAM2_latest.pt"),
        ("medsam2_ct_lesion", "MedSAM2_CTLesion.pt"),
        ("medsam2_mr_liver_lesion", "MedSAM2_MRI_LiverLesion.pt"),
        ("medsam2_us_heart", "MedSAM2_US_Heart.pt"),
    ],
)
def test_medsam2_is_pinned_by_the_revision_of_its_pointer(name: str, file: str) -> None:
    entry = load_registry().get(name)
    hub, revision = "https://huggingface.co/wanglab/MedSAM2", "e4a6f35edd7e091619cbc0750f462f1574e23955"
    assert (str(entry.url), str(entry.pointer)) == (f"{hub}/resolve/{revision}/{file}", f"{hub}/raw/{revision}/{file}")
    assert (entry.file, entry.megabytes, entry.sha256, entry.image_size) == (file, 156, None, 512)
    assert entry.licence == "CC BY-SA 4.0"
    assert not entry.is_free_for_any_use
    assert entry.config_location == resource("Models", "sam2.1_hiera_t512.yaml")


def test_the_embedded_model_has_its_configuration_in_the_resources_and_no_address() -> None:
    entry = load_registry().get("nano")
    assert entry.embedded
    assert entry.url is None
    assert entry.config_location == resource("Models", "nano.yaml")
    assert entry.memory == MemorySettings(agreed_mask=True)
    assert f"image_size: {entry.image_size}" in resource("Models", "nano.yaml").read_text()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no model called huge.*nano, tiny, small, base_plus, large"):
        load_registry().get("huge")


def test_a_mistyped_name_is_not_taken_for_a_path() -> None:
    with pytest.raises(ModelError, match="Known models"):
        resolve_model("tinny")


def test_a_model_that_is_not_here_is_answered_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        resolve_model("tiny", folder=tmp_path)
    assert caught.value.message == "The model tiny is not on this computer: download it (156 MB)."


def test_a_model_by_name_gives_checkpoint_configuration_and_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_small_tiny: bytes
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "sam2.1_hiera_tiny.pt").write_bytes(with_small_tiny)
    files = resolve_model("tiny")
    assert files.name == "tiny"
    assert files.checkpoint == tmp_path / "sam2.1_hiera_tiny.pt"
    assert files.config == "sam2:sam2.1_hiera_t.yaml"
    assert files.sha256 == hashlib.sha256(with_small_tiny).hexdigest()


def test_a_file_of_the_right_size_and_wrong_content_is_not_used(tmp_path: Path, with_small_tiny: bytes) -> None:
    (tmp_path / "sam2.1_hiera_tiny.pt").write_bytes(with_small_tiny[::-1])
    with pytest.raises(ModelError, match="is not the model tiny"):
        resolve_model("tiny", folder=tmp_path)


def test_a_name_brings_its_own_configuration(tmp_path: Path, config: Path) -> None:
    with pytest.raises(ModelError, match="its own configuration"):
        resolve_model("tiny", config, folder=tmp_path)


def test_a_checkpoint_by_path_takes_the_name_of_its_file(own_checkpoint: Path, config: Path) -> None:
    files = resolve_model(own_checkpoint, config)
    assert (files.name, files.checkpoint, files.config) == ("MedSAM2_latest", own_checkpoint, config)
    assert files.sha256 is None


def test_a_checkpoint_by_path_may_use_a_configuration_of_the_sam2_package(own_checkpoint: Path) -> None:
    assert resolve_model(str(own_checkpoint), "sam2:sam2.1_hiera_t.yaml").config == "sam2:sam2.1_hiera_t.yaml"


def test_a_checkpoint_that_may_not_be_read_is_told(
    own_checkpoint: Path, config: Path, closed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="no checkpoint at"):
        resolve_model(closed_folder / "own.pt", config)
    with pytest.raises(ModelError, match="no configuration at"):
        resolve_model(own_checkpoint, closed_folder / "own.yaml")

    def forbidden(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    card = SimpleNamespace(architecture="tiny", sha256="0" * 64)
    monkeypatch.setattr(registry_module, "read_card", lambda path: card)
    monkeypatch.setattr(registry_module, "file_sha256", forbidden)
    with pytest.raises(ModelError, match="cannot be read"):
        resolve_model(own_checkpoint)


def test_a_checkpoint_by_path_needs_a_configuration(own_checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=r"needs its configuration.*\.yaml"):
        resolve_model(own_checkpoint)


def test_a_configuration_that_is_not_there_is_named(own_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no configuration at .*absent\.yaml"):
        resolve_model(own_checkpoint, tmp_path / "absent.yaml")


@pytest.mark.parametrize("path", ["absent.pt", "folder/absent"])
def test_a_checkpoint_that_is_not_there_is_named(path: str, config: Path) -> None:
    with pytest.raises(ModelError, match=r"no checkpoint at .*absent"):
        resolve_model(path, config)


def test_two_models_with_one_file_are_refused() -> None:
    tiny = load_registry().get("tiny")
    with pytest.raises(ValidationError, match="share a name or a file"):
        Registry(models=(tiny, tiny.model_copy(update={"name": "other"})))


@pytest.mark.parametrize("absent", ["url", "sha256", "bytes"])
def test_a_downloadable_model_without_address_hash_or_size_is_refused(absent: str) -> None:
    fields = load_registry().get("tiny").model_dump()
    with pytest.raises(ValidationError, match="needs"):
        ModelEntry.model_validate({**fields, absent: None})


@pytest.mark.parametrize("name", ["../tiny.pt", "models/tiny.pt", "C:\\tiny.pt", ""])
def test_a_file_name_that_leaves_the_folder_is_refused(name: str) -> None:
    fields = load_registry().get("tiny").model_dump()
    with pytest.raises(ValidationError, match="file"):
        ModelEntry.model_validate({**fields, "file": name})


def test_an_embedded_model_without_a_recorded_hash_only_has_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nano = load_registry().get("nano").model_copy(update={"sha256": None, "bytes": None})
    monkeypatch.setattr(registry_module, "load_registry", lambda: Registry(models=(nano,)))
    monkeypatch.setattr("PromptOnceLib.models.checkpoints.resource", lambda *parts: tmp_path / parts[-1])
    with pytest.raises(ModelError, match="install PromptOnce again"):
        resolve_model("nano")
    (tmp_path / "nano.pt").write_bytes(b"weights")
    assert resolve_model("nano").checkpoint == tmp_path / "nano.pt"
    assert [file.name for file in tmp_path.iterdir()] == ["nano.pt"]
