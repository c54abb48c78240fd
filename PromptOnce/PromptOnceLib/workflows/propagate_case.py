"""One case through a worker that is at hand: what is computed is kept where the worker fails or the user cancels."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.segmenter import Segmenter, Settings


def propagate_case(
    segmenter: Segmenter,
    case: Case,
    settings: Settings,
    model: str,
    on_slice: Callable[[SliceDone], object] | None = None,
    on_notice: Callable[[str], object] | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Run:
    """Propagate a case with the model, called `model`, that is loaded in the worker.

    A run that ended early, by a cancel or because the worker failed, says that it is cancelled, and a failure is the
    last of its notices. Raises what Segmenter.propagate raises where not even one slice was done.
    """
    segmenter.use_stack(case.stack)
    started = monotonic()
    job = segmenter.propagate(case.prompt, settings, on_slice, on_notice, should_cancel, keep=True)
    seconds = monotonic() - started
    notices = list(job.notices)
    if job.failure is not None:
        notices.append(f"{job.failure.message} The slices that were done until then are kept.")
        if on_notice is not None:
            on_notice(notices[-1])
    ended_early = job.cancelled or job.failure is not None
    return Run(case, job.result, model, job.device, seconds, ended_early, notices)
