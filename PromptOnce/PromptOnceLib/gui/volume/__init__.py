"""Choosing the volume, its axis and window, and its slice views."""
