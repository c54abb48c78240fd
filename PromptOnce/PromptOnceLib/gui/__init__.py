"""The module's panel in 3D Slicer, a package for every part of it."""
