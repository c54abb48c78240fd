"""Loading a model that is to be compiled, with a compiler that hands back what it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.handlers import Handlers


def load(handlers: Handlers, compiled: bool) -> protocol.Answer:
    files = resolve_model("nano")
    return handlers.answer(
        protocol.LoadModel(
            id=7,
            name="nano",
            checkpoint=str(files.checkpoint),
            config=str(files.config),
            device="cpu",
            compiled=compiled,
        )
    )


@pytest.mark.slow
def test_the_model_is_compiled_while_it_is_loaded_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, sent = [], []
    monkeypatch.setattr("torch.compile", lambda function, dynamic: compiled.append(function) or function)
    handlers = Handlers(tmp_path, sent.append, set())

    load(handlers, compiled=False)
    assert not compiled
    assert not sent

    reply = load(handlers, compiled=True)
    assert isinstance(reply, protocol.ModelLoaded)
    assert len(compiled) == 2
    assert [(type(message), message.id) for message in sent] == [(protocol.Notice, 7)]

    load(handlers, compiled=True)
    assert len(compiled) == 2, "a model that is compiled already is kept"
