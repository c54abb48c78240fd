"""What a pass remembers is a matter of the model, and of the precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from PromptOnceLib.batch.run_folder.fingerprints import model_fingerprint
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.models.model_entry import MemorySettings
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.handlers import Handlers
from worker.load_nano import load_nano

SETTINGS = MemorySettings(gate=0.3, first_mask=True)


def load(handlers: Handlers, memory: MemorySettings | None, precision: str = "auto") -> Tracker:
    sent = protocol.decode_request(protocol.encode(load_nano(memory=memory, precision=precision)))
    assert isinstance(sent, protocol.LoadModel)
    handlers.answer(sent)
    assert handlers._model is not None
    return handlers._model


def test_the_settings_of_a_model_reach_the_engine_and_are_left_out_where_upstream_s_numbers_are_wanted(
    tmp_path: Path,
) -> None:
    handlers = Handlers(tmp_path, lambda message: None, ())
    first = load(handlers, SETTINGS)
    assert isinstance(first, RuledTracker)
    assert first.rules == MemoryRules(gate=0.3, first_mask=True)
    assert load(handlers, SETTINGS) is first, "a model that is loaded is kept"
    assert type(load(handlers, SETTINGS, "float32")) is Tracker
    assert type(load(handlers, None)) is Tracker


def test_results_with_other_settings_are_other_results() -> None:
    files = resolve_model("nano")
    prints = {model_fingerprint(replace(files, memory=memory)) for memory in (None, SETTINGS, MemorySettings())}
    assert len(prints) == 3


@pytest.mark.parametrize("gate", [-0.1, 1.1])
def test_a_gate_that_makes_no_sense_is_refused(gate: float) -> None:
    with pytest.raises(ValueError, match="gate"):
        MemorySettings(gate=gate)
