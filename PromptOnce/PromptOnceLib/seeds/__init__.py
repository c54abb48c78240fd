"""Prompted slices kept by scanner in a library and brought to other volumes (Prompt Once, section 4.2)."""
