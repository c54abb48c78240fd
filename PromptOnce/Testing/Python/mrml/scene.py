"""A MRML scene and the module logics as 3D Slicer sets them up, from the package slicer-core: no application, no Qt."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace
from typing import Any

import slicer

# Names of modules as Slicer registers them, and the class of each one's logic; in slicer.modules in lower case.
LOGICS = {
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}

_kept: list[Any] = []  # what nothing else in Python holds, and VTK only weakly


def boot() -> Any:
    """The scene, with slicer.mrmlScene and slicer.modules.<name>.logic() set as in Slicer; the same at every call."""
    if getattr(slicer, "mrmlScene", None) is not None:
        return slicer.mrmlScene
    scene = slicer.vtkMRMLScene()
    application_logic = slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)
    # Without these two, and a folder to unpack it in, a scene cannot be read back from an .mrb file.
    remote_io, data_io = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
    application_logic.SetMRMLSceneDataIO(scene, remote_io, data_io)
    unpacked = tempfile.TemporaryDirectory(prefix="promptonce-scene-")
    remote_io.GetCacheManager().SetRemoteCacheDirectory(unpacked.name)
    slicer.mrmlScene = scene
    slicer.modules = SimpleNamespace()
    _add_module(application_logic, "Colors", application_logic.GetColorLogic())
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        _add_module(application_logic, name, logic)
    _kept.extend([application_logic, remote_io, data_io, unpacked])
    return scene


def application_logic() -> Any:
    """What slicer.app.applicationLogic() gives in Slicer."""
    boot()
    return _kept[0]


def _add_module(application_logic: Any, name: str, logic: Any) -> None:
    application_logic.SetModuleLogic(name, logic)
    setattr(slicer.modules, name.lower(), SimpleNamespace(name=name, logic=lambda: logic))
