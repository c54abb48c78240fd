"""What a user does with the module on the bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

MODULE = Path(__file__).resolve().parents[3] / "PromptOnce.py"
ROWS, COLUMNS = 96, 112
CENTER = (56.0, 48.0)  # x, y
LARGEST = 30.0  # radius in pixels


def ball(slices: int = 10) -> np.ndarray:
    """Mask (slices, rows, columns) of a ball along all slices."""
    rows, columns = np.indices((ROWS, COLUMNS))
    distance = np.hypot(columns - CENTER[0], rows - CENTER[1])
    heights = (np.arange(slices) - slices // 2) / (slices / 2 + 1)
    return np.array([distance <= LARGEST * np.sqrt(1 - height**2) for height in heights])


def reference_map(volume: Any, mask: np.ndarray) -> Any:
    """A label map volume on the grid of a volume, with a mask (slices, rows, columns)."""
    import slicer
    import vtk

    ijk_to_ras = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(ijk_to_ras)
    return slicer.util.addVolumeFromArray(mask.astype(np.uint8), ijk_to_ras, "truth", "vtkMRMLLabelMapVolumeNode")


class User:
    """Opens the module. panel: the ModulePanel, work: the workbench behind it, case: the open case, prompt: what the
    markups show, taken in or not. view: the slice view that the mouse is over.
    """

    def __init__(self, bench: Any) -> None:
        self.bench, self.view = bench, "Red"
        self.widget = bench.open_module(MODULE)

    @property
    def panel(self) -> Any:
        return self.widget.panel

    @property
    def work(self) -> Any:
        return self.panel.bench

    @property
    def case(self) -> Any:
        return self.work.current.case

    @property
    def prompt(self) -> Any:
        return None if self.case is None else self.case.objects.read().prompt

    def load_ball(self, name: str = "ball", slices: int = 10, matrix: np.ndarray | None = None) -> Any:
        """The volume node of a bright ball in grey noise."""
        import slicer

        noise = np.random.default_rng(0).normal(0, 8, (slices, ROWS, COLUMNS))
        array = (np.where(ball(slices), 120, -60) + noise).astype(np.int16)
        matrix = np.diag([-1.0, -1.0, 3.0, 1.0]) if matrix is None else matrix
        return slicer.util.addVolumeFromArray(array, slicer.util.vtkMatrixFromArray(matrix), name)

    def choose(self, node: Any) -> None:
        """Choose a volume in the panel."""
        self.pick_node(self.panel.volume.volume, node)

    def pick_node(self, selector: Any, node: Any) -> None:
        """Choose a node in a selector as a user does."""
        selector.setCurrentNode(node)
        selector.nodeActivated.emit(node)
        self.wait_for_panel()

    def choose_model(self, name: str) -> None:
        """Choose a model in the list of the panel Engine."""
        self.panel.engine.widget.collapsed = False
        self.pick(self.panel.engine.model, name)

    def use_private_environment(self, folder: Path) -> None:
        """Choose PromptOnce's own environment, in a folder of this test."""
        self.work.engine.preferences.engine_folder = str(folder)
        self.panel.engine.widget.collapsed = False
        self.pick(self.panel.engine.kind, "private")

    def pick(self, combo: Any, data: str) -> None:
        """Choose an entry of a combo box as a user does."""
        index = combo.findData(data)
        assert index >= 0, f"there is no {data} in the list"
        combo.setCurrentIndex(index)
        combo.activated.emit(index)
        self.wait_for_panel()

    def click_at(self, x: float, y: float) -> None:
        """Click on a pixel of the prompted slice in the slice view."""
        self.bench.mouse(self.view).click_ras(self.place(x, y))

    def place(self, x: float, y: float, index: int | None = None) -> np.ndarray:
        """RAS of a pixel, on the prompted slice or another one."""
        index = self.case.objects.seed if index is None else index
        return self.case.image.grid.to_world(index, x, y)

    def draw_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Press Box and drag from corner to corner, as everywhere else."""
        self.bench.click(self.panel.prompt.tools["box"])
        self.bench.mouse(self.view).drag_ras(self.place(x0, y0), self.place(x1, y1))

    def click_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Press Box and click two corners."""
        self.bench.click(self.panel.prompt.tools["box"])
        self.click_at(x0, y0)
        self.click_at(x1, y1)

    def draw_again(self, box: tuple[float, float, float, float]) -> None:
        """Drag another box with the tool that is still in hand."""
        x0, y0, x1, y1 = box
        self.bench.mouse(self.view).drag_ras(self.place(x0, y0), self.place(x1, y1))

    def box_the_ball(self) -> None:
        """A box around the ball, and wait until it is taken."""
        self.draw_box(26, 18, 86, 78)
        self.bench.wait_until(lambda: self.case.objects.can_undo, "the box")
        self.wait_for_panel()

    def wait_for_mask(self) -> None:
        """Until the mask of the prompt as it is now is shown."""
        self.bench.wait_until(
            lambda: self.work.preview.visible and not self.work.engine.session.busy, "the seed mask", 90
        )
        self.wait_for_panel()

    def propagate(self) -> None:
        """Press Propagate and wait for the first slice."""
        self.wait_for_panel()
        self.bench.click(self.panel.run.propagate)
        run = self.work.runs
        self.bench.wait_until(lambda: not run.running or run.job.progress.done > 0, "the first slice", 90)

    def wait_for_run(self) -> None:
        """Until no run goes on."""
        self.bench.wait_until(lambda: not self.work.runs.running, "the end of the run", 90)
        self.wait_for_panel()

    def wait_for_panel(self) -> None:
        """Until the panel shows what the workbench says."""
        panel = self.panel
        self.bench.wait_until(lambda: panel.up_to_date, "the panel")

    def result(self, index: int = 0) -> np.ndarray:
        """The mask that was written for an object, KJI."""
        import slicer

        writer = self.work.runs.writer
        volume = self.case.image.node
        return slicer.util.arrayFromSegmentBinaryLabelmap(writer.node, writer.segment_ids[index], volume) > 0
