"""Lines and arrays between the two sides of a worker, as they may arrive."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import WorkerError
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_frames, load_result


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_computes_no_number_can_say_so(value: float) -> None:
    line = protocol.encode(protocol.Predicted(id=1, presence=[value], predicted_iou=[0.5]))
    answer = protocol.decode_answer(line)
    assert isinstance(answer, protocol.Predicted)
    assert answer.presence == pytest.approx([value], nan_ok=True)


@pytest.mark.parametrize("header", ["{'descr': '|u1', 'shape': (", "{'descr': '|u1'", "{", "\0", "(1,"])
def test_an_array_with_a_damaged_header_is_refused(tmp_path: Path, header: str) -> None:
    text = header.encode().ljust(117) + b"\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(99))
    for load in (lambda: load_frames(path, 2), lambda: load_result(path), lambda: load_result(path, "r")):
        with pytest.raises(WorkerError):
            load()


@pytest.mark.parametrize("kind", ["S8", "U3", "M8[s]", "i4,f4"])
def test_a_result_that_is_no_numbers_is_refused(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3, kind))
    with pytest.raises(WorkerError, match="try again"):
        load_result(tmp_path / "a.npy")
