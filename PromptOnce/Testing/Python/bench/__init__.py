"""A bench on which the real code of a scripted Slicer module runs without Slicer: PySide6, slicer-core, no window.

A test asks for the fixture `bench` (bench/fixtures.py), after which `import qt, ctk, slicer` work as in Slicer:

    def test_a_click_places_a_point(bench):
        widget = bench.open_module("path/to/MyModule.py")
        bench.click(widget.ui.pointButton)
        bench.mouse("Red").click_ras((10, 20, 30))

What is real: Qt, MRML nodes, logics, displayable managers, VTK's rendering and interaction, slicer.util, QProcess.
What stands in: PythonQt's manners (bench/pythonqt), the CTK, qMRML and qSlicer widgets that a panel needs, the
application, the layout. A stand-in has the properties, slots and signals of the C++ class and no others, so that code
that runs here does not meet a missing method in Slicer. Where the environment variable SLICER_SOURCE_DIR names a source
tree of Slicer, its own ScriptedLoadableModule, parameterNodeWrapper and i18n are used.
"""
