"""Choosing the volume, and its slice views."""
