"""What the panel Run says of a run."""

from __future__ import annotations

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.mrml.runs import VolumeRun
from PromptOnceLib.mrml.segmentations.corrections import slices_in_words
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter


def correction_begun() -> str:
    """What is said where a correction that was begun stands in the way."""
    return _("A correction is under way: press Propagate changes, or Stop correcting.")


def undone_in_words(writer: SegmentWriter) -> str:
    """What undoing a run takes away."""
    corrections = writer.corrections()
    names = ", ".join(f'"{name}"' for name, _slices in corrections)
    sentence = _("Undone: the run into {names}.").format(names=names) if names else _("Undone: the run.")
    lost = "; ".join(f'{slices_in_words(slices)} of "{name}"' for name, slices in corrections if slices)
    if lost:
        sentence += " " + _("This also undid what was corrected or accepted: {slices}.").format(slices=lost)
    others = ", ".join(f'"{name}"' for name in writer.drawn_on_since())
    if others:
        sentence += " " + _("This also undid what was drawn on {names} since.").format(names=others)
    return sentence + " " + _("Redo run restores it.")


def run_in_words(run: VolumeRun, done: int) -> str:
    """How far a run came. After an early stop it is done without all of its slices."""
    total = 0 if run.job is None else run.job.progress.total
    if done == 0:
        return _("No slice was done.")
    if done >= total or run.went_to_its_end:
        return _("Done: {done} slices.").format(done=done)
    return _("{done} of {total} slices are done and kept.").format(done=done, total=total)
