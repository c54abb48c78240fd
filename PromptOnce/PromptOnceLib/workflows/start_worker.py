"""A segmenter with its model, in the Python that has the engine: for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PromptOnceLib.environment.engine_python import Interpreter
from PromptOnceLib.errors import InputError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter


@dataclass(frozen=True)
class EngineOptions:
    """Where and how a model computes.

    device: "auto", "cpu", "cuda", "cuda:1" or "mps". precision: "auto", "float32", "bfloat16" or "float16". compiled:
    rewritten by torch.compile. threads: of the CPU, None for all cores. Raises InputError for a number that is none.
    """

    device: str = "auto"
    precision: str = "auto"
    compiled: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and (not isinstance(self.threads, int) or self.threads < 1):
            raise InputError(f"threads is a number of the CPU's threads, from 1, not {self.threads!r:.40}.")


def start_segmenter(
    files: ModelFiles, options: EngineOptions, found: Interpreter, on_notice: Callable[[str], object]
) -> Segmenter:
    """Start a worker and load a model in it; who calls closes the segmenter's client.

    found: from environment.engine_python. on_notice: is told which Python is used, where nobody named it, and takes
    what belongs to no propagation. Raises ModelError, InputError, WorkerError; nothing runs then.
    """
    if found.notice:
        on_notice(found.notice)
    command, variables = worker_command(found.python), worker_environment(found.environment)
    client = WorkerClient(lambda: SubprocessTransport(command, variables), options.threads)
    segmenter = Segmenter(client, on_notice)
    try:
        segmenter.use_model(files, options.device, options.precision, options.compiled)
    except BaseException:
        client.close()
        raise
    return segmenter
