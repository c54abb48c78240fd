"""The commands, a file each.

A module imports at its top what its options need. What reads images, writes reports or downloads takes long to load and
is imported in the command itself: help and mistakes are then answered at once.
"""
