"""Crops instead of whole slices, and slices that are each segmented from a prompt of their own."""
