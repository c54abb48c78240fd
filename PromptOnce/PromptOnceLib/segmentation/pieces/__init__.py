"""Pieces of masks in three dimensions."""
