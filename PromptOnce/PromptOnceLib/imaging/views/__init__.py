"""Crops of slices."""
