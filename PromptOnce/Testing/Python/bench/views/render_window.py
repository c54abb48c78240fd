"""A VTK render window that needs no screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy


def offscreen_window() -> Any:
    """On Linux through EGL, so that no X server is needed; elsewhere the system's own, kept off the screen."""
    window = vtk.vtkEGLRenderWindow() if hasattr(vtk, "vtkEGLRenderWindow") else vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    return window


def pixels(window: Any) -> NDArray[np.uint8]:
    """Render; the picture as an array (rows, columns, 3), first row at the top."""
    window.Render()
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    grabber.ShouldRerenderOff()
    grabber.Update()
    image = grabber.GetOutput()
    columns, rows, _ = image.GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
    return np.ascontiguousarray(values[::-1, :, :3])
