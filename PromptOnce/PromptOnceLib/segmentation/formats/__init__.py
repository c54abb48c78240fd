"""Segmentations in formats that keep names of objects, and what is read of them."""
