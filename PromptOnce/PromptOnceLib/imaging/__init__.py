"""One image as numbers in space: reading, geometry, window, slices."""
