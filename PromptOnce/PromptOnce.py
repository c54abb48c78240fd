"""PromptOnce: segment a whole CT, MR or X-ray volume from one prompt with SAM 2."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from PromptOnceLib.requirements import missing_requirements

if TYPE_CHECKING:  # these need packages that may be missing
    from PromptOnceLib.gui.module_panel import ModulePanel
    from PromptOnceLib.gui.parameter_node import PromptOnceParameterNode
    from PromptOnceLib.gui.requirements_notice import RequirementsNotice
    from PromptOnceLib.mrml.logic.console import Console


class PromptOnce(ScriptedLoadableModule):
    """What Slicer shows of the module in its lists."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("PromptOnce")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Markups", "Segmentations", "SubjectHierarchy", "Tables", "Plots"]
        self.parent.contributors = ["The PromptOnce developers"]
        self.parent.helpText = _(
            "Mark an object on one slice with a box and a few points: SAM 2 carries its mask through the whole "
            "volume. For research only, not for clinical use. Nothing about your images leaves this computer.",
        )
        self.parent.acknowledgementText = _(
            "After Gutierrez et al., Prompt Once, Segment Everything (Algorithms 2025), and Ravi et al., SAM 2 (2024).",
        )
        slicer.app.connect("startupCompleted()", _register_sample_data)


def _register_sample_data() -> None:
    from PromptOnceLib.gui.sample_data import register_sample_data

    register_sample_data()


class PromptOnceWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The shell between Slicer and the panel, which is made when the module is opened."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: PromptOnceLogic | None = None
        self.panel: ModulePanel | None = None
        self.requirements: RequirementsNotice | None = None

    def setup(self) -> None:
        """Build the panel, or say what is missing for it."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = PromptOnceLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._scene_closed)
        slicer.app.connect("aboutToQuit()", self.cleanup)
        if missing_requirements():
            from PromptOnceLib.gui.requirements_notice import RequirementsNotice

            self.requirements = RequirementsNotice(self.layout, self._build)
        else:
            self._build()

    def enter(self) -> None:
        """The user opens the module."""
        if self.panel is not None and self.logic is not None:
            self.panel.enter(self.logic.getParameterNode())

    def exit(self) -> None:
        """The user opens another module."""
        if self.panel is not None:
            self.panel.leave()

    def cleanup(self) -> None:
        """The application ends, or the module is reloaded."""
        self.removeObservers()
        slicer.app.disconnect("aboutToQuit()", self.cleanup)
        if self.panel is not None:
            self.panel.close()
            self.panel = None
        if self.logic is not None:
            self.logic.close()

    def onReload(self) -> None:  # noqa: N802
        """Developer mode: load the library anew, too."""
        for name in [name for name in sys.modules if name.split(".")[0] == "PromptOnceLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def _build(self) -> None:
        from PromptOnceLib.gui.module_panel import ModulePanel

        self.panel = ModulePanel(self.layout)
        if self.parent.isEntered:  # packages were installed just now, or the module was reloaded
            self.enter()

    def _scene_closed(self, *_args: Any) -> None:
        if self.parent.isEntered:
            self.enter()


class PromptOnceLogic(ScriptedLoadableModuleLogic):
    """The module without its panel, for Python: logic = slicer.util.getModuleLogic("PromptOnce").

    Offers what PromptOnceLib.mrml.logic.console.Console has: segmentVolume, promptFromIJK, promptFromRAS,
    promptFromMarkups, promptFromReference, promptFromSeed, seeds, matchSeeds, saveSeed, seedRoundTrip, runBatch,
    evaluate, cancel. Each is documented there: help(logic.segmentVolume).
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._console: Console | None = None

    def getParameterNode(self) -> PromptOnceParameterNode:  # noqa: N802
        """The choices that are saved with the scene, typed."""
        from PromptOnceLib.gui.parameter_node import wrapped

        return wrapped(super().getParameterNode())

    def close(self) -> None:
        """End the worker of the console."""
        if self._console is not None:
            self._console.close()

    def __getattr__(self, name: str) -> Any:
        """What the console offers; made when it is first asked for, because its packages may be missing before."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._console is None:
            from PromptOnceLib.gui.console import make_logic

            self._console = make_logic()
        return getattr(self._console, name)


class PromptOnceTest(ScriptedLoadableModuleTest):
    """The whole flow on the phantom, inside Slicer."""

    def setUp(self) -> None:
        """Start from an empty scene."""
        slicer.mrmlScene.Clear(0)

    def test_from_prompt_to_figures(self) -> None:
        """Open, prompt, preview, propagate, compare."""
        from PromptOnceLib.gui.self_test import from_prompt_to_figures

        self.delayDisplay(from_prompt_to_figures())
