"""What is handed to torch.compile and what happens when that fails; nothing is compiled here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, grey
from engine.test_memory_and_devices import masks_of
from PromptOnceLib.engine.compilation import compile_parts
from PromptOnceLib.engine.devices import ON_GPU, on_cpu
from PromptOnceLib.engine.network import Model, load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.warm_up import compile_and_warm_up
from PromptOnceLib.models.registry import resolve_model

FRAMES = blobs(6)
TASK = Task([bright(2), grey(2)], 2, 0, 5)
COMPILED = replace(on_cpu(), last_resort=False, pipeline=replace(ON_GPU, compiled=True))


@pytest.fixture(scope="module")
def loaded() -> Model:
    """With an input of 128 pixels; it has to encode, as the encoder is one of the parts that are compiled."""
    return load_model(replace(resolve_model("nano"), image_size=128))


@pytest.fixture(scope="module")
def expected(loaded: Model) -> NDArray[np.uint8]:
    return masks(Tracker(loaded, on_cpu()))


@pytest.fixture
def model(loaded: Model) -> Iterator[Model]:
    yield loaded
    Tracker(loaded, on_cpu())  # restores the network


class Compiler:
    """Takes torch.compile's place: counts the calls of what it was given, or fails when first used."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.compiled: dict[str, bool] = {}
        self.calls: dict[str, int] = {}

    def __call__(self, function: Callable[..., Any], dynamic: bool) -> Callable[..., Any]:
        name = type(function.__self__).__name__  # type: ignore[attr-defined]
        self.compiled[name] = dynamic

        def quick(*arguments: Any, **named: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if self.error is not None:
                raise self.error
            return function(*arguments, **named)

        return quick


def masks(tracker: Tracker) -> NDArray[np.uint8]:
    return masks_of(list(Propagation(tracker, FRAMES, pytest.fail).run(TASK)))


@pytest.mark.slow
def test_encoder_and_memory_attention_are_compiled_the_latter_for_any_number_of_memories(
    model: Model, expected: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = Compiler()
    monkeypatch.setattr("torch.compile", compiler)
    tracker = Tracker(model, COMPILED)
    compile_parts(model.network, pytest.fail)
    np.testing.assert_array_equal(masks(tracker), expected)
    assert compiler.compiled == {"ImageEncoder": False, "MemoryAttention": True}
    assert compiler.calls == {"ImageEncoder": 6, "MemoryAttention": 5}


@pytest.mark.slow
def test_the_warm_up_says_that_it_takes_time_and_uses_every_form(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.compile", Compiler())
    images, rows, notices = set(), set(), []
    hooks = [
        model.network.image_encoder.register_forward_pre_hook(lambda _, inputs: images.add(len(inputs[0]))),
        model.network.memory_attention.register_forward_pre_hook(
            lambda _, __, named: rows.add(named["curr"][0].shape[1]), with_kwargs=True
        ),
    ]
    compile_and_warm_up(Tracker(model, COMPILED), notices.append)
    for hook in hooks:
        hook.remove()
    assert images == {1, 4}
    assert rows == {1, 2, 4}
    assert len(notices) == 1
    assert "minutes" in notices[0]


def test_without_being_asked_nothing_is_compiled(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler()
    monkeypatch.setattr("torch.compile", compiler)
    compile_and_warm_up(Tracker(model, replace(COMPILED, pipeline=ON_GPU)), pytest.fail)
    assert not compiler.compiled


@pytest.mark.parametrize("when", ["at once", "at first use"])
def test_where_compiling_fails_the_model_runs_as_it_is_and_the_user_is_told_once(
    model: Model, expected: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    error = RuntimeError("no working compiler")

    def refuse(*_: object, **__: object) -> None:
        raise error

    compiler = Compiler(error)
    monkeypatch.setattr("torch.compile", refuse if when == "at once" else compiler)
    tracker, notices = Tracker(model, COMPILED), []
    compile_and_warm_up(tracker, notices.append)
    np.testing.assert_array_equal(masks(tracker), expected)
    assert len(notices) == 2
    assert "torch.compile failed" in notices[1]
    assert all(calls == 1 for calls in compiler.calls.values())


def test_a_lack_of_memory_is_no_failure_of_the_compiler(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.compile", Compiler(torch.OutOfMemoryError("CUDA out of memory")))
    tracker, notices = Tracker(model, COMPILED), []
    compile_parts(model.network, pytest.fail)
    list(Propagation(tracker, FRAMES, notices.append).run(TASK))
    assert tracker.placement == on_cpu()
    assert ["CPU" in text for text in notices] == [True]


def test_at_another_place_the_network_is_upstreams_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler()
    monkeypatch.setattr("torch.compile", compiler)
    tracker = Tracker(model, COMPILED)
    compile_parts(model.network, pytest.fail)
    tracker.move(on_cpu())
    tracker.encode(FRAMES[0])
    assert not compiler.calls
