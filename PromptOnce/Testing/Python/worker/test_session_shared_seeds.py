"""Propagation after a shared seed through a session that never waits."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.errors import PromptError
from PromptOnceLib.worker import protocol
from worker.disks import SLICES
from worker.fake_worker import World
from worker.seeds import disk_seed, other_frame


def test_the_seed_travels_as_a_file_that_is_gone_after_the_run(world: World) -> None:
    world.ready()
    job = world.propagate("run", disk_seed(3))
    world.session.pump()
    request = world.worker.pending[0]
    assert isinstance(request.prompt, protocol.SharedPrompt)
    assert (request.prompt.slice, request.prompt.objects) == (3, disk_seed().objects)
    file = world.worker.folder / request.prompt.frames[0].file
    np.testing.assert_array_equal(np.load(file), other_frame())

    world.worker.give_slices(3, 4)
    world.worker.end_propagation(2)
    world.session.pump()
    assert world.heard == [("run slice", 3), ("run slice", 4), ("run", None)]
    assert set(np.flatnonzero(job.result.computed)) == {3, 4}
    assert not file.exists()


def test_a_seed_that_does_not_fit_ends_with_its_error_and_is_not_sent(world: World) -> None:
    world.ready()
    world.propagate("run", disk_seed(SLICES))
    world.session.pump()
    ((name, error),) = world.heard
    assert name == "run"
    assert isinstance(error, PromptError)
    assert "propagate" not in world.asked
