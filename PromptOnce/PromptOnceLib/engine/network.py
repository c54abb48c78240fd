"""Models of SAM 2's architecture from a checkpoint and a configuration, several in one process."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import logging
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from sam2.modeling.sam2_base import SAM2Base

from PromptOnceLib.engine.devices import is_out_of_memory
from PromptOnceLib.errors import ModelError, OutOfMemoryError
from PromptOnceLib.models.registry import ModelFiles

logger = logging.getLogger(__name__)

# What build_sam2_video_predictor of sam2 1.1.0 sets when its apply_postprocessing is on, as it is by default. Its
# hole filling is left out: it needs a CUDA extension and is ours (holes.py).
_POSTPROCESSING = {
    "binarize_mask_from_pts_for_mem_enc": True,
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    },
}


_REPEATS = ("num_layers", "stages")
_MOST_REPEATS = 1000  # the largest SAM 2 has 36

# The class that upstream's training wraps around the network.
_TRAINED = "training.model.sam2.SAM2Train"


@dataclass(frozen=True)
class Model:
    """A model ready to run, in evaluation mode, float32 weights."""

    name: str
    network: SAM2Base

    @property
    def image_size(self) -> int:
        """Pixels a side of the square frames the model takes."""
        return int(self.network.image_size)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.network.parameters())


def load_model(files: ModelFiles) -> Model:
    """Build the network of a configuration and fill it with the checkpoint's weights, on the CPU.

    Raises ModelError when the configuration is not one of SAM 2 or the checkpoint cannot be read or does not fit,
    OutOfMemoryError.
    """
    try:
        network = build_network(files.config, files.image_size)
        network.load_state_dict(_read_weights(files, network))
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise no_memory(error) from error
        raise
    return Model(files.name, network.eval())


def no_memory(error: BaseException) -> OutOfMemoryError:
    """Memory has ended while a model was loaded."""
    return OutOfMemoryError(
        "There is not enough memory to load this model: close other programs or choose a smaller model.", str(error)
    )


def build_network(config: Path | str, image_size: int | None = None) -> SAM2Base:
    """The network of a configuration with fresh weights.

    config: a YAML file as the sam2 package has them, or one that a model was trained with, or "sam2:NAME.yaml" for one
    of the package's SAM 2.1 configurations. image_size: of the input, None for the configuration's; Hiera interpolates
    its positions, and the other parts compute theirs. Hydra's global state is not touched, so that a second model can
    have another configuration.
    """
    path = _config_path(config)
    unusable = f"The model configuration {path} does not describe a SAM 2 model."
    try:
        model = _model_section(OmegaConf.load(path))
    except Exception as error:  # whatever the parser raises for a file of unknown content
        raise ModelError(unusable, str(error)) from error
    if not isinstance(model, DictConfig):
        raise ModelError(unusable, "it has no section `model`")
    _check_parts(model, path)
    ours = {"compile_image_encoder": False, **({} if image_size is None else {"image_size": image_size})}
    try:
        network = instantiate(OmegaConf.merge(model, _POSTPROCESSING, ours))
    except Exception as error:  # hydra wraps whatever the classes raise for wrong values
        raise no_memory(error) if is_out_of_memory(error) else ModelError(unusable, str(error)) from error
    if not isinstance(network, SAM2Base):
        raise ModelError(unusable)
    return network


def _model_section(config: Any) -> Any:
    """Where a configuration describes the network: under `model`, or, for training, under `trainer.model`.

    There it has options of the training too, and values that stand elsewhere in the file.
    """
    trainer = config.get("trainer")
    if config.get("model") is not None or not isinstance(trainer, DictConfig):
        return config.model
    values = OmegaConf.to_container(trainer.model, resolve=True)
    assert isinstance(values, dict)
    if values.get("_target_") == _TRAINED:
        known = inspect.signature(SAM2Base.__init__).parameters
        values = {str(key): value for key, value in values.items() if key in known}
        values["_target_"] = f"{SAM2Base.__module__}.{SAM2Base.__qualname__}"
    return OmegaConf.create(values)


def _config_path(config: Path | str) -> Path:
    text = str(config)
    if text.startswith("sam2:"):
        return Path(str(importlib.resources.files("sam2") / "configs" / "sam2.1" / text.removeprefix("sam2:")))
    if not Path(config).is_file():
        raise ModelError(f"The model configuration {config} does not exist.")
    return Path(config)


def _check_parts(node: Any, path: Path) -> None:
    """A configuration names the classes to build. From a file of unknown origin only sam2's own may be built, and not
    so many layers that building them would never end.
    """
    if isinstance(node, DictConfig):
        target = node.get("_target_")
        if target is not None and not _is_part_of_sam2(str(target)):
            raise ModelError(f"The model configuration {path} asks for {target}, which is not a part of SAM 2.")
        for key in node:
            value = node.get(key)
            if key in _REPEATS and _is_endless(value):
                raise ModelError(f"The model configuration {path} asks for more layers ({key}) than any SAM 2 has.")
            _check_parts(value, path)
    elif OmegaConf.is_list(node):
        for item in node:
            _check_parts(item, path)


def _is_endless(counts: Any) -> bool:
    """Whether a number of layers, or one of several, is none that a network has."""
    numbers = counts if OmegaConf.is_list(counts) else [counts]
    return any(isinstance(number, int) and number > _MOST_REPEATS for number in numbers)


def _is_part_of_sam2(target: str) -> bool:
    """Whether the name is that of a class in the module that defines it: modules also hold what they import."""
    module_name, _, class_name = target.rpartition(".")
    if not module_name.startswith("sam2.modeling."):
        return False
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type) and found.__module__ == module_name


def _read_weights(files: ModelFiles, network: SAM2Base) -> dict[str, torch.Tensor]:
    expected = network.state_dict()
    weights = _without_prefix(checkpoint_weights(files.checkpoint), expected)
    wrong = [k for k in expected if k not in weights or weights[k].shape != expected[k].shape]
    surplus = [k for k in weights if k not in expected]
    if wrong or surplus:
        detail = f"missing or of another shape: {wrong[:5]}, not expected: {surplus[:5]}"
        raise ModelError(f"The checkpoint {files.checkpoint} does not fit the configuration {files.config}.", detail)
    return weights


def checkpoint_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint by their names. Raises ModelError where there are none, OutOfMemoryError."""
    weights = _weights_in(_load(checkpoint))
    if not weights or not all(isinstance(v, torch.Tensor) for v in weights.values()):
        raise ModelError(f"The checkpoint {checkpoint} holds no weights.")
    return weights


def _load(checkpoint: Path) -> Any:
    """What a checkpoint holds. No code in it is run: only tensors, plain values and NumPy's numbers are made."""
    try:
        with torch.serialization.safe_globals(_numpy_numbers()):
            return torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        if is_out_of_memory(error):
            raise no_memory(error) from error
        if found := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
            raise ModelError(
                f"The checkpoint {checkpoint} holds more than weights ({found[1]}), which is not read for safety: save "
                'its weights alone, as torch.save({"model": network.state_dict()}, file).',
                str(error),
            ) from error
        raise ModelError(
            f"The checkpoint {checkpoint} cannot be read: it is damaged or is no PyTorch checkpoint.", str(error)
        ) from error


def _weights_in(content: Any) -> dict[str, Any]:
    """The weights among what training scripts save: under "model", under "state_dict" (Lightning), or by themselves."""
    while isinstance(content, dict):
        inner = next((content[key] for key in ("model", "state_dict") if isinstance(content.get(key), dict)), None)
        if inner is None:
            return content
        content = inner
    return {}


def _without_prefix(weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names without what DistributedDataParallel, Lightning or torch.compile put before them all."""
    name = min(weights)
    for known in expected:
        prefix = name.removesuffix(known)
        if prefix != name and prefix.endswith(".") and all(key.startswith(prefix) for key in weights):
            return {key.removeprefix(prefix): value for key, value in weights.items()}
    return weights


def _numpy_numbers() -> list[Any]:
    """What the pickle of a NumPy number asks for, by the names of NumPy 1 and 2."""
    kinds = {type(np.dtype(code)) for code in "?bhilqBHILQefdFD"}
    return [np.dtype, *kinds, *map(_number_maker, ("numpy.core.multiarray", "numpy._core.multiarray"))]


def _number_maker(module: str) -> Any:
    def scalar(kind: np.dtype[Any], data: bytes) -> Any:
        if kind.kind not in "biufc":
            raise pickle.UnpicklingError("not a number")
        return np.frombuffer(data, kind, 1)[0].item()

    scalar.__module__, scalar.__qualname__ = module, "scalar"
    return scalar
