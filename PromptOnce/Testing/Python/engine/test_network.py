"""Building models: several in one process, and what is refused."""

from __future__ import annotations

import re
import zipfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from engine.test_masks_equal_upstream import blobs, bright
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import _config_path, build_network, load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import ModelError, OutOfMemoryError
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.registry import ModelFiles, load_registry, resolve_model


@pytest.fixture
def nano() -> ModelFiles:
    return resolve_model("nano")


def with_files(nano: ModelFiles, checkpoint: Path | None = None, config: Path | None = None) -> ModelFiles:
    return ModelFiles(name="mine", checkpoint=checkpoint or nano.checkpoint, config=config or nano.config, sha256=None)


def test_models_of_two_configurations_live_in_one_process(nano: ModelFiles) -> None:
    first, tiny = load_model(nano), build_network("sam2:sam2.1_hiera_t.yaml")
    again = load_model(nano)
    assert (first.image_size, tiny.image_size, again.image_size) == (256, 1024, 256)
    assert first.parameters == again.parameters < sum(p.numel() for p in tiny.parameters())


def test_hydras_global_state_does_not_matter(nano: ModelFiles) -> None:
    GlobalHydra.instance().clear()
    assert load_model(nano).image_size == 256


@pytest.mark.parametrize(
    "entry",
    [entry for entry in load_registry().models if not entry.segments_single_slices],
    ids=lambda entry: entry.name,
)
def test_every_configuration_of_the_registry_is_there(entry: ModelEntry) -> None:
    config = _config_path(entry.config_location)
    assert (OmegaConf.load(config).model.image_size == entry.image_size) is not entry.resized


def test_the_configuration_for_512_pixels_is_sam2_s_but_for_two_values() -> None:
    ours = OmegaConf.to_container(OmegaConf.load(_config_path(load_registry().get("medsam2").config_location)).model)
    upstream = OmegaConf.load(_config_path("sam2:sam2.1_hiera_t.yaml")).model
    upstream.image_size = 512
    for name in ("self_attention", "cross_attention"):
        upstream.memory_attention.layer[name].feat_sizes = [32, 32]
    assert ours == OmegaConf.to_container(upstream)


def test_an_input_of_another_size_gives_the_masks_of_a_configuration_of_that_size(
    nano: ModelFiles, tmp_path: Path
) -> None:
    config = OmegaConf.load(nano.config)
    config.model.image_size = 128
    OmegaConf.save(config, tmp_path / "128.yaml")
    frames, found = blobs(5), []
    for files in (replace(nano, image_size=128), with_files(nano, config=tmp_path / "128.yaml")):
        model = load_model(files)
        assert model.image_size == 128
        outputs = Propagation(Tracker(model, on_cpu()), frames, pytest.fail).run(Task([bright(2)], 2, 0, 4))
        found.append(np.stack([output.masks for output in outputs]))
    np.testing.assert_array_equal(*found)
    assert found[0].any(axis=(1, 2, 3)).all()


def test_a_configuration_for_training_builds_the_same_network(nano: ModelFiles, tmp_path: Path) -> None:
    model = OmegaConf.load(nano.config).model
    model["_target_"] = "training.model.sam2.SAM2Train"
    model.image_size = "${scratch.resolution}"
    model.prob_to_use_pt_input_for_train = 0.5
    training = {"scratch": {"resolution": 256}, "trainer": {"_target_": "training.trainer.Trainer", "model": model}}
    OmegaConf.save(OmegaConf.create(training), tmp_path / "train.yaml")
    loaded = load_model(with_files(nano, config=tmp_path / "train.yaml"))
    assert loaded.image_size == 256
    assert loaded.parameters == load_model(nano).parameters


def test_a_configuration_for_training_may_not_name_anything_else(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("trainer:\n  model:\n    _target_: os.system\n    command: touch here\n")
    with pytest.raises(ModelError, match="not a part of SAM 2"):
        build_network(tmp_path / "train.yaml")


def test_the_embedded_model_is_small_and_what_its_entry_says(nano: ModelFiles) -> None:
    entry = load_registry().get("nano")
    assert nano.checkpoint.stat().st_size == entry.bytes < 10_000_000
    assert load_model(nano).image_size == entry.image_size


def test_a_damaged_checkpoint_is_refused(nano: ModelFiles, tmp_path: Path) -> None:
    bad = tmp_path / "cut.pt"
    bad.write_bytes(nano.checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelError, match="damaged"):
        load_model(with_files(nano, checkpoint=bad))


PREFIXES, KEYS = ("", "module.", "model.", "_orig_mod.", "model.module."), ("model", "state_dict", None)
QUICK = [("model", "module."), ("model", "_orig_mod."), ("state_dict", "model."), (None, ""), (None, "model.module.")]


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        pytest.param(key, prefix, marks=[] if (key, prefix) in QUICK else [pytest.mark.slow])
        for key in KEYS
        for prefix in PREFIXES
    ],
)
def test_a_checkpoint_as_training_scripts_save_it(
    nano: ModelFiles, tmp_path: Path, key: str | None, prefix: str
) -> None:
    weights = torch.load(nano.checkpoint, weights_only=True)["model"]
    named = {f"{prefix}{name}": value for name, value in weights.items()}
    state = {"epoch": 3, "best": {"loss": np.float64(0.3), "slices": np.int32(4)}, "optimizer": {"state": {}}}
    torch.save(named if key is None else {key: named, **state}, tmp_path / "a.pt")
    loaded = load_model(with_files(nano, checkpoint=tmp_path / "a.pt")).network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())


def test_the_numbers_of_older_numpy_are_known(nano: ModelFiles, tmp_path: Path) -> None:
    torch.save(
        {"model": torch.load(nano.checkpoint, weights_only=True)["model"], "loss": np.float64(0.3)}, tmp_path / "a.pt"
    )
    with zipfile.ZipFile(tmp_path / "a.pt") as old, zipfile.ZipFile(tmp_path / "b.pt", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("data.pkl"):
                content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
                assert b"numpy.core.multiarray" in content
            new.writestr(name, content)
    load_model(with_files(nano, checkpoint=tmp_path / "b.pt"))


def test_a_checkpoint_with_more_than_weights_is_told_from_a_damaged_one(nano: ModelFiles, tmp_path: Path) -> None:
    weights = torch.load(nano.checkpoint, weights_only=True)["model"]
    torch.save({"model": weights, "arguments": Namespace(lr=1)}, tmp_path / "a.pt")
    with pytest.raises(ModelError, match=r"more than weights \(argparse.Namespace\).*save its weights alone"):
        load_model(with_files(nano, checkpoint=tmp_path / "a.pt"))


NO_MEMORY = (
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
)
PLACES = ("torch.load", "PromptOnceLib.engine.network.instantiate", "torch.nn.Module.load_state_dict")


@pytest.mark.parametrize("error", NO_MEMORY)
@pytest.mark.parametrize("where", PLACES)
def test_too_little_memory_is_no_fault_of_the_files(
    nano: ModelFiles, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def no_memory(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(where, no_memory)
    with pytest.raises(OutOfMemoryError, match="not enough memory"):
        load_model(nano)


def test_a_checkpoint_with_code_in_it_is_refused(nano: ModelFiles, tmp_path: Path) -> None:
    bad, mark = tmp_path / "evil.pt", tmp_path / "executed"

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (mark,))

    torch.save({"model": Evil()}, bad)
    with pytest.raises(ModelError):
        load_model(with_files(nano, checkpoint=bad))
    assert not mark.exists()


def test_a_checkpoint_of_another_model_is_refused(nano: ModelFiles, tmp_path: Path) -> None:
    bad = tmp_path / "other.pt"
    torch.save({"model": {"layer.weight": torch.zeros(3)}}, bad)
    with pytest.raises(ModelError, match="does not fit"):
        load_model(with_files(nano, checkpoint=bad))


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "subprocess.Popen",
        "sam2.build_sam.build_sam2",
        "sam2.modeling.sam2_base.torch.hub._remove_if_exists",
        "sam2.modeling.sam2_base.trunc_normal_",
        "sam2.modeling.nothing.Here",
    ],
)
def test_a_configuration_may_only_name_parts_of_sam2(nano: ModelFiles, tmp_path: Path, target: str) -> None:
    config = OmegaConf.load(nano.config)
    config.model.image_encoder.trunk._target_ = target
    path = tmp_path / "evil.yaml"
    OmegaConf.save(config, path)
    with pytest.raises(ModelError, match="not a part of SAM 2"):
        build_network(path)


@pytest.mark.parametrize("text", ["", "model: 3", "model:\n  image_size: 4", "no: model", ": :"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ModelError):
        build_network(path)


@pytest.mark.parametrize("asked", ["num_layers: 4294967296", "stages: [1, 2, 4294967296, 1]"])
def test_a_configuration_with_layers_without_end_is_refused(nano: ModelFiles, tmp_path: Path, asked: str) -> None:
    key = asked.partition(":")[0]
    text = re.sub(rf"{key}: .*", asked, Path(nano.config).read_text(encoding="utf-8"))
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=rf"more layers \({key}\)"):
        build_network(tmp_path / "a.yaml")


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        build_network(tmp_path / "none.yaml")
