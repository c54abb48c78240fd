"""Image features are kept for the next run over the same stack: nothing is encoded twice, and masks are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright, grey
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.tracker import Features, Tracker

SLICES = 9


class CountingTracker(Tracker):
    """Counts the slices it encodes."""

    encoded = 0

    def encode(self, frame: np.ndarray) -> Features:
        self.encoded += 1
        return super().encode(frame)


def run(propagation: Propagation, name: str) -> np.ndarray:
    prompt = {"bright": bright, "grey": grey}[name](4)
    outputs = sorted(propagation.run(Task([prompt], 4, 0, SLICES - 1)), key=lambda output: output.slice)
    return np.stack([output.masks[0] for output in outputs])


def features(value: float, dtype: torch.dtype = torch.float32) -> Features:
    maps = [torch.full((n, 1, 4), value).to(dtype) for n in (16, 4, 1)]
    return Features(maps, maps, [(4, 4), (2, 2), (1, 1)])


@pytest.mark.parametrize("lossless", [True, False])
def test_the_next_run_encodes_nothing_and_finds_the_same(
    nano: tuple[Model, Path],
    tmp_path: Path,
    lossless: bool,
) -> None:
    plain = Propagation(CountingTracker(nano[0], on_cpu()), blobs(SLICES), pytest.fail)
    expected = {name: run(plain, name) for name in ("bright", "grey")}
    store = FeatureStore(tmp_path, lossless=lossless)
    kept = Propagation(CountingTracker(nano[0], on_cpu()), blobs(SLICES), pytest.fail, store)

    np.testing.assert_array_equal(run(kept, "bright"), expected["bright"])
    assert kept.tracker.encoded == SLICES
    found = run(kept, "grey")
    assert kept.tracker.encoded == SLICES
    if lossless:
        np.testing.assert_array_equal(found, expected["grey"])
    else:  # rounded to half precision, a pixel on the border may differ
        assert np.count_nonzero(found != expected["grey"]) <= 2
    assert found.any()


@pytest.mark.parametrize(
    ("dtype", "lossless", "error"),
    [(torch.float32, True, 0.0), (torch.float32, False, 2**-11), (torch.bfloat16, False, 0.0)],
)
def test_features_come_back_in_their_type(tmp_path: Path, dtype: torch.dtype, lossless: bool, error: float) -> None:
    store, given = FeatureStore(tmp_path, lossless=lossless), features(np.pi, dtype)
    store.put(3, given)
    found = store.get(3)
    assert found is not None
    for one, other in zip(found.maps, given.maps, strict=True):
        assert one.dtype == dtype
        assert one.shape == other.shape
        assert float((one.float() - other.float()).abs().max()) <= error * np.pi


def test_the_oldest_go_first_and_all_with_the_stack(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, limit=3 * 21 * 4 * 2)  # three slices in half precision
    for index in range(5):
        store.put(index, features(index))
    assert [index for index in range(5) if store.get(index) is not None] == [2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 3
    store.clear()
    assert store.get(4) is None
    assert not list(tmp_path.iterdir())


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, limit=0)
    store.put(0, features(1))
    assert store.get(0) is None


def test_a_full_disk_and_a_removed_file_only_cost_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeatureStore(tmp_path)
    store.put(0, features(1))
    next(tmp_path.iterdir()).unlink()
    assert store.get(0) is None

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    store.put(1, features(1))
    assert store.get(1) is None
    assert not list(tmp_path.iterdir())


def test_on_a_gpu_nothing_is_kept(nano: tuple[Model, Path], tmp_path: Path) -> None:
    propagation = Propagation(Tracker(nano[0], on_cpu()), blobs(SLICES), pytest.fail, FeatureStore(tmp_path))
    propagation.tracker.placement = replace(propagation.tracker.placement, device=torch.device("meta"))
    assert propagation.features(())._store is None
