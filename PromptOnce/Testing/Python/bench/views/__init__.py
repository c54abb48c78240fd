"""Slice views that are rendered and take mouse events, and the layout that holds them."""
