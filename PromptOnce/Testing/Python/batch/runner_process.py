"""A batch in a process of its own, as a program that must not wait starts it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from worker.gate import Gate

from batch.studies import children
from PromptOnceLib.batch.background import BatchRequest, background_command, background_environment
from PromptOnceLib.batch.events import Event, RunEnded, parse_event
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan


class Runner:
    """A batch in a process of its own, on the folder `out`. gate: where its fake workers stop. join: see run_batch."""

    def __init__(
        self, plan: BatchPlan, options: BatchOptions, out: Path, gate: Gate | None = None, join: bool = False
    ) -> None:
        self.out = out
        request = BatchRequest(plan=plan, options=options, folder=out, resume=not join, join=join)
        variables = {**os.environ, **({} if gate is None else dict([gate.variable]))}
        self.process = subprocess.Popen(
            background_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=background_environment(variables),
        )  # fmt: skip
        self.tell(request.model_dump_json())

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, kind: str) -> Event:
        """The next event of this kind."""
        assert self.process.stdout is not None
        return next(event for event in map(parse_event, self.process.stdout) if event.event == kind)

    def worker(self) -> int:
        (process_id,) = children(self.process.pid)
        return process_id

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> RunEnded:
        """Wait for the end of the run; its input stays open, because without it the runner ends at once."""
        ended = self.wait_for("run_ended")
        assert isinstance(ended, RunEnded)
        self.process.wait(120)
        rest, _ = self.process.communicate()
        assert rest == b"", "it says more after its end"
        return ended
