"""Who stands at the gate of the tests may be killed at any moment, and the gate may be opened at any moment."""

from __future__ import annotations

import socket
from pathlib import Path

from worker.gate import ASKED, Gate, GateKeeper


def test_who_is_killed_with_an_answer_unread_is_gone() -> None:
    with Gate(slices=1) as gate, socket.socket(socket.AF_UNIX) as worker:
        worker.connect(gate.variable[1])
        worker.sendall(ASKED)
        assert not gate.stopped(), "it was let through"
        worker.close()  # with the answer unread: the gate's side reads "connection reset"
        gate.wait_until_left()


def test_who_comes_when_the_gate_is_gone_passes() -> None:
    with Gate(slices=0) as gate:
        address = gate.variable[1]
        Path(address).unlink()
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(address)  # there is a file, but nobody listens
            GateKeeper(address)(0)
