"""Measurements of speed and memory, beside the package and not shipped with it; see README.md."""
