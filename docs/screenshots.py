"""Make the pictures of the documentation on the widget test bench: python docs/screenshots.py [FOLDER].

Needs what the widget tests need (slicer-core, PySide6), and an engine that this Python can run. It goes through the
tutorial of the user guide: phantom, box and points, propagation, comparison with the reference.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
SCREENSHOTS = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Screenshots"
PANEL = (430, 700)  # pixels, as a module gets them in Slicer
ORGAN = "right lung"
SLICES_SEEN = 12  # of the run in the picture of one
MODELS_FOLDER = "/home/you/PromptOnce/models"  # as a reader of the pictures may have it
# x, y on the prompted slice of the phantom.
BOX = (36.0, 68.0, 112.0, 190.0)
ON_THE_LUNG, BESIDE_IT = (70.0, 110.0), (125.0, 130.0)


def main() -> None:
    """Make all pictures."""
    sys.path[:0] = [str(REPOSITORY / "PromptOnce"), str(REPOSITORY / "PromptOnce" / "Testing" / "Python")]
    from bench.boot import boot

    boot()
    import qt
    import slicer
    from bench.session import Bench
    from gui.user import User

    SCREENSHOTS.mkdir(exist_ok=True)
    qt.QSettings().setValue("PromptOnce/kind", "own")
    qt.QSettings().setValue("PromptOnce/models_folder", MODELS_FOLDER)
    bench = Bench()
    user = User(bench)
    bench.resize_panel(*PANEL)
    bench.screenshot(SCREENSHOTS / "first-open.png")
    volume, reference = load_phantom()
    user.choose(volume)
    user.pick(user.panel.volume.window, "lung")
    user.panel.prompt.name.text = ORGAN
    user.panel.prompt.name.editingFinished.emit()
    missing_engine(user)
    prompt_with_the_mouse(user)
    bench.settle()
    bench.screenshot(SCREENSHOTS / "slice-view.png", slicer.app.layoutManager().sliceWidget("Red"))
    bench.screenshot(SCREENSHOTS / "panel.png")
    user.propagate()
    bench.wait_until(lambda: user.work.runs.job.progress.done > SLICES_SEEN, "some slices", 90)
    user.wait_for_panel()
    bench.screenshot(SCREENSHOTS / "running.png")
    user.wait_for_run()
    bench.settle()
    bench.screenshot(SCREENSHOTS / "done.png")
    correct(user)
    bench.screenshot(SCREENSHOTS / "correct.png")
    user.work.corrections.give_up()
    compare(user, reference)
    bench.screenshot(SCREENSHOTS / "compare.png")
    with tempfile.TemporaryDirectory() as folder:
        seeds(user, Path(folder) / "seeds")
        bench.screenshot(SCREENSHOTS / "seeds.png", user.widget.parent)
        batch(user, Path(folder))
        bench.screenshot(SCREENSHOTS / "batch.png")
    bench.close()


def missing_engine(user: Any) -> None:
    """What somebody sees who has not installed the engine yet, and has drawn nothing."""
    with tempfile.TemporaryDirectory() as folder:
        user.use_private_environment(Path(folder) / "engine")
        user.panel.engine.widget.collapsed = True
        wait_for_layout(user)
        scroll_bar().setValue(0)
        user.bench.screenshot(SCREENSHOTS / "missing-engine.png")
        user.work.engine.choose(kind="own", engine_folder="")
        user.wait_for_panel()


def scroll_bar() -> Any:
    """That of the module panel."""
    import slicer

    return slicer.util.mainWindow().findChild("QScrollArea", "ModulePanel").verticalScrollBar()


def load_phantom() -> tuple[Any, Any]:
    """Volume node and reference segmentation node of the phantom, shown as Slicer shows a CT."""
    import numpy as np
    import slicer

    from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
    from PromptOnceLib.mrml.segmentations.writer import new_segmentation

    image, labels = chest_phantom()
    to_ras = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.geometry.ijk_to_lps())
    volume = slicer.util.addVolumeFromArray(image.array, to_ras, "PromptOncePhantom")
    display = volume.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(1500, -500)
    reference = new_segmentation(volume, "PromptOncePhantomReference")
    for name, value in LABELS.items():
        segment_id = reference.GetSegmentation().AddEmptySegment("", name, [1.0, 0.87, 0.25])
        mask = (labels == value).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, reference, segment_id, volume)
    reference.GetDisplayNode().SetVisibility2DFill(False)
    reference.GetDisplayNode().SetVisibility(False)
    return volume, reference


def prompt_with_the_mouse(user: Any) -> None:
    """A box and two points; waits for the mask."""
    user.draw_box(*BOX)
    for tool, place in (("positive", ON_THE_LUNG), ("negative", BESIDE_IT)):
        user.bench.click(user.panel.prompt.tools[tool])
        user.click_at(*place)
        user.bench.click(user.panel.prompt.tools[tool])
    user.bench.wait_until(lambda: len(user.prompt.objects[0].points) == 2)
    user.wait_for_mask()


def correct(user: Any) -> None:
    """Slices accepted and corrected, one drawn on by hand, and a click on the one that the model is least sure of."""
    import numpy as np
    import slicer

    corrections = user.work.corrections
    only(user, user.panel.correct)
    for index in (14, 24):
        corrections.walk.go_to(index)
        corrections.accept()
    node, segment_id = corrections.segment.place
    volume = user.case.node
    drawn = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
    drawn[27] = np.roll(drawn[27], 3, axis=1)
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, segment_id, volume)
    corrections.propagate()
    user.bench.wait_until(lambda: not corrections.work.running, "the correction", 120)
    drawn = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
    drawn[31] = np.roll(drawn[31], 3, axis=1)
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, segment_id, volume)
    corrections.walk.go_to(18)
    corrections.begin()
    user.panel.prompt.widget.collapsed = False
    wait_for_layout(user)
    user.bench.click(user.panel.prompt.tools["positive"])
    user.bench.mouse(user.view).click_ras(user.place(*ON_THE_LUNG, 18))
    user.bench.wait_until(lambda: corrections.marked == 18, "the mark")
    user.wait_for_mask()
    user.panel.prompt.widget.collapsed = True
    wait_for_layout(user)


def compare(user: Any, reference: Any) -> None:
    """The reference's outline over the mask, plot and table in the panel."""
    reference.GetDisplayNode().SetVisibility(True)
    for segment_id in reference.GetSegmentation().GetSegmentIDs():
        name = reference.GetSegmentation().GetSegment(segment_id).GetName()
        reference.GetDisplayNode().SetSegmentVisibility(segment_id, name == ORGAN)
    user.panel.compare.unfold()
    segment_id = reference.GetSegmentation().GetSegmentIdBySegmentName(ORGAN)
    user.work.comparison.choose_reference(reference, segment_id)
    user.work.comparison.go_to_slice(26)
    wait_for_layout(user)
    user.panel.compare.unfold()
    wait_for_layout(user)


def seeds(user: Any, library: Path) -> None:
    """A library of three seeds, and what is suggested for the next phantom."""
    from PromptOnceLib.cases.case import prepare_case
    from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
    from PromptOnceLib.seeds.create import make_seed
    from PromptOnceLib.seeds.library import SeedLibrary
    from PromptOnceLib.segmentation.segment import Labels

    for number, (target, shape) in enumerate({"heart": (40, 256, 256), "liver": (20, 128, 128)}.items(), start=1):
        volume, labels = chest_phantom(number, shape)
        organ = labels == LABELS[target]
        middle = int(organ.sum(axis=(1, 2)).argmax())
        labelled = Labels(organ.astype("uint8"), target)
        case = prepare_case(volume, labelled, slice_index=middle, window="soft tissue")
        name, scanner = f"{target}, chest CT", f"CT {number}"
        words = {"target": target, "scanner_name": scanner, "frame_confirmed": True}
        SeedLibrary(library).save(make_seed(volume, case.stack, case.prompt, [organ[middle]], name=name, **words))
    only(user, user.panel.seeds)
    user.work.seeds.library.use_folder(str(library))
    user.work.seeds.library.name_scanner("CT 1")
    form = user.panel.seeds.form_button
    form.widget.collapsed = False
    wait_for_layout(user)
    form.name.text = "right lung, chest CT"
    form.edits["target"].text = ORGAN
    user.bench.click(form.confirmed)
    wait_for_layout(user)
    user.bench.screenshot(SCREENSHOTS / "save-seed.png", user.widget.parent)
    user.bench.click(form.save)
    user.bench.wait_until(lambda: not user.work.engine.working, "the round trip", 600)
    user.wait_for_panel()
    similarity = user.work.seeds.similarity
    user.bench.wait_until(lambda: len(similarity.values) == 3 and not similarity.comparing, "the similarity", 600)
    user.work.seeds.library.look_for(ORGAN)
    user.work.seeds.library.choose([user.work.seeds.library.matches[0].seed.id])
    user.panel.seeds.scanner.clearFocus()
    user.bench.wait_until(lambda: not similarity.comparing, "the similarity", 600)
    wait_for_layout(user)


def batch(user: Any, folder: Path) -> None:
    """A run of generated cases, the one that needs a look first in the views."""
    from batch.sample_runs import Sample
    from gui.batch_runs import SAMPLES, finished_run

    _, leaks, unsure = SAMPLES
    out = finished_run(folder, (Sample("patient-1"), leaks, unsure, Sample("patient-2")), (30, 128, 128))
    only(user, user.panel.batch)
    user.work.reviews.open(out)
    user.work.reviews.next_case()
    wait_for_layout(user)


def only(user: Any, panel: Any) -> None:
    """Unfold one part of the panel and fold the others."""
    for part in user.panel.panels:
        part.widget.collapsed = part is not panel


def wait_for_layout(user: Any) -> None:
    """Until the panel shows everything, each widget in its place."""
    user.wait_for_panel()
    user.bench.settle()


if __name__ == "__main__":
    main()
