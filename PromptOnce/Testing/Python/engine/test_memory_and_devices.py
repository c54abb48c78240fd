"""What happens when memory ends, where a model may run, and that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, grey
from PromptOnceLib.engine.devices import Placement, on_cpu, place
from PromptOnceLib.engine.memory import Memory
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, SliceOutput, Task
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.errors import InputError, ModelError, OutOfMemoryError

FRAMES = blobs(9)
TASK = Task([bright(4), grey(4)], seed=4, first=0, last=8)


@pytest.fixture(scope="module")
def model(nano: tuple[Model, Path]) -> Model:
    return nano[0]


@pytest.fixture(scope="module")
def expected(model: Model) -> NDArray[np.uint8]:
    return masks_of(list(Propagation(Tracker(model, on_cpu()), FRAMES, pytest.fail).run(TASK)))


def fake_gpu() -> Placement:
    """The CPU under another name: not the place of last resort."""
    return replace(on_cpu(), last_resort=False)


def fail_at(function: Callable, calls: set[int], error: Exception) -> Callable:
    """The function, raising instead at the calls of these numbers (from 1)."""
    count = 0

    def wrapped(*arguments: object, **named: object) -> object:
        nonlocal count
        count += 1
        if count in calls:
            raise error
        return function(*arguments, **named)

    return wrapped


def masks_of(outputs: list[SliceOutput]) -> NDArray[np.uint8]:
    return np.stack([o.masks for o in sorted(outputs, key=lambda o: o.slice)], axis=1)


CUDA, MPS = torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("MPS backend out of memory")


@pytest.mark.parametrize(
    ("method", "error"),
    [("encode", MPS), *((method, CUDA) for method in ("segment", "remember_seed", "track", "full_size_mask"))],
)
def test_when_memory_ends_once_the_slice_is_tried_again(
    model: Model, expected: NDArray[np.uint8], method: str, error: Exception
) -> None:
    tracker = Tracker(model, fake_gpu())
    setattr(tracker, method, fail_at(getattr(tracker, method), {2}, error))
    np.testing.assert_array_equal(masks_of(list(Propagation(tracker, FRAMES, pytest.fail).run(TASK))), expected)


def test_when_memory_ends_twice_the_rest_runs_on_the_cpu_and_says_so(model: Model, expected: NDArray[np.uint8]) -> None:
    notices: list[str] = []
    tracker = Tracker(model, fake_gpu())
    tracker.track = fail_at(tracker.track, {4, 5}, torch.OutOfMemoryError("CUDA out of memory"))  # type: ignore[method-assign]

    outputs = list(Propagation(tracker, FRAMES, notices.append).run(TASK))

    np.testing.assert_array_equal(masks_of(outputs), expected)
    assert tracker.placement == on_cpu()
    assert len(notices) == 1
    assert "CPU" in notices[0]


def test_when_memory_ends_on_the_cpu_there_is_an_error_and_no_empty_mask(model: Model) -> None:
    tracker = Tracker(model, on_cpu())
    error = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    tracker.encode = fail_at(tracker.encode, set(range(3, 100)), error)  # type: ignore[method-assign]
    outputs = []
    with pytest.raises(OutOfMemoryError, match="smaller model"):
        outputs.extend(Propagation(tracker, FRAMES, pytest.fail).run(TASK))


def test_when_memory_ends_even_after_going_to_the_cpu_there_is_an_error(model: Model) -> None:
    tracker = Tracker(model, fake_gpu())
    tracker.track = fail_at(tracker.track, set(range(4, 100)), torch.OutOfMemoryError("CUDA out of memory"))  # type: ignore[method-assign]
    with pytest.raises(OutOfMemoryError):
        list(Propagation(tracker, FRAMES, lambda text: None).run(TASK))


def test_a_model_that_gives_no_numbers_is_an_error_and_no_empty_mask(own_nano: Model) -> None:
    with torch.no_grad():
        own_nano.network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(torch.nan)
    with pytest.raises(ModelError, match="no numbers"):
        list(Propagation(Tracker(own_nano, on_cpu()), FRAMES, pytest.fail).run(TASK))


def test_features_that_are_no_numbers_are_not_compared(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Tracker(model, on_cpu())
    features = tracker.encode(FRAMES[0])
    broken = Features([level * torch.nan for level in features.maps], features.positions, features.sizes)
    monkeypatch.setattr(tracker, "encode", lambda frame: broken)
    with pytest.raises(ModelError, match="no numbers"):
        Propagation(tracker, FRAMES, pytest.fail).embed(FRAMES[0])


@pytest.mark.parametrize("words", ["CUDA error: an illegal memory access was encountered", "unsupported memory format"])
def test_other_errors_about_memory_are_not_a_lack_of_it(model: Model, words: str) -> None:
    tracker = Tracker(model, fake_gpu())
    tracker.track = fail_at(tracker.track, {1}, RuntimeError(words))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=words):
        list(Propagation(tracker, FRAMES, pytest.fail).run(TASK))


def test_other_errors_are_not_taken_for_a_lack_of_memory(model: Model) -> None:
    tracker = Tracker(model, fake_gpu())
    tracker.encode = fail_at(tracker.encode, {1}, RuntimeError("shapes differ"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(Propagation(tracker, FRAMES, pytest.fail).run(TASK))


@pytest.mark.slow
def test_memory_holds_no_more_after_forty_slices_than_after_twenty(model: Model) -> None:
    tracker, frames, kept = Tracker(model, on_cpu()), blobs(40), {}
    features = tracker.encode(frames[0])
    seed = tracker.segment(features, bright(0), frames.shape[1:])
    memory = Memory(40, seed={0: tracker.remember_seed(features, seed)})
    for index in range(1, 40):
        tracker.track(tracker.encode(frames[index]), index, memory)
        entries = [*memory.seed.values(), *memory.tracked.values()]
        kept[index] = sum(v.numel() for entry in entries for v in entry.values() if isinstance(v, torch.Tensor))
    assert kept[19] == kept[39]
    assert kept[1] < kept[19]


def test_the_prompted_slice_is_encoded_once(model: Model) -> None:
    tracker = Tracker(model, on_cpu())
    encoded: list[int] = []
    original = tracker.encode
    tracker.encode = lambda frame: encoded.append(1) or original(frame)  # type: ignore[method-assign]
    propagation = Propagation(tracker, FRAMES, pytest.fail)
    propagation.prefetch(4)
    propagation.predict([bright(4)], 4)
    list(propagation.run(TASK))
    assert len(encoded) == len(FRAMES)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="not on this computer"):
        place("cuda:17")
    with pytest.raises(InputError, match="precision"):
        place("cpu", "float8")


@pytest.mark.parametrize(
    ("capability", "expected"), [((9, 0), torch.bfloat16), ((8, 0), torch.bfloat16), ((7, 5), torch.float16)]
)
def test_precision_follows_the_compute_capability(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert place("auto").autocast == expected
    assert place("cuda").device == torch.device("cuda:0")
    assert place("cuda", "float32").autocast is None
    assert not place("cuda").rearranged


@pytest.mark.parametrize(("units", "expected"), [(True, torch.bfloat16), (False, None)])
def test_on_the_cpu_bfloat16_is_chosen_only_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, units: bool, expected: torch.dtype | None
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: units, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert place("cpu").autocast == expected
    assert place("cpu").rearranged
    assert place("cpu", "float32").autocast is None
    assert not place("cpu", "float32").rearranged


@pytest.mark.parametrize(
    ("precision", "weights", "expected"),
    [("auto", 4 * 10**6, "float32"), ("auto", 39 * 10**6, "bfloat16"), ("bfloat16", 4 * 10**6, "bfloat16")],
)
def test_a_small_network_gets_no_bfloat16_on_a_processor_that_nobody_asked_for(
    monkeypatch: pytest.MonkeyPatch, nano: tuple[Model, Path], precision: str, weights: int, expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(Model, "parameters", weights)
    placement = Tracker(nano[0], place("cpu", precision)).placement
    assert (placement.precision, placement.rearranged) == (expected, True)
    Tracker(nano[0], on_cpu())  # the network as other tests expect it


def test_reduced_precision_computes_nearly_the_same(nano_encoding: tuple[Model, Path]) -> None:
    model = nano_encoding[0]
    reference = masks_of(list(Propagation(Tracker(model, on_cpu()), FRAMES, pytest.fail).run(TASK)))
    tracker = Tracker(model, place("cpu", "bfloat16"))
    reduced = masks_of(list(Propagation(tracker, FRAMES, pytest.fail).run(TASK)))
    assert (reduced != reference).mean() < 0.05
    assert (reduced != reference).any(), "the precision asked for was not used"
